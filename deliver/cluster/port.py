"""What deliver needs of a Kubernetes API. client.py speaks to a real one, deliver_sandbox to the embedded one.

Objects are plain dicts as the API serves them. Kinds are the API's plural names (KINDS). Every call ends within its deadline
(retries included) with a result or a ClusterError of deliver.model.errors; `Unreachable` after a write means "read back first".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from deliver.model.objects import Object

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Send = Callable[..., "BaseHTTPResponse"]

# plural name -> (API group and version, kind, namespaced)
KINDS: Mapping[str, tuple[str, str, bool]] = {
    "namespaces": ("v1", "Namespace", False),
    "pods": ("v1", "Pod", True),
    "services": ("v1", "Service", True),
    "configmaps": ("v1", "ConfigMap", True),
    "events": ("v1", "Event", True),
    "resourcequotas": ("v1", "ResourceQuota", True),
    "persistentvolumeclaims": ("v1", "PersistentVolumeClaim", True),
    "nodes": ("v1", "Node", False),
    "deployments": ("apps/v1", "Deployment", True),
    "replicasets": ("apps/v1", "ReplicaSet", True),
    "statefulsets": ("apps/v1", "StatefulSet", True),
    "daemonsets": ("apps/v1", "DaemonSet", True),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice", True),
    "horizontalpodautoscalers": ("autoscaling/v2", "HorizontalPodAutoscaler", True),
    "leases": ("coordination.k8s.io/v1", "Lease", True),
    "prometheuses": ("monitoring.coreos.com/v1", "Prometheus", True),
    "featureflags": ("core.openfeature.dev/v1beta1", "FeatureFlag", True),
}


@dataclass(frozen=True)
class Watch:
    """A set of objects to follow: one kind in one namespace, narrowed by label selector or by metadata.name."""

    kind: str
    selector: str = ""
    name: str = ""


@dataclass(frozen=True)
class Access:
    """How an HTTP client reaches something through the API server's proxy, or at a plain address.

    url: without trailing slash. headers: fresh for each call (tokens rotate); raises ClusterError when the credentials cannot be had.
    send: `send(method, url, headers=..., body=..., timeout=...)` goes the way that every call to the API server goes (its proxy, what is
    trusted, the client's certificate, as whom it acts); a urllib3 response with its body unread. None: a plain address.
    """

    url: str
    headers: Callable[[], Mapping[str, str]]
    send: "Send | None" = None


class Feed(Protocol):
    """Objects kept up to date by list and watch. Reading never blocks; the data may be a moment old, `quiet` says how old."""

    def get(self, kind: str, name: str) -> Object | None: ...

    def list(self, kind: str) -> list[Object]:
        """All objects of that kind over all its watches, each once."""

    def apply(self, kind: str, obj: Object) -> None:
        """Take in the answer to an own write, so that the next look has it; an older resourceVersion from the watch never undoes it."""

    def changes(self) -> int:
        """Counts what came, changed or went: as long as it is the same, nothing is new."""

    def quiet(self) -> float:
        """Seconds since the API server was last heard by the watch that is worst off: 0 while all are live."""

    def relist(self) -> None:
        """Read everything anew, now, in the caller's thread. Raises ClusterError."""

    def close(self) -> None: ...


class Cluster(Protocol):
    """The port. `namespace` is "" for kinds without one. `deadline`: seconds for the call with its retries, None = the default."""

    def get(self, kind: str, namespace: str, name: str, *, deadline: float | None = None) -> Object: ...

    def list(self, kind: str, namespace: str, *, selector: str = "", field: str = "", deadline: float | None = None) -> list[Object]: ...

    def create(self, kind: str, namespace: str, body: Object, *, deadline: float | None = None) -> Object: ...

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        body: Object,
        *,
        deadline: float | None = None,
    ) -> Object:
        """A merge patch. With metadata.resourceVersion in its body it is refused (Conflict) when the object has moved on."""

    def delete(self, kind: str, namespace: str, name: str, *, uid: str, version: str = "", deadline: float | None = None) -> None:
        """Background propagation. uid (and version, a resourceVersion) are preconditions: Conflict when they do not hold."""

    def rehearsing(self) -> "Cluster":
        """The same cluster, whose creates and patches are dry runs: admission answers as it would, and nothing is stored."""

    def follow(self, namespace: str, watches: Sequence[Watch], wake: Callable[[], None]) -> Feed:
        """Start to follow. The first list is done when this returns; `wake` is called after each change, from any thread."""

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, lines: int = 20) -> str: ...

    def allowed(self, verb: str, kind: str, namespace: str, name: str = "", subresource: str = "") -> bool: ...

    def version(self) -> str:
        """The server's version, e.g. v1.37.2."""

    def proxy(self, namespace: str, kind: str, name: str, port: str | int, scheme: str = "") -> Access:
        """Through the API server to a Service's or a pod's port; kind is "services" or "pods"."""
