"""What controllers and the kubelet make of objects: waited for, then compared."""

from collections.abc import Callable
from typing import Any

from tests.conformance.calls import (
    APPS,
    CORE,
    DEPLOYMENTS,
    MERGE,
    PODS,
    SCALERS,
    SERVICES,
    SLICES,
    STRATEGIC,
    Answer,
    Call,
    Case,
    Until,
    autoscaler,
    deployment,
    made,
    service,
)

_WEB = f"{DEPLOYMENTS}/web"
_SETS = f"{APPS}/replicasets"


def _status(answer: Answer) -> dict[str, Any]:
    status: dict[str, Any] = answer.get("status") or {}
    return status


def _done(replicas: int, generation: int = 1) -> Callable[[Answer], bool]:
    def holds(answer: Answer) -> bool:
        status = _status(answer)
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        calm = status.get("terminatingReplicas", 0) == 0 and status.get("observedGeneration", 0) >= generation
        reasons = [item["reason"] for item in status.get("conditions") or ()]
        return counts == [replicas] * 3 and calm and ("NewReplicaSetAvailable" in reasons or "DeploymentPaused" in reasons)

    return holds


def _reason(answer: Answer) -> str:
    states = [item["state"] for pod in answer.get("items") or () for item in _status(pod).get("containerStatuses") or ()]
    return str(states[0].get("waiting", {}).get("reason", "")) if states else ""


def _image(tag: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": f"$registry/web:{tag}"}]}}}}


def _unready(answer: Answer) -> bool:
    pods = answer.get("items") or []
    return bool(pods) and all(
        "running" in item["state"] for pod in pods for item in _status(pod).get("containerStatuses") or [{"state": {}}]
    )


CASES = (
    Case(
        "deployment/rolled out", (made(DEPLOYMENTS, deployment(replicas=2)), Until(_WEB, _done(2)), Call("GET", _SETS), Call("GET", PODS))
    ),
    Case(
        "deployment/new image",
        (
            made(DEPLOYMENTS, deployment(replicas=2)),
            Until(_WEB, _done(2), shown=False),
            Call("PATCH", _WEB, _image("1.1.0"), STRATEGIC, shown=False),
            Until(_WEB, _done(2, 2)),
            Until(_SETS, lambda answer: all(not _status(item).get("terminatingReplicas") for item in answer["items"]), shown=False),
        ),
        slow=True,
    ),
    Case(
        "deployment/paused scales and does not roll",
        (
            made(DEPLOYMENTS, deployment(replicas=1)),
            Until(_WEB, _done(1), shown=False),
            Call("PATCH", _WEB, {"spec": {"paused": True}}, MERGE, shown=False),
            Until(_WEB, lambda a: _status(a)["observedGeneration"] == 2),
            Call("PATCH", _WEB, {**_image("1.1.0")}, STRATEGIC, shown=False),
            Call("PATCH", _WEB, {"spec": {"replicas": 2}}, MERGE, shown=False),
            Until(_WEB, lambda a: _status(a).get("availableReplicas") == 2 and _status(a)["observedGeneration"] == 4),
            Call("GET", _SETS),
        ),
        slow=True,
    ),
    Case(
        "deployment/annotation counts as a generation",
        (
            made(DEPLOYMENTS, deployment()),
            Until(_WEB, _done(0), shown=False),
            Call("PATCH", _WEB, {"metadata": {"annotations": {"a": "b"}}}, MERGE),
            Until(_WEB, lambda a: _status(a).get("observedGeneration") == 2, shown=False),
            Call("PATCH", _WEB, {"metadata": {"labels": {"a": "b"}}}, MERGE),
        ),
    ),
    Case(
        "deployment/deleted with its pods",
        (
            made(DEPLOYMENTS, deployment(replicas=1)),
            Until(_WEB, _done(1), shown=False),
            Call("DELETE", _WEB, {"propagationPolicy": "Background"}),
            Until(PODS, lambda a: not a["items"]),
            Call("GET", _SETS),
        ),
        slow=True,
    ),
    Case(
        "pods/image pull",
        (made(DEPLOYMENTS, deployment(replicas=1, tag="nope")), Until(PODS, lambda a: _reason(a) == "ImagePullBackOff"), Call("GET", _WEB)),
        slow=True,
    ),
    Case(
        "pods/crash loop",
        (
            made(DEPLOYMENTS, deployment(replicas=1, tag="2.0.0-crash")),
            Until(PODS, lambda a: _reason(a) == "CrashLoopBackOff" and _status(a["items"][0])["containerStatuses"][0]["restartCount"] == 1),
        ),
        slow=True,
    ),
    Case("pods/unready", (made(DEPLOYMENTS, deployment(replicas=1, tag="2.0.0-unready")), Until(PODS, _unready), Call("GET", _WEB))),
    Case(
        "pods/unschedulable",
        (
            made(
                PODS,
                {
                    "metadata": {"name": "p"},
                    "spec": {"containers": [{"name": "c", "image": "$registry/web:1.0.0"}], "nodeSelector": {"no": "where"}},
                },
            ),
            Until(f"{PODS}/p", lambda a: bool(_status(a).get("conditions"))),
        ),
    ),
    Case(
        "endpoints/follow a selector",
        (
            made(DEPLOYMENTS, deployment(replicas=1)),
            made(SERVICES, service(ports=[{"name": "http", "port": 80, "targetPort": 8080}])),
            Until(SLICES, lambda a: any(end["conditions"]["ready"] for item in a["items"] for end in item["endpoints"] or ())),
            Call("PATCH", f"{SERVICES}/web", {"spec": {"selector": {"app": "other"}}}, MERGE, shown=False),
            Until(SLICES, lambda a: all(not item["endpoints"] for item in a["items"])),
            Call("DELETE", f"{SERVICES}/web"),
            Until(SLICES, lambda a: not a["items"]),
        ),
        slow=True,
    ),
    Case(
        "endpoints/named port",
        (
            made(
                DEPLOYMENTS,
                {
                    **deployment(
                        replicas=1,
                        template={
                            "metadata": {"labels": {"app": "web"}},
                            "spec": {
                                "containers": [
                                    {"name": "web", "image": "$registry/web:1.0.0", "ports": [{"name": "web", "containerPort": 8080}]}
                                ],
                                "terminationGracePeriodSeconds": 1,
                            },
                        },
                    )
                },
            ),
            made(SERVICES, service(ports=[{"name": "http", "port": 80, "targetPort": "web"}])),
            Until(SLICES, lambda a: any(end["conditions"]["ready"] for item in a["items"] for end in item["endpoints"] or ())),
        ),
    ),
    Case(
        "quota/too many pods",
        (
            made(f"{CORE}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}),
            Until(f"{CORE}/resourcequotas/q", lambda a: "used" in _status(a)),
            made(DEPLOYMENTS, deployment(replicas=2)),
            Until(
                _WEB,
                lambda a: (
                    _status(a).get("availableReplicas") == 1
                    and any(item["type"] == "ReplicaFailure" for item in _status(a).get("conditions") or ())
                ),
            ),
            Until(f"{CORE}/resourcequotas/q", lambda a: _status(a).get("used", {}).get("pods") == "1"),
        ),
        slow=True,
    ),
    Case(
        "autoscaler/raises to its minimum",
        (
            made(DEPLOYMENTS, deployment(replicas=1)),
            made(SCALERS, autoscaler("web", minReplicas=2)),
            Until(_WEB, lambda a: a["spec"]["replicas"] == 2 and _status(a).get("availableReplicas") == 2),
        ),
        slow=True,
    ),
)
