"""meta.k8s.io/v1 Table, which kubectl asks for: the columns of `kubectl get`, filled by the server as a real one does."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.http.paths import Request

NONE = "<none>"
Cells = Callable[[Object], list[object]]


def wanted(request: Request) -> bool:
    return request.method == "GET" and "as=Table" in request.headers.get("accept", "").replace(" ", "")


def table(kind: str, answer: Object, now: float) -> Object:
    """Of a list or of one object. now: unix seconds, for the ages."""
    items: Sequence[Object] = answer["items"] if str(answer.get("kind", "")).endswith("List") and "items" in answer else [answer]
    names, cells = COLUMNS.get(kind, ((), lambda obj: []))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": answer["metadata"].get("resourceVersion", "")},
        "columnDefinitions": [_column("Name", "name"), *(_column(name) for name in names), _column("Age")],
        "rows": [_row(obj, cells(obj), now) for obj in items],
    }


def _column(name: str, form: str = "") -> Object:
    return {"name": name, "type": "string", "format": form, "description": name, "priority": 0}


def _row(obj: Object, cells: list[object], now: float) -> Object:
    meta = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return {"cells": [obj["metadata"]["name"], *cells, _age(obj, now)], "object": meta}


def _age(obj: Object, now: float) -> str:
    """As k8s.io/apimachinery/pkg/util/duration HumanDuration: two units while young, one later."""
    text = obj["metadata"].get("creationTimestamp")
    if not text:
        return "<unknown>"
    seconds = max(0, int(now - datetime.fromisoformat(text).timestamp()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _pod(obj: Object) -> list[object]:
    states = obj.get("status", {}).get("containerStatuses") or []
    total = len(obj["spec"]["containers"])
    why = next((reason for state in states if (reason := _reason(state.get("state") or {}))), "")
    status = "Terminating" if obj["metadata"].get("deletionTimestamp") else why or obj.get("status", {}).get("phase", "Unknown")
    return [f"{sum(bool(state.get('ready')) for state in states)}/{total}", status, sum(state.get("restartCount", 0) for state in states)]


def _reason(state: Mapping[str, Any]) -> str:
    return str((state.get("waiting") or state.get("terminated") or {}).get("reason", ""))


def _deployment(obj: Object) -> list[object]:
    status = obj.get("status", {})
    ready = f"{status.get('readyReplicas', 0)}/{obj['spec'].get('replicas', 1)}"
    return [ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]


def _replicaset(obj: Object) -> list[object]:
    status = obj.get("status", {})
    return [obj["spec"].get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0)]


def _service(obj: Object) -> list[object]:
    spec = obj["spec"]
    ports = ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or [])
    return [spec.get("type", "ClusterIP"), spec.get("clusterIP") or NONE, NONE, ports or NONE]


def _slice(obj: Object) -> list[object]:
    ports = ",".join(str(port.get("port")) for port in obj.get("ports") or [])
    ends = [address for end in obj.get("endpoints") or [] for address in end.get("addresses") or []]
    shown = ",".join(ends[:3]) + (f" + {len(ends) - 3} more..." if len(ends) > 3 else "")
    return [obj.get("addressType", ""), ports or "<unset>", shown or "<unset>"]


def _lease(obj: Object) -> list[object]:
    return [obj.get("spec", {}).get("holderIdentity") or ""]


def _configmap(obj: Object) -> list[object]:
    return [len(obj.get("data") or {}) + len(obj.get("binaryData") or {})]


def _phase(obj: Object) -> list[object]:
    return [obj.get("status", {}).get("phase") or "Active"]


def _event(obj: Object) -> list[object]:
    about = obj.get("involvedObject") or {}
    subject = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    return [obj.get("type", ""), obj.get("reason", ""), subject, obj.get("message", "")]


def _autoscaler(obj: Object) -> list[object]:
    spec, target = obj["spec"], obj["spec"]["scaleTargetRef"]
    current = (obj.get("status") or {}).get("currentReplicas", 0)
    return [f"{target['kind']}/{target['name']}", spec.get("minReplicas", 1), spec["maxReplicas"], current]


def _quota(obj: Object) -> list[object]:
    status = obj.get("status") or {}
    used = status.get("used") or {}
    return [", ".join(f"{name}: {used.get(name, '0')}/{limit}" for name, limit in sorted((status.get("hard") or {}).items()))]


def _secret(obj: Object) -> list[object]:
    return [obj.get("type", "Opaque"), len(obj.get("data") or {})]


def _binding(obj: Object) -> list[object]:
    return [f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}"]


COLUMNS: Mapping[str, tuple[Sequence[str], Cells]] = {
    "pods": (("Ready", "Status", "Restarts"), _pod),
    "deployments": (("Ready", "Up-to-date", "Available"), _deployment),
    "replicasets": (("Desired", "Current", "Ready"), _replicaset),
    "services": (("Type", "Cluster-IP", "External-IP", "Port(s)"), _service),
    "endpointslices": (("AddressType", "Ports", "Endpoints"), _slice),
    "leases": (("Holder",), _lease),
    "configmaps": (("Data",), _configmap),
    "namespaces": (("Status",), _phase),
    "events": (("Type", "Reason", "Object", "Message"), _event),
    "horizontalpodautoscalers": (("Reference", "MinPods", "MaxPods", "Replicas"), _autoscaler),
    "resourcequotas": (("Request",), _quota),
    "secrets": (("Type", "Data"), _secret),
    "rolebindings": (("Role",), _binding),
    "clusterrolebindings": (("Role",), _binding),
}
"""Between the name and the age; a kind that is not here has these two alone."""
