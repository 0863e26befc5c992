"""Values that the API server refuses beyond the ones in validate.py: of metadata, containers, Deployments, Services."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from deliver.cluster.quantity import quantity
from deliver.model.objects import Object
from deliver_sandbox.errors import Cause

LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")  # this and the next: RFC 1123
SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_NAME = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
_KEY = re.compile(r"^[-._a-zA-Z0-9]+$")
_NAME_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_PERCENT_TEXT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is "
    "'[0-9]+%')"
)
_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
    "regex used for validation is '[-._a-zA-Z0-9]+')"
)
_PORT_TEXT = "must be between 1 and 65535, inclusive"
_AT_LEAST_0 = "must be greater than or equal to 0"
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_FINALIZERS = ("orphan", "foregroundDeletion", "kubernetes")


def bad(field: str, value: Any, why: str) -> Cause:
    return Cause(field, f"Invalid value: {json.dumps(value, separators=(',', ':'))}: {why}")


def required(field: str, why: str = "") -> Cause:
    return Cause(field, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def unsupported(field: str, value: Any, known: Sequence[str]) -> Cause:
    shown = value if isinstance(value, str) and value.startswith("{") else json.dumps(value)
    names = ", ".join(json.dumps(item) for item in known)
    return Cause(field, f"Unsupported value: {shown}: supported values: {names}", "FieldValueNotSupported")


def forbidden(field: str, why: str) -> Cause:
    return Cause(field, f"Forbidden: {why}", "FieldValueForbidden")


# -- metadata


def metadata(meta: Mapping[str, Any], subdomain: str, old: Mapping[str, Any] | None) -> Iterator[Cause]:
    """Keys of labels and annotations, finalizers, owners. subdomain: how an RFC 1123 subdomain is explained."""
    for field in ("labels", "annotations"):
        for key in meta.get(field) or ():
            yield from _qualified(f"metadata.{field}", key, subdomain)
    known = set((old or {}).get("finalizers") or ())
    fresh = [item for item in meta.get("finalizers") or () if item not in known]
    for at, name in enumerate(meta.get("finalizers") or ()):
        if "/" not in name and name not in _FINALIZERS:
            yield bad(f"metadata.finalizers[{at}]", name, "name is neither a standard finalizer name nor is it fully qualified")
    if old is not None and meta.get("deletionTimestamp") and fresh:
        shown = "[]string{" + ", ".join(json.dumps(item) for item in fresh) + "}"
        text = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
        yield forbidden("metadata.finalizers", text)
    if old is None or old.get("ownerReferences") != meta.get("ownerReferences"):
        yield from _owners(meta.get("ownerReferences") or ())


def _qualified(field: str, key: str, subdomain: str) -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    if slash and not SUBDOMAIN.match(prefix):
        yield bad(field, key, f"prefix part {subdomain}")
    if not _NAME.match(name):
        yield bad(field, key, _NAME_TEXT)


def _owners(refs: Sequence[Mapping[str, Any]]) -> Iterator[Cause]:
    for at, ref in enumerate(refs):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not ref.get(field):
                yield required(f"metadata.ownerReferences[{at}].{field}", "must not be empty")
    controllers = [f"{ref.get('kind')}/{ref.get('name')}" for ref in refs if ref.get("controller")]
    if len(controllers) > 1:
        text = f'Only one reference can have Controller set to true. Found "true" in references for {controllers[0]} and {controllers[1]}'
        yield bad("metadata.ownerReferences", list(refs), text)


# -- pods


def pod_spec(spec: Mapping[str, Any], path: str, restart: bool) -> Iterator[Cause]:
    """restart: of a workload, whose pods always start again."""
    for at, container in enumerate(spec.get("containers") or ()):
        yield from _container(container, f"{path}.containers[{at}]")
    if restart and spec.get("restartPolicy", "Always") != "Always":
        yield unsupported(f"{path}.restartPolicy", spec["restartPolicy"], ["Always"])


def _container(container: Mapping[str, Any], path: str) -> Iterator[Cause]:
    name = container.get("name")
    if name and not LABEL.match(name):
        yield bad(f"{path}.name", name, _DNS_TEXT)
    for at, port in enumerate(container.get("ports") or ()):
        number = port.get("containerPort")
        if not number:
            yield required(f"{path}.ports[{at}].containerPort")
        elif not 0 < number < 65536:
            yield bad(f"{path}.ports[{at}].containerPort", number, _PORT_TEXT)
    for at, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            yield required(f"{path}.env[{at}].name")
    policy = container.get("imagePullPolicy", "Always")
    if policy not in ("Always", "IfNotPresent", "Never"):
        yield unsupported(f"{path}.imagePullPolicy", policy, ("Always", "IfNotPresent", "Never"))
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        if field in container:
            yield from _probe(container[field] or {}, f"{path}.{field}")
    resources = container.get("resources") or {}
    for what, value in (resources.get("requests") or {}).items():
        limit = (resources.get("limits") or {}).get(what)
        if limit is not None and quantity(value) > quantity(limit):
            yield bad(f"{path}.resources.requests", value, f"must be less than or equal to {what} limit of {limit}")


_DNS_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def _probe(probe: Mapping[str, Any], path: str) -> Iterator[Cause]:
    if not any(handler in probe for handler in _HANDLERS):
        yield required(path, "must specify a handler type")
    for handler in ("httpGet", "tcpSocket"):
        port = (probe.get(handler) or {}).get("port", 1)
        if isinstance(port, int) and not 0 < port < 65536:
            yield bad(f"{path}.{handler}.port", port, _PORT_TEXT)


# -- Deployments


def deployment(spec: Mapping[str, Any]) -> Iterator[Cause]:
    strategy = spec.get("strategy") or {}
    kind, rolling = strategy.get("type", "RollingUpdate"), strategy.get("rollingUpdate")
    if kind not in ("Recreate", "RollingUpdate"):
        shown = json.dumps({"Type": kind, "RollingUpdate": rolling}, separators=(",", ":"))
        yield unsupported("spec.strategy", shown, ("Recreate", "RollingUpdate"))
    elif kind == "Recreate" and rolling:
        yield forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    elif kind == "RollingUpdate":
        yield from _rolling(rolling or {})
    for field in ("minReadySeconds", "revisionHistoryLimit"):
        if spec.get(field, 0) < 0:
            yield bad(f"spec.{field}", spec[field], _AT_LEAST_0)
    deadline = spec.get("progressDeadlineSeconds", 600)
    if deadline <= spec.get("minReadySeconds", 0):
        yield bad("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _rolling(rolling: Mapping[str, Any]) -> Iterator[Cause]:
    wrong = False
    for field in ("maxUnavailable", "maxSurge"):
        value = rolling.get(field, 0)
        if isinstance(value, str) and not re.match(r"^[0-9]+%$", value):
            wrong = True
            yield bad(f"spec.strategy.rollingUpdate.{field}", value, _PERCENT_TEXT)
    if not wrong and all(str(rolling.get(field, 0)).rstrip("%") == "0" for field in ("maxUnavailable", "maxSurge")):
        yield bad("spec.strategy.rollingUpdate.maxUnavailable", 0, "may not be 0 when `maxSurge` is 0")


# -- Services


def service(spec: Mapping[str, Any]) -> Iterator[Cause]:
    kind = spec.get("type", "ClusterIP")
    if kind not in ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"):
        yield unsupported("spec.type", kind, ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"))
    if kind == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    if spec.get("sessionAffinity", "None") not in ("ClientIP", "None"):
        yield unsupported("spec.sessionAffinity", spec["sessionAffinity"], ("ClientIP", "None"))
    ports = spec.get("ports") or ()
    names: set[str] = set()
    numbers: set[tuple[Any, Any]] = set()
    for at, port in enumerate(ports):
        yield from _service_port(port, f"spec.ports[{at}]", many=len(ports) > 1, names=names)
        number = (port.get("port"), port.get("protocol", "TCP"))
        if number in numbers:
            known = {"Name": "", "Protocol": number[1], "AppProtocol": None, "Port": number[0], "TargetPort": 0, "NodePort": 0}
            yield Cause(f"spec.ports[{at}]", f"Duplicate value: {json.dumps(known, separators=(',', ':'))}", "FieldValueDuplicate")
        numbers.add(number)


def _service_port(port: Mapping[str, Any], path: str, *, many: bool, names: set[str]) -> Iterator[Cause]:
    name = port.get("name", "")
    if many and not name:
        yield required(f"{path}.name")
    elif name in names:
        yield Cause(f"{path}.name", f"Duplicate value: {json.dumps(name)}", "FieldValueDuplicate")
    names.add(name)
    if not 0 < port.get("port", 0) < 65536:
        yield bad(f"{path}.port", port.get("port", 0), _PORT_TEXT)
    if port.get("protocol", "TCP") not in ("SCTP", "TCP", "UDP"):
        yield unsupported(f"{path}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))
    target = port.get("targetPort", 1)
    if isinstance(target, int) and not 0 < target < 65536:
        yield bad(f"{path}.targetPort", target, _PORT_TEXT)
    elif isinstance(target, str) and not re.match(r"^[a-z0-9-]+$", target):
        yield bad(f"{path}.targetPort", target, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")


# -- ConfigMaps and Secrets


def keys(obj: Mapping[str, Any]) -> Iterator[Cause]:
    for key in obj.get("data") or ():
        if not _KEY.match(key):
            yield bad(f"data[{key}]", key, _KEY_TEXT)


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
