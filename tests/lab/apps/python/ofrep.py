"""OFREP 0.3: one flag for one user, asked by POST. As a flagd beside the application would answer, here the application itself does.

With OFREP_TOKEN it wants that token, as X-API-Key or as Authorization: Bearer.
"""

import json
import os
from urllib.parse import unquote, urlsplit

from web import Evaluate, Handler, NoFlag

PREFIX = "/ofrep/v1/evaluate/flags/"
TOKEN = os.environ.get("OFREP_TOKEN", "")


def service(evaluate: Evaluate) -> type[Handler]:
    class Ofrep(Handler):
        def do_POST(self) -> None:
            body = self.body()
            path = urlsplit(self.path).path
            if TOKEN and TOKEN not in (self.headers.get("X-API-Key"), (self.headers.get("Authorization") or "").removeprefix("Bearer ")):
                self.json(401, {"errorDetails": "a token is needed"})
            elif not path.startswith(PREFIX):
                self.json(404, {"errorDetails": "POST /ofrep/v1/evaluate/flags/KEY is all there is"})
            else:
                self.evaluated(unquote(path.removeprefix(PREFIX)), body)

        def evaluated(self, flag: str, body: bytes) -> None:
            try:
                context = json.loads(body)["context"]
                user = context.pop("targetingKey", "")
            except (ValueError, KeyError, TypeError, AttributeError):
                self.json(400, {"key": flag, "errorCode": "INVALID_CONTEXT", "errorDetails": 'a JSON object with "context"'})
                return
            try:
                got = evaluate(flag, user, context)
            except NoFlag:
                self.json(404, {"key": flag, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"no flag {flag}"})
                return
            except Exception as error:  # noqa: BLE001 - whatever the flag system makes of a broken flag is an answer
                self.json(400, {"key": flag, "errorCode": "GENERAL", "errorDetails": str(error)})
                return
            found = {"key": flag, "reason": got.reason, "variant": got.variant, "value": got.value, "metadata": got.metadata}
            self.json(200, {name: value for name, value in found.items() if value not in (None, "")})

    return Ofrep
