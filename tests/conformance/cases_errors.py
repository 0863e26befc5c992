"""What the API server refuses: methods, media types, bodies, options and values that it does not take."""

from typing import Any

from tests.conformance.calls import (
    APPLY,
    APPS,
    CONFIGMAPS,
    CORE,
    DEPLOYMENTS,
    JSON,
    LEASES,
    MERGE,
    PODS,
    SERVICES,
    SLICES,
    STRATEGIC,
    Body,
    Call,
    Case,
    Until,
    configmap,
    deployment,
    made,
    service,
)

_WEB, _CM = f"{DEPLOYMENTS}/web", f"{CONFIGMAPS}/a"
_BUDGETS = "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"


def _containers(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers), **more}}
    return deployment(template=template)


def _one(**more: Any) -> dict[str, Any]:
    return _containers({"name": "c", "image": "x:1", **more})


def _refused(name: str, path: str, *bodies: Body) -> Case:
    return Case(f"refused/{name}", tuple(Call("POST", path, body) for body in bodies))


METHODS = (
    Case(
        "method/not on one object",
        (
            made(CONFIGMAPS, configmap()),
            Call("POST", _CM, configmap()),
            Call("POST", _WEB, deployment()),
            Call("POST", f"{_WEB}/scale", {"spec": {"replicas": 1}}),
            Call("DELETE", f"{_WEB}/scale"),
            Call("DELETE", f"{_WEB}/status"),
        ),
    ),
    Case(
        "method/not on all objects",
        (Call("PUT", CONFIGMAPS, configmap()), Call("PATCH", CONFIGMAPS, {"data": {}}, MERGE), Call("PATCH", DEPLOYMENTS, {}, STRATEGIC)),
    ),
    Case(
        "method/unknown paths",
        (
            Call("GET", "/apis/apps/v9/deployments"),
            Call("GET", "/apis/nothing.example.com/v1"),
            Call("GET", f"{_CM}/nonsense"),
            Call("POST", f"{CORE}/nonsense", configmap()),
            Call("DELETE", f"{APPS}/nonsense/a"),
            Call("PATCH", f"{APPS}/nonsense/a", {}, MERGE),
        ),
    ),
)

BODIES = (
    Case(
        "body/media types",
        (
            made(CONFIGMAPS, configmap()),
            Call("PATCH", _CM, "data", "text/plain"),
            Call("PATCH", _CM, {"data": {"x": "2"}}, "application/json"),
            Call("POST", CONFIGMAPS, "data", "text/plain"),
            Call("PUT", _CM, "data", "text/xml"),
        ),
    ),
    Case(
        "body/not JSON",
        (
            made(CONFIGMAPS, configmap()),
            Call("PATCH", _CM, "{", MERGE),
            Call("PATCH", _CM, "{", STRATEGIC),
            Call("PATCH", _CM, "[", JSON),
            Call("POST", CONFIGMAPS, "{"),
            Call("POST", CONFIGMAPS, ""),
            Call("POST", CONFIGMAPS, "[]"),
        ),
    ),
    Case(
        "body/another kind",
        (
            Call("POST", CONFIGMAPS, {**service(), "metadata": {"name": "a"}}),
            Call("POST", DEPLOYMENTS, {**deployment(), "apiVersion": "apps/v9"}),
            Call("PATCH", _CM, {**service(), "metadata": {"name": "a"}}, APPLY, query="fieldManager=me"),
        ),
    ),
    Case(
        "body/YAML",
        (
            Call("POST", CONFIGMAPS, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: '1'\n", "application/yaml"),
            Call("PATCH", _CM, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  y: '2'\n", APPLY, query="fieldManager=me"),
            Call("PATCH", _CM, "a: b: c", APPLY, query="fieldManager=me"),
        ),
    ),
    Case(
        "body/unknown fields",
        (
            Call("POST", CONFIGMAPS, {**configmap("a"), "nonsense": 1}),
            Call("POST", CONFIGMAPS, {**configmap("b"), "nonsense": 1}, query="fieldValidation=Ignore"),
            Call("POST", CONFIGMAPS, {**configmap("c"), "nonsense": 1}, query="fieldValidation=Strict"),
            Call("POST", DEPLOYMENTS, deployment(replicass=1), query="fieldValidation=Strict"),
            Call("POST", DEPLOYMENTS, _one(livenessprobe={}), query="fieldValidation=Strict"),
            Call("POST", DEPLOYMENTS, deployment(replicass=1)),
            Until(_WEB, lambda a: (a.get("status") or {}).get("observedGeneration") == a["metadata"]["generation"], shown=False),
            Call("PATCH", _WEB, {"spec": {"nonsense": 1}}, MERGE),
            Call("PATCH", _WEB, {"spec": {"nonsense": 1}}, STRATEGIC, query="fieldValidation=Strict"),
        ),
    ),
    Case(
        "body/scale of another kind",
        (
            made(DEPLOYMENTS, deployment(paused=True)),
            Call("PATCH", f"{_WEB}/scale", {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}, MERGE),
            Call("PATCH", f"{_WEB}/scale", [{"op": "replace", "path": "/spec/replicas", "value": 2}], JSON),
            Call("PATCH", f"{DEPLOYMENTS}/none/scale", {"spec": {"replicas": 1}}, MERGE),
            Call("PATCH", f"{DEPLOYMENTS}/none/status", {"status": {}}, MERGE),
        ),
    ),
)

OPTIONS = (
    Case(
        "option/bad values",
        (
            made(CONFIGMAPS, configmap()),
            Call("POST", CONFIGMAPS, configmap("b"), query="dryRun=Some"),
            Call("POST", CONFIGMAPS, configmap("b"), query="fieldValidation=Loud"),
            Call("PATCH", _CM, {"data": {"x": "2"}}, MERGE, query="force=true"),
            Call("PATCH", _CM, {"data": {"x": "2"}}, MERGE, query="dryRun=Some"),
            Call("PUT", _CM, configmap(), query="dryRun=Some"),
            Call("DELETE", _CM, query="propagationPolicy=Sideways"),
            Call("DELETE", _CM, {"propagationPolicy": "Orphan", "orphanDependents": True}),
            Call("DELETE", _CM, {"dryRun": ["Some"]}),
        ),
    ),
    Case(
        "option/bad lists",
        (
            made(LEASES, {"metadata": {"name": "a"}}),
            Call("GET", LEASES, query="continue=nonsense"),
            Call("GET", LEASES, query="limit=x"),
            Call("GET", LEASES, query="resourceVersion=x"),
            Call("GET", LEASES, query="resourceVersionMatch=Exact"),
            Call("GET", LEASES, query="resourceVersionMatch=Nearly&resourceVersion=1"),
            Call("GET", LEASES, query="labelSelector=a%20in%20b"),
            Call("GET", LEASES, query="labelSelector=a%3Db%20c"),
            Call("GET", LEASES, query="fieldSelector=metadata.name"),
            Call("GET", PODS, query="fieldSelector=spec.nonsense%3Da"),
            Call("GET", DEPLOYMENTS, query="fieldSelector=spec.replicas%3D1"),
            Call("GET", LEASES, query="sendInitialEvents=true"),
            Call("GET", LEASES, query="watch=1&sendInitialEvents=true"),
        ),
    ),
)

VALUES = (
    _refused(
        "names",
        CONFIGMAPS,
        configmap("a" * 254),
        configmap("a/b"),
        configmap(".a"),
        configmap(labels={"a b": "c"}),
        configmap(labels={"-x": "c"}),
        configmap(labels={"a": "b" * 64}),
        configmap(annotations={"a b": "c"}),
        configmap(labels={"UPPER/x": "c"}),
        configmap(finalizers=["nonsense"]),
        configmap(generateName="A_", name=""),
    ),
    _refused(
        "owners",
        CONFIGMAPS,
        configmap(ownerReferences=[{"kind": "ConfigMap", "name": "b", "uid": "1"}]),
        configmap(ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "b"}]),
        configmap(
            ownerReferences=[
                {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": name, "controller": True} for name in ("b", "c")
            ]
        ),
    ),
    _refused("data", CONFIGMAPS, {"metadata": {"name": "a"}, "data": {"a b": "c"}}, {"metadata": {"name": "a"}, "data": "text"}),
    _refused(
        "containers",
        DEPLOYMENTS,
        _containers({"name": "c", "image": "x:1"}, {"name": "c", "image": "x:1"}),
        _containers({"name": "c"}),
        _containers({"image": "x:1"}),
        _one(ports=[{"containerPort": 0}]),
        _one(ports=[{"containerPort": 70000}]),
        _one(env=[{"name": "", "value": "x"}]),
        _one(imagePullPolicy="Sometimes"),
        _one(readinessProbe={"httpGet": {"path": "/", "port": 0}}),
        _one(readinessProbe={}),
        _one(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        _containers({"name": "c", "image": "x:1"}, restartPolicy="Never"),
        _containers({"name": "Upper", "image": "x:1"}),
    ),
    _refused(
        "deployments",
        DEPLOYMENTS,
        deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
        deployment(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
        deployment(strategy={"type": "Sideways"}),
        deployment(strategy={"rollingUpdate": {"maxSurge": "many"}}),
        deployment(minReadySeconds=-1),
        deployment(minReadySeconds=700),
        deployment(progressDeadlineSeconds=0, minReadySeconds=0),
        deployment(revisionHistoryLimit=-1),
        deployment(selector={"matchLabels": {}}),
        deployment(paused="yes"),
    ),
    _refused(
        "services",
        SERVICES,
        service(ports=[{"port": 0}]),
        service(ports=[{"port": 80}, {"port": 81}]),
        service(ports=[{"name": "a", "port": 80}, {"name": "a", "port": 81}]),
        service(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80}]),
        service(ports=[{"port": 80, "targetPort": "Not A Port"}]),
        service(ports=[{"port": 80, "protocol": "ICMP"}]),
        service(type="Sideways"),
        service(sessionAffinity="Cookie"),
        service("9web"),
        service(selector={"a": "b c"}),
    ),
    _refused(
        "leases",
        LEASES,
        {"metadata": {"name": "l"}, "spec": {"leaseDurationSeconds": 0}},
        {"metadata": {"name": "l"}, "spec": {"leaseTransitions": -1}},
        {"metadata": {"name": "l"}, "spec": {"renewTime": "yesterday"}},
    ),
    _refused(
        "budgets",
        _BUDGETS,
        {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "maxUnavailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
        {"metadata": {"name": "b"}, "spec": {"minAvailable": -1, "selector": {"matchLabels": {"a": "b"}}}},
    ),
    _refused(
        "slices",
        SLICES,
        {"metadata": {"name": "s"}, "addressType": "Pigeon", "endpoints": []},
        {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": [{"addresses": []}]},
        {"metadata": {"name": "s"}, "endpoints": []},
    ),
)
ODD = (
    Case(
        "scale/text for a number",
        (made(DEPLOYMENTS, deployment(paused=True)), Call("PATCH", f"{_WEB}/scale", {"spec": {"replicas": "three"}}, MERGE)),
    ),
)
CASES = (*ODD, *METHODS, *BODIES, *OPTIONS, *VALUES)
