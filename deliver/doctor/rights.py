"""Every right that a release needs, forward and back. `doctor` and the tests of deploy/rbac read this table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Right:
    """Verbs that a release needs on one resource."""

    group: str
    resource: str  # plural name as in deliver.cluster.port.KINDS
    verbs: tuple[str, ...]
    subresource: str = ""
    rollback: bool = True  # the way back needs it too
    proxy: bool = False  # only where health checks or Prometheus are reached through the API server
    flags: bool = False  # only where a feature flag is released

    @property
    def name(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


RIGHTS = (
    Right("apps", "deployments", ("get", "list", "watch", "patch", "delete")),
    Right("apps", "deployments", ("create",), rollback=False),
    Right("apps", "replicasets", ("list", "watch")),
    Right("", "pods", ("list", "watch")),
    Right("", "pods", ("get",), "log", rollback=False),
    Right("", "pods", ("get",), "proxy", rollback=False, proxy=True),
    Right("", "services", ("get", "list", "watch", "patch")),
    Right("", "services", ("create",), rollback=False),
    Right("", "services", ("get",), "proxy", rollback=False, proxy=True),
    Right("discovery.k8s.io", "endpointslices", ("list", "watch")),
    Right("autoscaling", "horizontalpodautoscalers", ("get", "list", "watch", "patch")),
    Right("", "configmaps", ("get", "list", "watch", "create", "patch")),
    Right("coordination.k8s.io", "leases", ("get", "create", "patch")),
    Right("", "resourcequotas", ("list",), rollback=False),
    Right("", "persistentvolumeclaims", ("get",), rollback=False),
    Right("", "pods", ("get", "patch"), flags=True),
    Right("", "pods", ("create",), "proxy", flags=True),
    Right("core.openfeature.dev", "featureflags", ("get", "list", "watch", "patch"), flags=True),
)
