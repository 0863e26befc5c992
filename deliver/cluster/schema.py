"""Is it an object of its kind? The fields that we read, by type: a proxy, a broken aggregated API or a damaged store may answer anything.

An optional field may be absent or null; null is made absent, so that readers have one case. What is not listed here is nobody's business.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deliver.model.errors import Unreachable
from deliver.model.objects import Object

Shape = (
    Any  # a type or several, [shape of each item], {"key": shape, ...} (a key with ! must be there), {str: shape of each value}, or TIME
)
TIME = datetime
TEXTS: Shape = {str: str}
META: Shape = {
    "name!": str,
    "uid!": str,
    "resourceVersion!": str,
    "generation": int,
    "labels": TEXTS,
    "annotations": TEXTS,
    "creationTimestamp": TIME,
    "deletionTimestamp": TIME,
    "ownerReferences": [{"uid!": str, "controller": bool}],
    "managedFields": [{"manager": str, "operation": str, "time": TIME, "subresource": str, "fieldsV1": {"f:spec": dict}}],
}
CONDITION: Shape = {"type!": str, "status!": str, "reason": str, "message": str, "lastTransitionTime": TIME}
RESOURCES: Shape = {"requests": {str: (str, int, float)}, "limits": {str: (str, int, float)}}
CONTAINER: Shape = {
    "name!": str,
    "image": str,
    "resources": RESOURCES,
    "readinessProbe": dict,
    "lifecycle": {"preStop": {}},
    "ports": [{"name": str, "containerPort": int}],
}
TEMPLATE: Shape = {
    "metadata!": {"labels": TEXTS, "annotations": TEXTS},
    "spec!": {
        "containers!": [CONTAINER],
        "initContainers": [CONTAINER],
        "volumes": [dict],
        "terminationGracePeriodSeconds": int,
    },
}
SELECTOR: Shape = {"matchLabels": TEXTS, "matchExpressions": [{"key!": str, "operator!": str, "values": [str]}]}
RAN: Shape = {"startedAt": TIME, "finishedAt": TIME, "reason": str, "message": str, "exitCode": int}
STATE: Shape = {"waiting": {"reason": str, "message": str}, "running": RAN, "terminated": RAN}
CONTAINER_STATUS: Shape = {"name!": str, "image": str, "restartCount": int, "state": STATE, "lastState": STATE, "ready": bool}
REPLICAS: Shape = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "observedGeneration"), int)

SHAPES: Mapping[str, Shape] = {
    "deployments": {
        "spec!": {
            "replicas": int,
            "paused": bool,
            "selector!": SELECTOR,
            "template!": TEMPLATE,
            "strategy": {"type": str, "rollingUpdate": dict},
        },
        "status": {**REPLICAS, "conditions": [CONDITION]},
    },
    "replicasets": {"spec!": {"replicas": int, "template!": TEMPLATE}, "status": REPLICAS},
    "statefulsets": {},
    "daemonsets": {},
    "pods": {
        "spec!": {"containers!": [CONTAINER], "nodeName": str},
        "status": {
            "phase": str,
            "reason": str,
            "message": str,
            "podIP": str,
            "conditions": [CONDITION],
            "containerStatuses": [CONTAINER_STATUS],
            "initContainerStatuses": [CONTAINER_STATUS],
        },
    },
    "services": {
        "spec!": {
            "selector": TEXTS,
            "type": str,
            "ipFamilies": [str],
            "ports": [{"name": str, "port!": int, "protocol": str, "targetPort": (int, str)}],
            "sessionAffinity": str,
            "publishNotReadyAddresses": bool,
        }
    },
    "endpointslices": {
        "addressType": str,
        "endpoints": [
            {"addresses": [str], "conditions": {"ready": bool}, "targetRef": {"uid": str, "name": str, "kind": str}, "hints": dict}
        ],
    },
    "horizontalpodautoscalers": {
        "spec!": {"minReplicas": int, "maxReplicas!": int, "scaleTargetRef!": {"kind!": str, "name!": str}},
        "status": {"conditions": [CONDITION]},
    },
    "configmaps": {"data": TEXTS},
    "leases": {"spec!": {"holderIdentity": str, "leaseTransitions": int, "leaseDurationSeconds": int, "renewTime": TIME}},
    "persistentvolumeclaims": {"spec": {"accessModes": [str]}},
    "nodes": {"spec": {"unschedulable": bool}},
    "resourcequotas": {"spec": {"hard": TEXTS}, "status": {"hard": TEXTS, "used": TEXTS}},
    "namespaces": {},
    "events": {},
    "prometheuses": {"spec": {"routePrefix": str}},
    "featureflags": {"spec": {"flagSpec": dict}},
}


def fitting(kind: str, obj: Any) -> Object:
    """The object, without the nulls of optional fields. Raises Unreachable, naming the field, for one that is not of its kind."""
    shape = {"metadata!": META, **SHAPES.get(kind, {})}
    if misfit := _misfit(obj, shape, ""):
        name = obj["metadata"]["name"] if isinstance(obj, dict) and not _misfit(obj, {"metadata!": {"name!": str}}, "") else "?"
        raise Unreachable(
            f"no usable answer about {kind}/{name}",
            why=f"it is not what the API says it is: {misfit}",
            hint=f"does `kubectl get {kind} -o yaml` show the same? a proxy in between, or a damaged store",
        )
    found: Object = obj
    return found


def _misfit(value: Any, shape: Shape, at: str) -> str:
    """Where it does not fit, and why; "" when it does."""
    if shape is TIME:
        return "" if is_time(value) else f"{at} is no time"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{at} is no list"
        return next((found for index, item in enumerate(value) if (found := _misfit(item, shape[0], f"{at}[{index}]"))), "")
    if isinstance(shape, dict):
        return _no_mapping(value, shape, at)
    wanted = shape if isinstance(shape, tuple) else (shape,)
    fits = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    return (
        "" if fits and not (isinstance(value, int) and abs(value) >= 2**63) else f"{at} is {type(value).__name__}, not {wanted[0].__name__}"
    )


def is_time(value: Any) -> bool:
    """RFC 3339, with its zone."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _no_mapping(value: Any, shape: Mapping[Any, Shape], at: str) -> str:
    if not isinstance(value, dict):
        return f"{at or 'it'} is no mapping"
    if str in shape:
        return next((found for key, item in value.items() if (found := _misfit(item, shape[str], f"{at}[{str(key)[:40]}]"))), "")
    for key, inner in shape.items():
        name, needed = key.rstrip("!"), key.endswith("!")
        item, where = value.get(name), f"{at}.{name}".lstrip(".")
        if item is None:
            if needed:
                return f"{where} is missing"
            if inner is int and name in value:  # the API server leaves a number out, it never says null
                return f"{where} is null, not int"
            value.pop(name, None)
        elif needed and item == []:
            return f"{where} is empty"
        elif found := _misfit(item, inner, where):
            return found
    return ""
