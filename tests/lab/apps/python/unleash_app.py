"""The application with Unleash's client: it polls the server every UNLEASH_REFRESH seconds and evaluates for itself.

It answers OFREP too, for whoever wants to know what it serves; Unleash has no version that a client could tell.
"""

import os
import threading

from UnleashClient import UnleashClient
from UnleashClient.events import UnleashEventType

import ofrep
import web


def main() -> None:
    heard = threading.Event()  # is_initialized says only that it has begun to ask
    client = UnleashClient(
        url=os.environ["UNLEASH_URL"].removesuffix("/api") + "/api",  # its client wants the API; people have the address of the pages
        app_name=os.environ.get("UNLEASH_APP", "checkout"),
        instance_id=web.POD,
        environment=os.environ.get("UNLEASH_ENVIRONMENT", "development"),
        custom_headers={"Authorization": os.environ["UNLEASH_TOKEN"]},
        refresh_interval=int(os.environ.get("UNLEASH_REFRESH", "2")),
        metrics_interval=int(os.environ.get("UNLEASH_METRICS", "5")),
        cache_directory="/tmp/unleash",
        event_callback=lambda event: heard.set() if event.event_type in (UnleashEventType.READY, UnleashEventType.FETCHED) else None,
    )
    client.initialize_client()

    def evaluate(flag: str, user: str, context: dict) -> web.Answer:
        if flag not in client.feature_definitions():
            raise web.NoFlag(flag)
        on = client.is_enabled(flag, {"userId": user} | context)
        return web.Answer("on" if on else "off", on)

    web.run(ofrep.service(evaluate), int(os.environ.get("OFREP_PORT", "8016")))
    web.run(web.application(evaluate, heard.is_set), int(os.environ.get("PORT", "8080")))
    web.until_told()


if __name__ == "__main__":
    main()
