"""What the API server refuses: wrong types are a 400 (422 in a patch), wrong values a 422 with the field's path."""

import json
import re
from collections.abc import Mapping
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox import checks, custom
from deliver_sandbox.checks import CHECKS, undecodable
from deliver_sandbox.errors import Cause
from deliver_sandbox.selectors import by_object

_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_MAX_ANNOTATIONS = 256 * 1024
_LABEL_NAMES = frozenset({"services", "namespaces"})
_WRITTEN = ("labels", "annotations", "finalizers", "ownerReferences")
_PATH_NAMES = frozenset({"roles", "rolebindings", "clusterroles", "clusterrolebindings"})


def _bad(field: str, value: Any, why: str) -> Cause:
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return Cause(field, f"Invalid value: {text}: {why}")


def wrong_type(kind: str, obj: Object) -> str:
    """The Go decoder's complaint about the first value that it cannot take, or ""."""
    if kind in ("leases", "secrets") and (text := undecodable(kind, obj)):
        return text
    for path, kinds, go in _WANTED.get(kind, _EVERYWHERE):
        here: Any = obj
        for part in path:
            here = here.get(part) if isinstance(here, dict) else None
        if here is None or _plainly(here, kinds):
            continue
        found = next(
            (
                value
                for value in (here.values() if kinds == "strings" and isinstance(here, dict) else [here])
                if not _fits(value, kinds, isinstance(here, dict))
            ),
            None,
        )
        if found is not None:
            wanted = "map[string]string" if kinds == "strings" and not isinstance(here, dict) else _GO_TYPES[kinds]
            return f"json: cannot unmarshal {_go_name(found)} into Go struct field {go} of type {wanted}"
    return ""


def _plainly(here: Any, kinds: str) -> bool:
    """It fits beyond doubt: nearly all do, and each write asks."""
    if kinds == "strings":
        return type(here) is dict and set(map(type, here.values())) <= {str}
    return type(here) is _CLASSES[kinds]


def _fits(value: Any, kinds: str, inside: bool) -> bool:
    match kinds:
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "map":
            return isinstance(value, dict)
        case _:
            return inside and (isinstance(value, str) or value is None)


def _go_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {str: "string", int: "number", float: "number", list: "array"}.get(type(value), "object")


_CLASSES: Mapping[str, type] = {"int": int, "bool": bool, "map": dict}
_GO_TYPES = {"int": "int32", "bool": "bool", "map": "v1.ObjectMeta", "strings": "string"}
Wanted = tuple[tuple[str, ...], str, str]  # where, which kind of value, what Go calls the field
_EVERYWHERE: tuple[Wanted, ...] = (
    (("metadata",), "map", "metadata"),
    (("metadata", "labels"), "strings", "ObjectMeta.metadata.labels"),
    (("metadata", "annotations"), "strings", "ObjectMeta.metadata.annotations"),
)
_TYPES: Mapping[str, tuple[Wanted, ...]] = {
    "configmaps": ((("data",), "strings", "ConfigMap.data"),),
    "deployments": (
        (("spec", "replicas"), "int", "DeploymentSpec.spec.replicas"),
        (("spec", "paused"), "bool", "DeploymentSpec.spec.paused"),
        (("spec", "selector", "matchLabels"), "strings", "LabelSelector.spec.selector.matchLabels"),
    ),
    "replicasets": ((("spec", "replicas"), "int", "ReplicaSetSpec.spec.replicas"),),
    "services": ((("spec", "selector"), "strings", "ServiceSpec.spec.selector"),),
    "horizontalpodautoscalers": (
        (("spec", "minReplicas"), "int", "HorizontalPodAutoscalerSpec.spec.minReplicas"),
        (("spec", "maxReplicas"), "int", "HorizontalPodAutoscalerSpec.spec.maxReplicas"),
    ),
    "leases": ((("spec", "leaseDurationSeconds"), "int", "LeaseSpec.spec.leaseDurationSeconds"),),
}
_WANTED: Mapping[str, tuple[Wanted, ...]] = {kind: (*own, *_EVERYWHERE) for kind, own in _TYPES.items()}


def causes(kind: str, obj: Object, old: Object | None) -> list[Cause]:
    """All that is wrong with a whole object, after defaults."""
    found = _metadata(kind, obj, old)
    if kind in CHECKS:
        found += CHECKS[kind](obj, old)
    if old is not None and "spec" in obj and old.get("spec") == obj["spec"]:
        return found  # it was looked at when it came
    match kind:
        case "deployments" | "replicasets" | "statefulsets" | "daemonsets":
            found += _workload(obj.get("spec") or {}, old.get("spec") if old else None)
            if kind == "deployments":
                found += checks.deployment(obj.get("spec") or {})
        case "pods":
            found += _containers(obj.get("spec") or {}, "spec")
            found += checks.pod_spec(obj.get("spec") or {}, "spec", restart=False)
        case "services":
            found += _service(obj.get("spec") or {}, old.get("spec") if old else None)
            found += checks.service(obj.get("spec") or {})
        case "horizontalpodautoscalers":
            found += _autoscaler(obj.get("spec") or {})
        case "configmaps":
            found += _configmap(obj, old)
            found += checks.keys(obj)
        case "secrets":
            found += checks.keys(obj)
        case "featureflags":
            found += custom.causes(obj)
    return found


def _metadata(kind: str, obj: Object, old: Object | None) -> list[Cause]:
    meta, found = obj["metadata"], []
    name = meta.get("name", "")
    if old is None:
        pattern, text = (checks.LABEL, _LABEL_TEXT) if kind in _LABEL_NAMES else (checks.SUBDOMAIN, _SUBDOMAIN_TEXT)
        if kind in _LABEL_NAMES and "." in name:
            found.append(_bad("metadata.name", name, "must not contain dots"))
        elif len(name) > 253:
            found.append(_bad("metadata.name", name, "must be no more than 253 characters"))
        elif not pattern.match(name) and kind not in _PATH_NAMES:
            prefix = meta.get("generateName", "")
            if prefix and not pattern.match(prefix + "a"):
                found.append(_bad("metadata.generateName", prefix, text))
            found.append(_bad("metadata.name", name, text))
    elif meta.get("uid") != old["metadata"]["uid"]:
        found.append(_bad("metadata.uid", meta.get("uid"), "field is immutable"))
    if old is not None and all(old["metadata"].get(key) == meta.get(key) for key in _WRITTEN):
        return found  # they were looked at when they came
    for value in (meta.get("labels") or {}).values():
        if len(value or "") > 63:
            found.append(_bad("metadata.labels", value, "must be no more than 63 bytes"))
        elif not _VALUE.match(value or ""):
            found.append(_bad("metadata.labels", value, _VALUE_TEXT))
    found += checks.metadata(meta, _SUBDOMAIN_TEXT, old["metadata"] if old else None)
    size = sum(len(k) + len(v or "") for k, v in (meta.get("annotations") or {}).items())
    if size > _MAX_ANNOTATIONS:
        found.append(Cause("metadata.annotations", f"Too long: may not be more than {_MAX_ANNOTATIONS} bytes", "FieldValueTooLong"))
    return found


def _number(field: str, value: Any) -> list[Cause]:
    return [_bad(field, value, "must be greater than or equal to 0")] if isinstance(value, int) and value < 0 else []


def _workload(spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Cause]:
    found = _number("spec.replicas", spec.get("replicas"))
    selector, labels = spec.get("selector"), (spec.get("template") or {}).get("metadata", {}).get("labels") or {}
    if selector is None:
        found.append(Cause("spec.selector", "Required value", "FieldValueRequired"))
        found.append(_bad("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        found.append(_bad("spec.selector", {}, "empty selector is invalid for deployment"))
    elif not by_object(selector)(labels):
        found.append(_bad("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
    if old is not None and old.get("selector") != selector:
        found.append(_bad("spec.selector", selector, "field is immutable"))
    pod = (spec.get("template") or {}).get("spec") or {}
    return [*found, *_containers(pod, "spec.template.spec"), *checks.pod_spec(pod, "spec.template.spec", restart=True)]


def _containers(spec: Mapping[str, Any], path: str) -> list[Cause]:
    containers = spec.get("containers")
    if not containers:
        return [Cause(f"{path}.containers", "Required value", "FieldValueRequired")]
    found, names = [], set()
    for i, container in enumerate(containers):
        here = f"{path}.containers[{i}]"
        name = container.get("name")
        if not name:
            found.append(Cause(f"{here}.name", "Required value", "FieldValueRequired"))
        elif name in names:
            found.append(Cause(f"{here}.name", f"Duplicate value: {json.dumps(name)}", "FieldValueDuplicate"))
        names.add(name)
        if not container.get("image"):
            found.append(Cause(f"{here}.image", "Required value", "FieldValueRequired"))
    return found


def _service(spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Cause]:
    found = []
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        found.append(Cause("spec.ports", "Required value", "FieldValueRequired"))
    if old is not None and old.get("clusterIP") and spec.get("clusterIP") != old["clusterIP"]:
        found.append(_bad("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set"))
    values = (spec.get("selector") or {}).values()
    return found + [_bad("spec.selector", value, _VALUE_TEXT) for value in values if not _VALUE.match(value or "") or len(value or "") > 63]


def _autoscaler(spec: Mapping[str, Any]) -> list[Cause]:
    low, high, found = spec.get("minReplicas"), spec.get("maxReplicas"), []
    if not isinstance(high, int):
        return [Cause("spec.maxReplicas", "Required value", "FieldValueRequired")]
    if low == 0:
        text = "Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"
        found.append(Cause("spec.metrics", text, "FieldValueForbidden"))
    elif isinstance(low, int) and low < 1:
        found.append(_bad("spec.minReplicas", low, "must be greater than or equal to 1"))
    if isinstance(low, int) and high < low:
        found.append(_bad("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`"))
    if high == 0:
        found.append(Cause("spec.maxReplicas", "Required value", "FieldValueRequired"))
    elif high < 0:
        found.append(_bad("spec.maxReplicas", high, "must be greater than 0"))
    return found


def _configmap(obj: Object, old: Object | None) -> list[Cause]:
    if old and old.get("immutable") and (obj.get("data") != old.get("data") or not obj.get("immutable")):
        return [Cause("data", "Forbidden: field is immutable when `immutable` is set", "FieldValueForbidden")]
    size = sum(len(k) + len(v or "") for k, v in (obj.get("data") or {}).items())
    return [Cause("", "Too long: may not be more than 1048576 bytes", "FieldValueTooLong")] if size > 1048576 else []
