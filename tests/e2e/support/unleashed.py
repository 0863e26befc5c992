"""The lab's Unleash server, as its owner uses it: a flag of the test's own, and somebody else's clicks."""

import json
import re
import secrets
import urllib.request
from typing import Any

from deliver.flags.unleash.backend import Unleash
from deliver.flags.unleash.options import UnleashOptions
from tests.e2e.support.flagged import Flagged


class Server:
    """exports: what `lab unleash env` prints. name: of the newest flag. made: what that was when it was made."""

    def __init__(self, exports: str) -> None:
        found = dict(re.findall(r"export LAB_UNLEASH_(\w+)='?([^'\n]+)'?", exports))
        self.url, self.admin, self.client, self.expired = (found[key] for key in ("URL", "ADMIN_TOKEN", "CLIENT_TOKEN", "EXPIRED_TOKEN"))
        self.name = ""
        self.made: dict[str, Any] = {}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": self.admin, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/admin/projects/default/features{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def flag(self) -> None:
        self.name = f"checkout-{secrets.token_hex(4)}"
        self.ask("POST", "", {"name": self.name, "type": "release"})
        here = f"/{self.name}/environments/development"
        parameters = {"rollout": "0", "stickiness": "default", "groupId": self.name}
        self.ask("POST", f"{here}/strategies", {"name": "flexibleRollout", "parameters": parameters})
        self.ask("POST", f"{here}/on")
        self.made = self.state()

    def state(self) -> dict[str, Any]:
        return dict(self.ask("GET", f"/{self.name}/environments/development"))

    def stranger(self, rollout: str) -> None:
        strategy = self.state()["strategies"][0]["id"]
        patch = [{"op": "replace", "path": "/parameters/rollout", "value": rollout}]
        self.ask("PATCH", f"/{self.name}/environments/development/strategies/{strategy}", patch)

    def backend(self, shop: Flagged, token: str = "", **options: str) -> Unleash:
        wanted = {"url": self.url, "environment": "development", "refresh": "2s", **options}
        return Unleash(UnleashOptions.model_validate(wanted), shop.reach(UNLEASH_TOKEN=token or self.admin))
