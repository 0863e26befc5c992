"""An Unleash server in memory: paths, codes and words as seen on unleash-server 8.2.0 (tests/e2e runs the same release on that one)."""

import copy
import json
import re
from typing import Any

import httpx
import mmh3

from deliver.flags.http import FlagHttpClient

URL = "https://unleash.acme.dev"
ADMIN, CLIENT, VIEWER = "*:*.adm1n", "*:development.cl1ent", "user:v1ewer"
STRATEGY = {
    "id": "01M89B35449Q2GB5NC75359HK9",
    "name": "flexibleRollout",
    "title": None,
    "parameters": {"groupId": "new-checkout", "rollout": "0", "stickiness": "default"},
    "constraints": [],
    "variants": [],
    "sortOrder": 0,
    "disabled": False,
}
_FLAG = re.compile(r"^/api/admin/projects/([^/]+)/features/([^/]+)/environments/([^/]+)(?:/(on|off|strategies/.+))?$")


class FakeUnleash:
    """writes: what changed something. before: called once before the next write, as another person's click. feature: None when archived.

    events: of the flag, the newest first; None where the server has no such log.
    """

    def __init__(self) -> None:
        self.flags = {"new-checkout": {"enabled": True, "strategies": [copy.deepcopy(STRATEGY)]}}
        self.feature: dict[str, Any] | None = {"name": "new-checkout", "dependencies": []}
        self.change_requests: Any = None
        self.writes: list[str] = []
        self.sent: list[httpx.Request] = []
        self.before = lambda: None
        self.down = False
        self.events: list[dict[str, Any]] | None = []
        self.caller = FlagHttpClient(transport=httpx.MockTransport(self._answer))

    @property
    def flag(self) -> dict[str, Any]:
        return self.flags["new-checkout"]

    @property
    def strategy(self) -> dict[str, Any]:
        return self.flag["strategies"][0]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if self.down:
            raise httpx.ConnectError("connection refused")
        token = request.headers.get("authorization", "")
        if token == CLIENT:
            return httpx.Response(403, json={"message": "invalid token: expected a different token type for this endpoint"})
        if token not in (ADMIN, VIEWER):
            return _said(401, "UnauthorizedError", "You must log in to use Unleash.")
        if request.method != "GET" and token == VIEWER and "playground" not in request.url.path:
            return _said(403, "PermissionError", "You don't have the required permissions to perform this operation.")
        if found := _FLAG.match(request.url.path):
            return self._flag(request, *found.groups())
        return self._other(request)

    def _flag(self, request: httpx.Request, project: str, flag: str, environment: str, rest: str | None) -> httpx.Response:
        if project != "default" or flag not in self.flags:
            return _said(404, "NotFoundError", f'There\'s no feature named "{flag}" in project "{project}".')
        if environment != "development":
            return _said(404, "NotFoundError", f"Could not find {flag} in {environment}")
        if rest is None:
            return httpx.Response(200, json={"name": flag, "environment": environment, **self.flags[flag]})
        hook, self.before = self.before, lambda: None
        hook()
        if rest in ("on", "off"):
            if self.feature is None:
                return _said(400, "ArchivedFeatureError", "Cannot perform this operation on archived features")
            self._switch(self.flags[flag], rest == "on")
            self.writes.append(rest)
            return httpx.Response(200)
        return self._patch(request, flag, rest.partition("/")[2])

    def _switch(self, flag: dict[str, Any], on: bool) -> None:
        """On over a flag without a strategy in use puts one for everyone."""
        if on and not flag["enabled"] and all(one["disabled"] for one in flag["strategies"]):
            parameters = {**STRATEGY["parameters"], "rollout": "100"}
            flag["strategies"].append({**copy.deepcopy(STRATEGY), "id": "01M8P0R9BV16T28CHP46GVW55D", "parameters": parameters})
        if flag["enabled"] != on:
            self._event(f"feature-environment-{'enabled' if on else 'disabled'}", None)
        flag["enabled"] = on

    def person(self, on: bool) -> None:
        """Clicks on the environment's switch."""
        self._switch(self.flag, on)

    def _event(self, kind: str, data: Any, before: Any = None) -> None:
        if self.events is not None:
            event = {"type": kind, "environment": "development", "createdBy": "admin", "data": copy.deepcopy(data), "preData": before}
            self.events.insert(0, event)

    def _patch(self, request: httpx.Request, flag: str, id: str) -> httpx.Response:
        found = next((one for one in self.flags[flag]["strategies"] if one["id"] == id), None)
        if found is None:
            return _said(404, "NotFoundError", f"Could not find strategy with id: {id}")
        new = {**copy.deepcopy(found), "segments": found.get("segments", [])}
        for step in json.loads(request.content):
            *way, last = step["path"].strip("/").split("/")
            holder = new[way[0]] if way else new
            if step["op"] == "test" and holder.get(last) != step["value"]:
                return _said(500, "UnknownError", "Test operation failed\nname: TEST_OPERATION_FAILED\nindex: 0")
            if step["op"] == "remove":
                del holder[last]
            elif step["op"] != "test":
                holder[last] = copy.deepcopy(step["value"])
        if not all(isinstance(value, str) for value in new["parameters"].values()):
            return _said(400, "BadDataError", "Request validation failed")
        new["title"] = new["title"] if new["title"] is not None else found["title"]
        if not new["segments"] and "segments" not in found:
            del new["segments"]
        old = copy.deepcopy(found)
        found.update(new)
        self._event("feature-strategy-update", found, old)
        if all(one["disabled"] for one in self.flags[flag]["strategies"]):
            self.flags[flag]["enabled"] = False
        self.writes.append(f"rollout {new['parameters']['rollout']}")
        return httpx.Response(200, json=found)

    def _other(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/admin/projects/default/features/new-checkout":
            return httpx.Response(200, json=self.feature) if self.feature else _said(404, "NotFoundError", "Could not find feature flag")
        if path == "/api/admin/projects/default/features":
            return httpx.Response(200, json={"features": [{"name": name} for name in self.flags]})
        if path == "/api/admin/environments":
            return httpx.Response(200, json={"environments": [{"name": "development"}, {"name": "production"}]})
        if path.endswith("/overview"):
            return httpx.Response(200, json={}) if "/default/" in path else _said(404, "NotFoundError", "No project found")
        if path == "/api/admin/search/events" and self.events is not None:
            return httpx.Response(200, json={"events": self.events, "total": len(self.events)})
        if path.endswith("/change-requests/config") and self.change_requests is not None:
            return httpx.Response(200, json=self.change_requests)
        if path == "/api/admin/playground/advanced":
            return self._playground(json.loads(request.content))
        return _said(404, "NotFoundError", f"The path you were looking for ({path}) is not available.")

    def _playground(self, body: dict[str, Any]) -> httpx.Response:
        context = body["context"]
        users = next(value for value in (context.get("userId"), context.get("sessionId"), *context.get("properties", {}).values()) if value)
        rows = [{"isEnabled": self.serves(user), "context": {"userId": user}} for user in users.split(",")]
        return httpx.Response(200, json={"features": [{"name": "new-checkout", "environments": {"development": rows}}]})

    def serves(self, user: str) -> bool:
        """As the SDKs do: murmur3 of group and user, 1 to 100."""
        return (
            self.feature is not None
            and self.flag["enabled"]
            and any(
                mmh3.hash(f"{one['parameters'].get('groupId')}:{user}".encode(), signed=False) % 100
                < int(one["parameters"].get("rollout", 100))
                for one in self.flag["strategies"]
                if not one["disabled"]
            )
        )


def _said(status: int, name: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"name": name, "message": message, "details": [{"message": message}]})
