"""What a person does in Unleash's web pages: make a flag with one rollout strategy, look at it, throw it away. Not deliver's own client."""

from typing import Any

import httpx

Json = dict[str, Any]


class Unleash:
    """The admin API of `lab unleash up`, in project `default` and environment `development` unless told otherwise."""

    def __init__(self, url: str, token: str, project: str = "default", environment: str = "development") -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": token}, timeout=10, trust_env=False)
        self.features = f"/api/admin/projects/{project}/features"
        self.environment = environment

    def call(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.http.request(method, path, json=body)
        reply.raise_for_status()
        return reply.json() if reply.content and "json" in reply.headers.get("content-type", "") else None

    def feature(self, name: str, rollout: float = 0, *, on: bool = True) -> Json:
        """A new flag with one gradual rollout, as the web pages make it; the strategy."""
        self.call("POST", self.features, {"name": name, "type": "release"})
        made = self.strategy(name, rollout)
        if on:
            self.switch(name, on=True)
        return made

    def strategy(self, name: str, rollout: float, **more: Any) -> Json:
        """One more strategy; more: constraints, segments, variants, title."""
        parameters = {"rollout": str(rollout), "stickiness": "default", "groupId": name}
        body = {"name": "flexibleRollout", "parameters": parameters, "constraints": [], **more}
        return dict(self.call("POST", f"{self._where(name)}/strategies", body))

    def state(self, name: str) -> Json:
        """enabled and strategies in the environment."""
        return dict(self.call("GET", self._where(name)))

    def roll(self, name: str, strategy: str, rollout: float) -> None:
        patch = [{"op": "replace", "path": "/parameters/rollout", "value": str(rollout)}]
        self.call("PATCH", f"{self._where(name)}/strategies/{strategy}", patch)

    def switch(self, name: str, *, on: bool) -> None:
        self.call("POST", f"{self._where(name)}/{'on' if on else 'off'}")

    def remove(self, name: str) -> None:
        """For good: a flag is archived first, and then deleted from the archive."""
        self.call("DELETE", f"{self.features}/{name}")
        self.call("DELETE", f"/api/admin/archive/{name}")

    def _where(self, name: str) -> str:
        return f"{self.features}/{name}/environments/{self.environment}"
