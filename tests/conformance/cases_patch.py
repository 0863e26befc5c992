"""PATCH in its four forms, /scale and /status."""

from typing import Any

from tests.conformance.calls import (
    APPLY,
    CONFIGMAPS,
    DEPLOYMENTS,
    JSON,
    MERGE,
    SCALERS,
    SERVICES,
    STRATEGIC,
    Call,
    Case,
    Until,
    autoscaler,
    configmap,
    deployment,
    made,
    service,
    version,
)

_WEB, _SVC, _CM = f"{DEPLOYMENTS}/web", f"{SERVICES}/web", f"{CONFIGMAPS}/a"
_CALM = Until(_WEB, lambda a: (a.get("status") or {}).get("observedGeneration") == a["metadata"]["generation"], shown=False)
_NEW = (made(DEPLOYMENTS, deployment()), _CALM)
_TWO = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "$registry/web:1.1.0"}]}}}}


def _patch(path: str, body: Any, how: str = MERGE, **more: Any) -> Call:
    return Call("PATCH", path, body, how, **more)


def _on_web(name: str, body: Any, how: str = MERGE, **more: Any) -> Case:
    return Case(f"patch/{name}", (*_NEW, _patch(_WEB, body, how, **more)))


MERGES = (
    _on_web("merge replicas zero stays", {"spec": {"replicas": 0}}),
    _on_web("merge paused", {"spec": {"paused": True}}),
    Case("patch/merge unpaused", (made(DEPLOYMENTS, deployment(paused=True)), _CALM, _patch(_WEB, {"spec": {"paused": False}}))),
    Case("patch/merge paused null", (made(DEPLOYMENTS, deployment(paused=True)), _CALM, _patch(_WEB, {"spec": {"paused": None}}))),
    _on_web("merge label and annotation", {"metadata": {"labels": {"a": "b"}, "annotations": {"deliver.dev/x": "y"}}}),
    Case(
        "patch/merge annotation away",
        (made(CONFIGMAPS, configmap(annotations={"a": "b"})), _patch(_CM, {"metadata": {"annotations": {"a": None}}})),
    ),
    _on_web("merge stale version", {"metadata": {"resourceVersion": "1"}, "spec": {"paused": True}}),
    Case(
        "patch/merge right version",
        (made(CONFIGMAPS, configmap()), _patch(_CM, lambda past: {"metadata": {"resourceVersion": version(past[-1])}, "data": {"y": "2"}})),
    ),
    Case(
        "patch/merge version once only",
        (
            made(CONFIGMAPS, configmap()),
            _patch(_CM, lambda past: {"metadata": {"resourceVersion": version(past[0])}, "data": {"y": "2"}}),
            _patch(_CM, lambda past: {"metadata": {"resourceVersion": version(past[0])}, "data": {"y": "3"}}),
        ),
    ),
    _on_web("merge wrong uid", {"metadata": {"uid": "1"}, "spec": {"paused": True}}),
    Case(
        "patch/merge right uid",
        (made(CONFIGMAPS, configmap()), _patch(_CM, lambda past: {"metadata": {"uid": past[-1]["metadata"]["uid"]}, "data": {"y": "2"}})),
    ),
    _on_web("merge selector", {"spec": {"selector": {"matchLabels": {"app": "x"}}}}),
    _on_web("merge negative replicas", {"spec": {"replicas": -1}}),
    _on_web("merge text for a number", {"spec": {"replicas": "a"}}),
    _on_web("merge other name", {"metadata": {"name": "b"}}),
    _on_web("merge status ignored", {"status": {"replicas": 7}}),
    _on_web("merge dry run", {"spec": {"paused": True}}, query="dryRun=All"),
    Case("patch/merge none", (_patch(f"{DEPLOYMENTS}/none", {"spec": {"paused": True}}),)),
    Case("patch/merge containers are replaced", (*_NEW, _patch(_WEB, _TWO))),
    Case("patch/merge list", (made(CONFIGMAPS, configmap()), _patch(_CM, [1]))),
    Case("patch/merge no change", (made(CONFIGMAPS, configmap()), _patch(_CM, {"data": {"x": "1"}}))),
    Case(
        "patch/merge service selector",
        (
            made(SERVICES, service()),
            _patch(_SVC, {"spec": {"selector": {"pod-template-hash": "abc"}}}),
            _patch(_SVC, {"spec": {"selector": {"pod-template-hash": None}}}),
        ),
    ),
    Case("patch/merge service bad selector", (made(SERVICES, service()), _patch(_SVC, {"spec": {"selector": {"a": "b c"}}}))),
    Case("patch/merge service address", (made(SERVICES, service()), _patch(_SVC, {"spec": {"clusterIP": "1.2.3.4"}}))),
    Case(
        "patch/merge autoscaler",
        (
            made(SCALERS, autoscaler()),
            Until(f"{SCALERS}/h", lambda a: bool((a.get("status") or {}).get("conditions")), shown=False),
            _patch(f"{SCALERS}/h", {"spec": {"minReplicas": 3}}),
            _patch(f"{SCALERS}/h", {"spec": {"minReplicas": None}}),
        ),
    ),
    Case("patch/wrong media type", (made(CONFIGMAPS, configmap()), _patch(_CM, "{}", "text/plain"))),
)

STRATEGICS = (
    _on_web(
        "strategic image", {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "$registry/web:1.1.0"}]}}}}, STRATEGIC
    ),
    _on_web("strategic second container", _TWO, STRATEGIC),
    _on_web(
        "strategic env",
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "1"}]}]}}}},
        STRATEGIC,
    ),
    _on_web(
        "strategic delete container", {"spec": {"template": {"spec": {"containers": [{"name": "web", "$patch": "delete"}]}}}}, STRATEGIC
    ),
    Case(
        "patch/strategic replace labels",
        (made(CONFIGMAPS, configmap(labels={"x": "y"})), _patch(_CM, {"metadata": {"labels": {"$patch": "replace", "a": "b"}}}, STRATEGIC)),
    ),
    Case(
        "patch/strategic order",
        (
            made(SERVICES, service(ports=[{"name": n, "port": i} for i, n in enumerate("abcd", 80)])),
            _patch(_SVC, {"spec": {"ports": [{"name": "e", "port": 90}, {"name": "c", "port": 82}, {"name": "b", "port": 81}]}}, STRATEGIC),
        ),
    ),
    _on_web(
        "strategic container port",
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "ports": [{"containerPort": 9090}]}]}}}},
        STRATEGIC,
    ),
    Case(
        "patch/strategic service port",
        (made(SERVICES, service()), _patch(_SVC, {"spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}}, STRATEGIC)),
    ),
    _on_web("strategic stale version", {"metadata": {"resourceVersion": "1"}, "spec": {"paused": True}}, STRATEGIC),
    Case(
        "patch/strategic finalizers",
        (
            made(CONFIGMAPS, configmap(finalizers=["a.b/c"])),
            _patch(_CM, {"metadata": {"finalizers": ["a.b/d"]}}, STRATEGIC),
            _patch(_CM, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/c", "a.b/d"]}}, STRATEGIC),
        ),
    ),
    _on_web("strategic strategy recreate", {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, STRATEGIC),
)

JSONS = (
    _on_web(
        "json replace",
        [{"op": "replace", "path": "/spec/replicas", "value": 0}, {"op": "add", "path": "/spec/paused", "value": True}],
        JSON,
    ),
    _on_web(
        "json test holds",
        [{"op": "test", "path": "/spec/replicas", "value": 0}, {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}],
        JSON,
    ),
    _on_web(
        "json test fails",
        [{"op": "test", "path": "/spec/replicas", "value": 7}, {"op": "replace", "path": "/spec/replicas", "value": 0}],
        JSON,
    ),
    Case(
        "patch/json test version",
        (
            made(CONFIGMAPS, configmap()),
            _patch(
                _CM,
                lambda past: [
                    {"op": "test", "path": "/metadata/resourceVersion", "value": version(past[-1])},
                    {"op": "add", "path": "/data/y", "value": "2"},
                ],
                JSON,
            ),
        ),
    ),
    Case(
        "patch/json test old version",
        (
            made(CONFIGMAPS, configmap()),
            _patch(
                _CM,
                [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}, {"op": "add", "path": "/data/y", "value": "2"}],
                JSON,
            ),
        ),
    ),
    _on_web("json remove none", [{"op": "remove", "path": "/spec/nope"}], JSON),
    _on_web("json replace none", [{"op": "replace", "path": "/spec/nope/a", "value": 1}], JSON),
    Case(
        "patch/json replace makes the key",
        (
            made(CONFIGMAPS, configmap()),
            _patch(_CM, [{"op": "replace", "path": "/data/none", "value": "1"}], JSON),
            _patch(_CM, [{"op": "test", "path": "/data/nope", "value": None}], JSON),
            _patch(_CM, [{"op": "remove", "path": "/data/nope"}], JSON),
            _patch(_CM, [{"op": "replace", "path": "/data", "value": {"y": "2"}}], JSON),
        ),
    ),
    _on_web("json not a list", {"op": "replace"}, JSON),
    Case("patch/json unknown operation", (made(CONFIGMAPS, configmap()), _patch(_CM, [{"op": "frob", "path": "/data/x"}], JSON))),
    Case(
        "patch/json move and copy",
        (
            made(CONFIGMAPS, configmap()),
            _patch(_CM, [{"op": "copy", "from": "/data/x", "path": "/data/y"}, {"op": "move", "from": "/data/x", "path": "/data/z"}], JSON),
        ),
    ),
    Case(
        "patch/json escaped",
        (
            made(CONFIGMAPS, configmap(annotations={"a/b": "1"})),
            _patch(_CM, [{"op": "replace", "path": "/metadata/annotations/a~1b", "value": "2"}], JSON),
        ),
    ),
    Case(
        "patch/json list end",
        (*_NEW, _patch(_WEB, [{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "b", "image": "x:1"}}], JSON)),
    ),
    Case(
        "patch/json list index",
        (
            *_NEW,
            _patch(
                _WEB,
                [
                    {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x:2"},
                    {"op": "test", "path": "/spec/template/spec/containers/0/image", "value": "x:2"},
                ],
                JSON,
            ),
        ),
    ),
)

_ME, _YOU = "fieldManager=me", "fieldManager=you"
APPLIES = (
    Case("apply/creates", (_patch(_CM, configmap(), APPLY, query=_ME), _patch(_CM, configmap(), APPLY, query=_ME))),
    Case("apply/no manager", (_patch(_CM, configmap(), APPLY),)),
    Case(
        "apply/changes own",
        (_patch(_CM, configmap(), APPLY, query=_ME, shown=False), _patch(_CM, configmap(data={"x": "2"}), APPLY, query=_ME)),
    ),
    Case(
        "apply/removes own",
        (
            _patch(_CM, configmap(data={"x": "1", "y": "2"}), APPLY, query=_ME, shown=False),
            _patch(_CM, configmap(data={"y": "2"}), APPLY, query=_ME),
        ),
    ),
    Case(
        "apply/conflict",
        (_patch(_CM, configmap(), APPLY, query=_ME, shown=False), _patch(_CM, configmap(data={"x": "2"}), APPLY, query=_YOU)),
    ),
    Case(
        "apply/same value is shared",
        (
            _patch(_CM, configmap(), APPLY, query=_ME, shown=False),
            _patch(_CM, configmap(), APPLY, query=_YOU),
            _patch(_CM, configmap(data={}), APPLY, query=_ME),
        ),
    ),
    Case(
        "apply/forced",
        (
            _patch(_CM, configmap(), APPLY, query=_ME, shown=False),
            _patch(_CM, configmap(data={"x": "2"}), APPLY, query=f"{_YOU}&force=true"),
        ),
    ),
    Case("apply/over an update", (made(CONFIGMAPS, configmap()), _patch(_CM, configmap(data={"x": "2"}), APPLY, query=_ME))),
    Case("apply/other field beside an update", (made(CONFIGMAPS, configmap()), _patch(_CM, configmap(data={"y": "2"}), APPLY, query=_ME))),
    Case("apply/deployment image conflict", (*_NEW, _patch(_WEB, deployment(tag="1.1.0"), APPLY, query=_ME))),
    Case(
        "apply/deployment replicas removed",
        (
            _patch(_WEB, deployment(), APPLY, query=_ME, shown=False),
            _CALM,
            _patch(_WEB, {**deployment(), "spec": {k: v for k, v in deployment()["spec"].items() if k != "replicas"}}, APPLY, query=_ME),
        ),
    ),
    Case(
        "apply/stale version",
        (made(CONFIGMAPS, configmap()), _patch(_CM, configmap(data={"y": "2"}, resourceVersion="1"), APPLY, query=_ME)),
    ),
    Case("apply/dry run", (_patch(_CM, configmap(), APPLY, query=f"{_ME}&dryRun=All"), Call("GET", _CM))),
)

SUBRESOURCES = (
    Case("scale/get", (made(DEPLOYMENTS, deployment(paused=True)), Call("GET", f"{_WEB}/scale"))),
    Case(
        "scale/patch",
        (
            made(DEPLOYMENTS, deployment(paused=True)),
            _patch(f"{_WEB}/scale", {"spec": {"replicas": 3}}),
            Call("GET", f"{_WEB}/scale", shown=False),
            _patch(f"{_WEB}/scale", {"spec": {"replicas": 0}}),
        ),
    ),
    Case("scale/negative", (*_NEW, _patch(f"{_WEB}/scale", {"spec": {"replicas": -1}}))),
    Case("scale/none", (Call("GET", f"{DEPLOYMENTS}/none/scale"),)),
    Case("scale/of what has none", (made(CONFIGMAPS, configmap()), Call("GET", f"{_CM}/scale"))),
    Case(
        "status/leaves the spec",
        (made(SERVICES, service()), _patch(f"{_SVC}/status", {"spec": {"selector": {"a": "b"}}, "metadata": {"annotations": {"a": "b"}}})),
    ),
)
CASES = (*MERGES, *STRATEGICS, *JSONS, *APPLIES, *SUBRESOURCES)
