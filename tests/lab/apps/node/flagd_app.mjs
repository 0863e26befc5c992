// The application with flagd's evaluator for JavaScript (npm @openfeature/flagd-core), which puts users into other groups than the
// Python one of the same year: a fleet with both gives the treatment to too many. Serves what apps/python/flagd_app.py does, without chaos.
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { FlagdCore } from "@openfeature/flagd-core";

const { FLAGS_FILE = "/etc/flags/flags.json", FLAG = "new-checkout", PORT = "8080", OFREP_PORT = "8016", OFREP_TOKEN, HOSTNAME } = process.env;
const PREFIX = "/ofrep/v1/evaluate/flags/";
const core = new FlagdCore();
let read = 0;

function reload() {
  try {
    const { mtimeMs } = statSync(FLAGS_FILE);
    if (mtimeMs === read) return;
    core.setConfigurations(readFileSync(FLAGS_FILE, "utf8"));
    read = mtimeMs;
  } catch (error) {
    console.error(`${FLAGS_FILE}: ${error.message}`); // the last good flags keep serving
  }
}

function evaluate(key, context) {
  const flag = core.getFlag(key);
  if (!flag) return undefined;
  const kind = typeof [...flag.variants.values()][0];
  return core.resolve(kind, key, { boolean: false, string: "", number: 0, object: {} }[kind], context);
}

const counts = new Map();
for (const variant of ["on", "off"]) counts.set(`code="200",variant="${variant}"`, 0);

const send = (response, code, data, headers = {}) => {
  const body = typeof data === "string" ? data : `${JSON.stringify(data)}\n`;
  const kind = typeof data === "string" ? "text/plain; version=0.0.4" : "application/json";
  response.writeHead(code, { "content-type": kind, "content-length": Buffer.byteLength(body), ...headers }).end(body);
};

const application = createServer((request, response) => {
  const url = new URL(request.url, "http://app");
  if (url.pathname === "/healthz") return send(response, read ? 200 : 503, read ? "ok\n" : "no flags yet\n");
  if (url.pathname === "/metrics") {
    const lines = [...counts].map(([labels, n]) => `http_requests_total{${labels}} ${n}\n`);
    return send(response, 200, `# TYPE http_requests_total counter\n${lines.join("")}`);
  }
  const user = url.searchParams.get("user") ?? "";
  const got = evaluate(FLAG, { targetingKey: user });
  const variant = got?.variant ?? "off";
  const labels = `code="200",variant="${variant}"`;
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
  const version = String(got?.flagMetadata?.version ?? "");
  send(response, 200, { user, variant, version, pod: HOSTNAME ?? "" }, { "x-variant": variant, "x-version": variant });
});

const ofrep = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const { pathname } = new URL(request.url, "http://app");
  const tokens = [request.headers["x-api-key"], request.headers.authorization?.replace(/^Bearer /, "")];
  if (OFREP_TOKEN && !tokens.includes(OFREP_TOKEN)) return send(response, 401, { errorDetails: "a token is needed" });
  if (request.method !== "POST" || !pathname.startsWith(PREFIX)) return send(response, 404, { errorDetails: "no such page" });
  const key = decodeURIComponent(pathname.slice(PREFIX.length));
  let context;
  try {
    ({ context } = JSON.parse(Buffer.concat(parts).toString()));
    context.targetingKey;
  } catch {
    return send(response, 400, { key, errorCode: "INVALID_CONTEXT", errorDetails: 'a JSON object with "context"' });
  }
  try {
    const got = evaluate(key, context);
    if (!got) return send(response, 404, { key, errorCode: "FLAG_NOT_FOUND", errorDetails: `no flag ${key}` });
    send(response, 200, { key, reason: got.reason, variant: got.variant, value: got.variant ? got.value : undefined, metadata: got.flagMetadata });
  } catch (error) {
    send(response, 400, { key, errorCode: error.code ?? "GENERAL", errorDetails: error.message });
  }
});

reload();
setInterval(reload, 500);
application.listen(Number(PORT));
ofrep.listen(Number(OFREP_PORT));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => setTimeout(() => process.exit(0), 2000));
