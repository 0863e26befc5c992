"""/version, /api, /apis and the little of /openapi/v3 that kubectl asks for before it writes."""

from typing import Any

from deliver_sandbox.cluster import VERSION
from deliver_sandbox.kinds import KINDS, Kind

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_REVIEW, _IDENTITY = "authorization.k8s.io/v1", "authentication.k8s.io/v1"


def _versions() -> list[str]:
    return sorted({kind.api for kind in KINDS.values()} | {_REVIEW, _IDENTITY})


def _groups() -> list[dict[str, Any]]:
    found = []
    for api in _versions():
        if "/" in api:
            version = {"groupVersion": api, "version": api.partition("/")[2]}
            found.append({"name": api.partition("/")[0], "versions": [version], "preferredVersion": version})
    return found


def _resource(kind: Kind) -> list[dict[str, Any]]:
    base = {"name": kind.plural, "singularName": kind.kind.lower(), "namespaced": kind.namespaced, "kind": kind.kind, "verbs": _VERBS}
    if kind.short:
        base["shortNames"] = list(kind.short)
    if kind.plural in ("pods", "services", "deployments", "replicasets", "statefulsets", "daemonsets"):
        base["categories"] = ["all"]
    found = [base]
    change = ["get", "patch", "update"]
    if kind.status:
        found.append(
            {"name": f"{kind.plural}/status", "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind, "verbs": change}
        )
    if kind.scale:
        scale = {"group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": change}
        found.append({"name": f"{kind.plural}/scale", "singularName": "", "namespaced": kind.namespaced, **scale})
    if kind.plural == "pods":
        found.append({"name": "pods/log", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"]})
        evict = {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
        found.append({"name": "pods/eviction", "singularName": "", "namespaced": True, **evict})
    if kind.plural == "serviceaccounts":
        token = {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest", "verbs": ["create"]}
        found.append({"name": "serviceaccounts/token", "singularName": "", "namespaced": True, **token})
    return found


def answer(path: str) -> dict[str, Any] | None:
    """The document at that path, or None."""
    path = path.rstrip("/")
    if path == "/version":
        return {"major": "1", "minor": "37", "gitVersion": VERSION, "gitCommit": "sandbox", "gitTreeState": "", "platform": "sandbox"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups()}
    if path == "/openapi/v3":
        return {"paths": {_root(api)[1:]: {"serverRelativeURL": f"/openapi/v3{_root(api)}"} for api in _versions()}}
    if path.startswith("/openapi/v3/"):
        return _openapi(path.removeprefix("/openapi/v3"))
    for api in _versions():
        if path == _root(api):
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api, "resources": _resources(api)}
        if path == f"/apis/{api.partition('/')[0]}" and "/" in api:
            return {"kind": "APIGroup", "apiVersion": "v1", **next(group for group in _groups() if group["name"] == api.partition("/")[0])}
    return None


def unknown_root(path: str) -> bool:
    """A path of a group or version that is not served: nothing answers there, not even a Status."""
    parts = path.strip("/").split("/")
    return parts[0] == "apis" and len(parts) in (2, 3) and not any(_root(api).startswith(path.rstrip("/")) for api in _versions())


def _root(api: str) -> str:
    return f"/apis/{api}" if "/" in api else f"/api/{api}"


def _resources(api: str) -> list[dict[str, Any]]:
    if api == _REVIEW:
        names = ("SelfSubjectAccessReview", "SelfSubjectRulesReview")
        common: dict[str, Any] = {"namespaced": False, "verbs": ["create"]}
        return [{"name": f"{name.lower()}s", "singularName": name.lower(), "kind": name, **common} for name in names]
    if api == _IDENTITY:
        common = {"namespaced": False, "verbs": ["create"]}
        return [{"name": "selfsubjectreviews", "singularName": "selfsubjectreview", "kind": "SelfSubjectReview", **common}]
    return [item for kind in KINDS.values() if kind.api == api for item in _resource(kind)]


def _openapi(root: str) -> dict[str, Any] | None:
    """That PATCH takes fieldValidation: kubectl then leaves validation to the server."""
    paths = {}
    for kind in KINDS.values():
        if _root(kind.api) == root:
            middle = "/namespaces/{namespace}" if kind.namespaced else ""
            known = {"group": kind.group, "kind": kind.kind, "version": kind.version}
            names = ("dryRun", "fieldManager", "fieldValidation", "force")
            parameters = [{"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in names]
            operation = {
                "parameters": parameters,
                "responses": {},
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": known,
            }
            paths[f"{root}{middle}/{kind.plural}/{{name}}"] = {"patch": operation}
    if not paths and root not in (_root(_REVIEW), _root(_IDENTITY)):
        return None
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION}, "paths": paths, "components": {"schemas": {}}}
