"""Kubernetes Events from the sandbox's controllers; the same event again raises its count."""

from deliver.model.objects import Object
from deliver_sandbox.api import Api, stamp


class Events:
    def __init__(self, api: Api) -> None:
        self.api = api
        self._known: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._count = 0

    def tell(self, obj: Object, reason: str, message: str, *, source: str, warning: bool = False) -> None:
        meta, now = obj["metadata"], stamp(self.api.clock.now())
        key = (meta["uid"], reason, message)
        if key in self._known:
            old = self.api.store.get("events", *self._known[key])
            if old is not None:
                self.api.store.put("events", {**old, "count": old["count"] + 1, "lastTimestamp": now})
                return
        self._count += 1
        name, namespace = f"{meta['name']}.{self._count:016x}", meta.get("namespace", "default")
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace, "uid": self.api.new_uid(), "creationTimestamp": now},
            "involvedObject": {
                "apiVersion": obj["apiVersion"],
                "kind": obj["kind"],
                "name": meta["name"],
                "namespace": namespace,
                "uid": meta["uid"],
                "resourceVersion": meta["resourceVersion"],
            },
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {"component": source},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "eventTime": None,
            "reportingComponent": source,
            "reportingInstance": "",
        }
        self.api.store.put("events", event)
        self._known[key] = (namespace, name)
