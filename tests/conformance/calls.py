"""What a conformance case is made of: HTTP calls with an answer each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
PLAIN = "application/json"

Answer = dict[str, Any]
Body = dict[str, Any] | list[Any] | str | None


@dataclass(frozen=True)
class Call:
    """One call. path: "{ns}" is the case's namespace. body: or a function of the answers so far. query: after the "?".

    watch: the answer is the list of events that have happened since the resourceVersion in the query. shown False: not compared.
    user, group: whom the call impersonates. accept: what it wants for an answer.
    """

    method: str
    path: str
    body: Body | Callable[[list[Answer]], Body] = None
    type: str = PLAIN
    query: str | Callable[[list[Answer]], str] = ""
    watch: bool = False
    shown: bool = True
    user: str = ""
    group: str = ""
    accept: str = ""

    def headers(self) -> dict[str, str]:
        named = (("Impersonate-User", self.user), ("Impersonate-Group", self.group), ("Accept", self.accept))
        return {key: value for key, value in named if value}


@dataclass(frozen=True)
class Until:
    """Ask again until `holds` (at most `seconds`); the last answer counts as this step's."""

    path: str
    holds: Callable[[Answer], bool]
    query: str = ""
    seconds: float = 60.0
    shown: bool = True
    user: str = ""
    group: str = ""

    def headers(self) -> dict[str, str]:
        return Call("GET", self.path, user=self.user, group=self.group).headers()


@dataclass(frozen=True)
class Case:
    """name: group/what. Each case has a namespace of its own. slow: waits for controllers."""

    name: str
    steps: tuple[Call | Until, ...]
    slow: bool = field(default=False)


CORE, APPS = "/api/v1/namespaces/{ns}", "/apis/apps/v1/namespaces/{ns}"
DEPLOYMENTS, CONFIGMAPS, SERVICES, PODS = f"{APPS}/deployments", f"{CORE}/configmaps", f"{CORE}/services", f"{CORE}/pods"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases"
SCALERS = "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices"


def configmap(name: str = "a", data: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": {"x": "1"} if data is None else data}


def deployment(name: str = "web", replicas: Any = 0, tag: str = "1.0.0", **spec: Any) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    container = {"name": "web", "image": f"$registry/web:{tag}", "ports": [{"containerPort": 8080}], "readinessProbe": probe}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def service(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80}], **spec},
    }


def autoscaler(target: str = "none", **spec: Any) -> dict[str, Any]:
    """Of that Deployment, at most 5 pods."""
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    return {"metadata": {"name": "h"}, "spec": {"scaleTargetRef": ref, "maxReplicas": 5, **spec}}


def pod(name: str = "p", **meta: Any) -> dict[str, Any]:
    """No node takes it."""
    spec = {"containers": [{"name": "c", "image": "$registry/web:1.0.0"}], "nodeSelector": {"no": "where"}}
    return {"metadata": {"name": name, **meta}, "spec": spec}


def made(path: str, body: Body) -> Call:
    """A step that sets the scene."""
    return Call("POST", path, body, shown=False)


def version(answer: Answer) -> str:
    return str(answer["metadata"]["resourceVersion"])
