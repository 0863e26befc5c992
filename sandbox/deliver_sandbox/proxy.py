"""kube-proxy on the clients' node: which pods a Service's connections go to, a moment after the EndpointSlices say so."""

import random
from collections.abc import Callable

from deliver_sandbox.api import Api
from deliver_sandbox.controllers.endpoints import SERVICE
from deliver_sandbox.store import Change

View = tuple[str, ...]


class Proxy:
    """delay: bounds, seconds, of the time to program a change. before: called before a view changes."""

    def __init__(self, api: Api, seed: int, before: Callable[[], None], delay: tuple[float, float] = (0.05, 0.6)) -> None:
        self.api, self.before, self.delay = api, before, delay
        self.random = random.Random(f"proxy {seed}")
        self._views: dict[tuple[str, str], View] = {}
        self._due: set[tuple[str, str]] = set()
        api.store.listen(self._hear)

    def view(self, namespace: str, service: str) -> View:
        """Uids of the pods that new connections are spread over."""
        return self._views.get((namespace, service), ())

    def _hear(self, change: Change) -> None:
        if change.kind != "endpointslices":
            return
        service = (change.obj["metadata"].get("labels") or {}).get(SERVICE)
        key = (change.namespace, service or "")
        if service and key not in self._due:
            self._due.add(key)
            self.api.clock.after(self.random.uniform(*self.delay), lambda: self._program(key))

    def _program(self, key: tuple[str, str]) -> None:
        """Ready endpoints; when there are none, those that still serve while they terminate (kube-proxy's topology.go)."""
        self._due.discard(key)
        namespace, service = key
        ends = [
            end
            for item in self.api.store.every("endpointslices", namespace)
            if (item["metadata"].get("labels") or {}).get(SERVICE) == service
            for end in item["endpoints"] or ()
        ]
        chosen = [end for end in ends if end["conditions"]["ready"]]
        chosen = chosen or [end for end in ends if end["conditions"]["serving"] and end["conditions"]["terminating"]]
        self.before()
        self._views[key] = tuple(end["targetRef"]["uid"] for end in chosen)
