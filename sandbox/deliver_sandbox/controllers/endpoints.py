"""The EndpointSlice controller: which addresses stand behind a Service (pkg/controller/endpointslice)."""

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.api import Api, stamp
from deliver_sandbox.controllers.base import Controller, reference
from deliver_sandbox.controllers.replicaset import is_ready
from deliver_sandbox.store import Change

SERVICE = "kubernetes.io/service-name"
MANAGED = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
PER_SLICE = 100
OTHER_FAMILY = 0.3  # seconds after the first family's slices
Slot = tuple[Object | None, list[Object] | None, list[Object]]
"""A slice that is there or is to be made, the ports it is to have, and the endpoints."""
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


class EndpointSliceController(Controller):
    delay = 0.05

    def __init__(self, api: Api, seed: int) -> None:
        super().__init__(api)
        self.random = random.Random(f"endpointslices {seed}")

    def see(self, change: Change) -> None:
        if change.kind == "services":
            self.poke(change.namespace, change.name)
        elif change.kind == "endpointslices" and change.type != "ADDED":
            service = (change.obj["metadata"].get("labels") or {}).get(SERVICE)
            if service:
                self.poke(change.namespace, service)
        elif change.kind == "pods":
            self._see_pod(change)

    def _see_pod(self, change: Change) -> None:
        for service in self.store.every("services", change.namespace):
            selector = service["spec"].get("selector")
            if selector and any(_matches(selector, obj) for obj in (change.obj, change.old) if obj is not None):
                self.poke(change.namespace, service["metadata"]["name"])

    def sync(self, namespace: str, name: str) -> None:
        service = self.store.get("services", namespace, name)
        mine = [o for o in self.store.every("endpointslices", namespace) if _mine(o, name)]
        first, *others = (service["spec"].get("ipFamilies") if service else None) or ["IPv4"]
        for family in others:  # the real one writes the families one after the other, each on its own
            self.clock.after(OTHER_FAMILY, partial(self._family, namespace, name, family))
        if service is None:
            for item in mine:
                self.store.remove("endpointslices", namespace, item["metadata"]["name"])
            return
        self._family(namespace, name, first)

    def _family(self, namespace: str, name: str, family: str) -> None:
        service = self.store.get("services", namespace, name)
        if service is None or not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return
        mine = [o for o in self.store.every("endpointslices", namespace) if _mine(o, name) and o["addressType"] == family]
        pods = [pod for pod in self.store.every("pods", namespace) if _matches(service["spec"]["selector"], pod)]
        published = bool(service["spec"].get("publishNotReadyAddresses"))
        wanted = [_endpoint(pod, family, published) for pod in pods if _counts(pod)]
        self._place(service, family, mine, wanted)

    def _place(self, service: Object, family: str, mine: list[Object], wanted: list[Object]) -> None:
        """Endpoints with equal port numbers share slices: a named port that another version has elsewhere takes slices of its own."""
        left, plan = list(mine), list[Slot]()
        for ports, endpoints in self._by_ports(service, wanted):
            here = [item for item in left if not wanted or item.get("ports") in (None, ports)]
            left = [item for item in left if not any(item is taken for taken in here)]
            plan += [(old, ports, kept) for old, kept in _filled(here, endpoints)]
        self._write(service, family, [*plan, *((old, None, []) for old in left)])

    def _by_ports(self, service: Object, wanted: list[Object]) -> list[tuple[list[Object] | None, list[Object]]]:
        """(port numbers, endpoints that have them); a placeholder slice, of no endpoints, has no ports."""
        if not wanted:
            return [(None, [])]
        ports, space = service["spec"].get("ports") or (), service["metadata"]["namespace"]
        if all(isinstance(port.get("targetPort", port["port"]), int) for port in ports):
            return [(_numbers(ports, None), wanted)]
        found: dict[str, tuple[list[Object] | None, list[Object]]] = {}
        for endpoint in wanted:
            numbers = _numbers(ports, self.store.get("pods", space, endpoint["targetRef"]["name"]))
            found.setdefault(str(numbers), (numbers, []))[1].append(endpoint)
        return list(found.values())

    def _write(self, service: Object, family: str, plan: list[Slot]) -> None:
        """Creates, then updates, then deletes: old and new stand side by side for a moment, and never nobody."""
        namespace = service["metadata"]["namespace"]
        last = [] if any(endpoints for _, _, endpoints in plan) else plan[:1]
        kept = [slot for slot in plan if slot[2]] or last
        for old, ports, endpoints in kept:
            if old is None:
                self.store.put("endpointslices", self._body(service, family, ports, endpoints, None))
        for old, ports, endpoints in kept:
            if old is not None:
                self.api.commit("endpointslices", old, self._body(service, family, ports, endpoints, old))
        for slot in plan:
            if slot[0] is not None and not any(slot is other for other in kept):
                self.store.remove("endpointslices", namespace, slot[0]["metadata"]["name"])

    def _body(self, service: Object, family: str, ports: list[Object] | None, endpoints: list[Object], old: Object | None) -> Object:
        name = service["metadata"]["name"]
        labels = {**(service["metadata"].get("labels") or {}), SERVICE: name, MANAGED: MANAGER}
        if old is not None:
            return {**old, "metadata": {**old["metadata"], "labels": labels}, "endpoints": endpoints or None, "ports": ports}
        now = stamp(self.clock.now())
        meta: dict[str, Any] = {
            "name": f"{name}-" + "".join(self.random.choices(_SUFFIX, k=5)),
            "generateName": f"{name}-",
            "namespace": service["metadata"]["namespace"],
            "uid": self.api.new_uid(),
            "generation": 1,
            "creationTimestamp": now,
            "labels": labels,
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": now},
            "ownerReferences": [reference(service)],
        }
        head = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta}
        return {**head, "addressType": family, "endpoints": endpoints or None, "ports": ports}


def _filled(mine: list[Object], wanted: list[Object]) -> list[tuple[Object | None, list[Object]]]:
    """Endpoints stay in the slice where they are; new ones fill what is not full, and then new slices."""
    left = {item["targetRef"]["uid"]: item for item in wanted}
    plan: list[tuple[Object | None, list[Object]]] = [
        (item, [left.pop(e["targetRef"]["uid"]) for e in item["endpoints"] or () if e["targetRef"]["uid"] in left]) for item in mine
    ]
    fresh = list(left.values())
    for _, kept in plan:
        while fresh and len(kept) < PER_SLICE:
            kept.append(fresh.pop(0))
    while fresh:
        plan.append((None, fresh[:PER_SLICE]))
        fresh = fresh[PER_SLICE:]
    return plan or [(None, [])]


def _mine(obj: Object, service: str) -> bool:
    labels = obj["metadata"].get("labels") or {}
    return labels.get(SERVICE) == service and labels.get(MANAGED) == MANAGER


def _matches(selector: dict[str, str], pod: Object) -> bool:
    return selector.items() <= (pod["metadata"].get("labels") or {}).items()


def _counts(pod: Object) -> bool:
    """Has an address and is not at its end."""
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _endpoint(pod: Object, family: str, publish: bool) -> Object:
    """`ready` is serving and not terminating; publishNotReadyAddresses makes it always true."""
    serving, leaving = is_ready(pod), bool(pod["metadata"].get("deletionTimestamp"))
    meta, ip = pod["metadata"], pod["status"]["podIP"]
    return {
        "addresses": [f"2001:db8::{ip}" if family == "IPv6" else ip],
        "conditions": {"ready": publish or (serving and not leaving), "serving": serving, "terminating": leaving},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
    }


def _numbers(ports: Sequence[Object], pod: Object | None) -> list[Object]:
    """Named target ports are looked up in the pod; one that it has not is left out."""
    return [found for port in ports if (found := _port(port, pod)) is not None]


def _port(port: Object, pod: Object | None) -> Object | None:
    number = port.get("targetPort", port["port"])
    if not isinstance(number, int):
        containers = pod["spec"]["containers"] if pod is not None else ()
        named = [item["containerPort"] for c in containers for item in c.get("ports") or () if item.get("name") == number]
        if not named:
            return None
        number = named[0]
    return {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
