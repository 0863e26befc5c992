// A real Unleash server for the lab. What it is told comes from its environment, so that nothing of it stands in a command line.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// the packages stand in the lab's cache, not beside this file
const { start } = await import(pathToFileURL(createRequire(`${process.cwd()}/`).resolve("unleash-server")));
const { HOST, PORT, DB_PORT, DB_PASSWORD, ADMIN_TOKEN, CLIENT_TOKEN, EXPIRED_TOKEN } = process.env;

const token = (secret, type, tokenName, environment, more = {}) => ({ secret, type, tokenName, environment, projects: ["*"], ...more });

await start({
  db: { user: "unleash", password: DB_PASSWORD, host: "127.0.0.1", port: Number(DB_PORT), database: "unleash", ssl: false },
  server: { host: HOST, port: Number(PORT), gracefulShutdownEnable: false },
  authentication: {
    type: "open-source",
    initApiTokens: [
      token(ADMIN_TOKEN, "admin", "lab-admin", "*"),
      token(CLIENT_TOKEN, "client", "lab-client", "development"),
      token(EXPIRED_TOKEN, "admin", "lab-expired", "*", { expiresAt: new Date("2020-01-01") }),
    ],
  },
  versionCheck: { enable: false }, // nothing leaves the lab
  telemetry: false,
  logLevel: "warn",
});
