"""Deletions: of collections, past finalizers, with what an object owns, and by eviction."""

from typing import Any

from tests.conformance.calls import (
    CONFIGMAPS,
    JSON,
    LEASES,
    MERGE,
    PODS,
    Call,
    Case,
    Until,
    configmap,
    made,
    pod,
)

_CM = f"{CONFIGMAPS}/a"


def _child(name: str, owner: dict[str, Any], **more: Any) -> dict[str, Any]:
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"], **more}
    return configmap(name, ownerReferences=[ref])


CASES = (
    Case(
        "delete/collection",
        (
            *(made(LEASES, {"metadata": {"name": name, "labels": {"odd": str(at % 2)}}}) for at, name in enumerate("abc")),
            Call("DELETE", LEASES, query="labelSelector=odd%3D0"),
            Call("GET", LEASES),
            Call("DELETE", LEASES, query="dryRun=All"),
            Call("DELETE", LEASES),
            Call("GET", LEASES),
        ),
    ),
    Case(
        "delete/with finalizer",
        (
            made(CONFIGMAPS, configmap(finalizers=["deliver.dev/test"])),
            Call("DELETE", _CM),
            Call("DELETE", _CM),
            Call("PATCH", _CM, {"data": {"x": "2"}}, MERGE),
            Call("PATCH", _CM, {"metadata": {"finalizers": ["deliver.dev/test", "deliver.dev/more"]}}, MERGE),
            Call("POST", CONFIGMAPS, configmap()),
            Call("PATCH", _CM, [{"op": "remove", "path": "/metadata/finalizers"}], JSON),
            Call("GET", _CM),
        ),
    ),
    Case(
        "delete/owner in the background",
        (
            made(CONFIGMAPS, configmap("owner")),
            Call("POST", CONFIGMAPS, lambda past: _child("child", past[0]), shown=False),
            Call("DELETE", f"{CONFIGMAPS}/owner", {"propagationPolicy": "Background"}),
            Until(CONFIGMAPS, lambda a: not [o for o in a["items"] if o["metadata"]["name"] == "child"], shown=False),
            Call("GET", f"{CONFIGMAPS}/child"),
        ),
        slow=True,
    ),
    Case(
        "delete/owner in the foreground",
        (
            made(CONFIGMAPS, configmap("owner")),
            Call("POST", CONFIGMAPS, lambda past: {**_child("child", past[0], blockOwnerDeletion=True)}, shown=False),
            Call("PATCH", f"{CONFIGMAPS}/child", {"metadata": {"finalizers": ["deliver.dev/test"]}}, MERGE, shown=False),
            Call("DELETE", f"{CONFIGMAPS}/owner", {"propagationPolicy": "Foreground"}),
            Until(f"{CONFIGMAPS}/child", lambda a: "deletionTimestamp" in a.get("metadata", {})),
            Call("GET", f"{CONFIGMAPS}/owner"),
            Call("PATCH", f"{CONFIGMAPS}/child", {"metadata": {"finalizers": None}}, MERGE, shown=False),
            Until(f"{CONFIGMAPS}/owner", lambda a: a["kind"] == "Status"),
        ),
        slow=True,
    ),
    Case(
        "delete/owner alone",
        (
            made(CONFIGMAPS, configmap("owner")),
            Call("POST", CONFIGMAPS, lambda past: _child("child", past[0]), shown=False),
            Call("DELETE", f"{CONFIGMAPS}/owner", {"propagationPolicy": "Orphan"}),
            Until(f"{CONFIGMAPS}/owner", lambda a: a["kind"] == "Status", shown=False),
            Call("GET", f"{CONFIGMAPS}/child"),
        ),
        slow=True,
    ),
    Case(
        "delete/pod at once",
        (
            made(PODS, pod()),
            Until(f"{PODS}/p", lambda a: bool(a["status"].get("conditions")), shown=False),
            Call("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0, "preconditions": {"uid": "other"}}),
            Call("DELETE", f"{PODS}/p", {"gracePeriodSeconds": -1}),
            Call("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0}),
            Call("DELETE", f"{PODS}/p"),
        ),
    ),
    Case(
        "delete/evict",
        (
            made(PODS, pod()),
            Call("POST", f"{PODS}/p/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}),
            Call("GET", f"{PODS}/p"),
        ),
    ),
)
