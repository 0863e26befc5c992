"""The application with Unleash's client: it polls the server every UNLEASH_REFRESH seconds and evaluates for itself.

It answers OFREP too, for whoever wants to know what it serves; Unleash has no version that a client could tell.
"""

import os

from UnleashClient import UnleashClient

import ofrep
import web


def main() -> None:
    client = UnleashClient(
        url=os.environ["UNLEASH_URL"],
        app_name=os.environ.get("UNLEASH_APP", "checkout"),
        instance_id=web.POD,
        environment=os.environ.get("UNLEASH_ENVIRONMENT", "development"),
        custom_headers={"Authorization": os.environ["UNLEASH_TOKEN"]},
        refresh_interval=int(os.environ.get("UNLEASH_REFRESH", "2")),
        metrics_interval=int(os.environ.get("UNLEASH_METRICS", "5")),
        cache_directory="/tmp/unleash",
    )
    client.initialize_client()

    def evaluate(flag: str, user: str, context: dict) -> web.Answer:
        if flag not in {one["name"] for one in client.feature_definitions().values()}:
            raise web.NoFlag(flag)
        on = client.is_enabled(flag, {"userId": user} | context)
        return web.Answer("on" if on else "off", on)

    web.run(ofrep.service(evaluate), int(os.environ.get("OFREP_PORT", "8016")))
    web.run(web.application(evaluate, lambda: client.is_initialized), int(os.environ.get("PORT", "8080")))
    web.until_told()


if __name__ == "__main__":
    main()
