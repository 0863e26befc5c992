"""Values that are refused of the kinds around a release: leases, budgets, slices, events, roles and bindings, secrets."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deliver.sandbox.checks import bad, forbidden, required, unsupported
from deliver.sandbox.errors import Cause
from deliver.sandbox.store import Object

_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
Check = Callable[[Mapping[str, Any], Mapping[str, Any] | None], Iterator[Cause]]


def lease(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if spec.get("leaseDurationSeconds", 1) <= 0:
        yield bad("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0")
    if spec.get("leaseTransitions", 0) < 0:
        yield bad("spec.leaseTransitions", spec["leaseTransitions"], "must be greater than or equal to 0")


def budget(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        shown = {"MinAvailable": spec["minAvailable"], "Selector": spec.get("selector"), "MaxUnavailable": spec["maxUnavailable"]}
        yield bad("spec", {**shown, "UnhealthyPodEvictionPolicy": None}, "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        if isinstance(spec.get(field), int) and spec[field] < 0:
            yield bad(f"spec.{field}", spec[field], "must be greater than or equal to 0")


def endpoint_slice(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    kind = obj.get("addressType")
    if not kind:
        yield required("addressType")
    elif kind not in ("FQDN", "IPv4", "IPv6"):
        yield unsupported("addressType", kind, ("FQDN", "IPv4", "IPv6"))
    elif old is not None and kind != old.get("addressType"):
        yield bad("addressType", None, "field is immutable")
    for at, endpoint in enumerate(obj.get("endpoints") or ()):
        if not endpoint.get("addresses"):
            yield required(f"endpoints[{at}].addresses")


def event(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    about = (obj.get("involvedObject") or {}).get("namespace", "")
    if about != (obj["metadata"].get("namespace") if about else ""):
        yield bad("involvedObject.namespace", about, "does not match event.namespace")


def role(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    yield from _slashes(obj)
    for at, rule in enumerate(obj.get("rules") or ()):
        if not rule.get("verbs"):
            yield required(f"rules[{at}].verbs")
        if rule.get("nonResourceURLs"):
            if obj["kind"] == "Role":
                yield bad(f"rules[{at}].nonResourceURLs", rule["nonResourceURLs"], "namespaced rules cannot apply to non-resource URLs")
            continue
        if not rule.get("apiGroups"):
            yield required(f"rules[{at}].apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"rules[{at}].resources", "resource rules must supply at least one resource")


def binding(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    yield from _slashes(obj)
    ref = obj.get("roleRef") or {}
    kinds = ("Role", "ClusterRole") if obj["kind"] == "RoleBinding" else ("ClusterRole",)
    if ref.get("kind") not in kinds:
        yield unsupported("roleRef.kind", ref.get("kind", ""), kinds)
    if not ref.get("name"):
        yield required("roleRef.name")
    if old is not None and old.get("roleRef") != ref:
        shown = {"APIGroup": ref.get("apiGroup"), "Kind": ref.get("kind"), "Name": ref.get("name")}
        yield bad("roleRef", shown, "field is immutable")
    for at, subject in enumerate(obj.get("subjects") or ()):
        if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            yield unsupported(f"subjects[{at}].kind", subject.get("kind"), ("ServiceAccount", "User", "Group"))


def _slashes(obj: Mapping[str, Any]) -> Iterator[Cause]:
    if "/" in obj["metadata"]["name"]:
        yield bad("metadata.name", obj["metadata"]["name"], "may not contain '/'")


def secret(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    if old is not None and old.get("type", "Opaque") != obj.get("type", "Opaque"):
        yield bad("type", obj.get("type"), "field is immutable")


def service_status(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[Cause]:
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    if ingress and obj["spec"].get("type") != "LoadBalancer":
        yield forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'")


def undecodable(kind: str, obj: Object) -> str:
    """What the decoder says of a text that is no time or no base64; or ""."""
    if kind == "leases":
        for field in ("renewTime", "acquireTime"):
            text = (obj.get("spec") or {}).get(field)
            if isinstance(text, str) and not _TIME.match(text):
                form = "2006-01-02T15:04:05.000000Z07:00"
                return f"parsing time {json.dumps(text)} as {json.dumps(form)}: cannot parse {json.dumps(text)} as {json.dumps('2006')}"
    if kind == "secrets":
        for text in (obj.get("data") or {}).values():
            try:
                base64.b64decode(text or "", validate=True)
            except (binascii.Error, ValueError):
                return f"illegal base64 data at input byte {len(re.match('[A-Za-z0-9+/]*', text)[0])}"  # type: ignore[index]  # it always matches
    return ""


CHECKS: Mapping[str, Check] = {
    "leases": lease,
    "poddisruptionbudgets": budget,
    "endpointslices": endpoint_slice,
    "events": event,
    "roles": role,
    "clusterroles": role,
    "rolebindings": binding,
    "clusterrolebindings": binding,
    "secrets": secret,
    "services": service_status,
}
