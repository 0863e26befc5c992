"""The resources that the sandbox serves, and what the machinery must know of each."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """plural: its name in URLs. api: group and version. generation: spec changes are counted. status: it has a /status.

    custom: of a CustomResourceDefinition, which knows no strategic merge.
    """

    plural: str
    api: str
    kind: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    generation: bool = False
    status: bool = False
    scale: bool = False
    custom: bool = False

    @property
    def group(self) -> str:
        return self.api.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api.rpartition("/")[2]

    @property
    def qualified(self) -> str:
        """As error messages name it: deployments.apps, pods."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


_RBAC = "rbac.authorization.k8s.io/v1"
_ALL = (
    Kind("namespaces", "v1", "Namespace", ("ns",), namespaced=False, status=True),
    Kind("nodes", "v1", "Node", ("no",), namespaced=False, status=True),
    Kind("pods", "v1", "Pod", ("po",), generation=True, status=True),
    Kind("services", "v1", "Service", ("svc",), status=True),
    Kind("configmaps", "v1", "ConfigMap", ("cm",)),
    Kind("secrets", "v1", "Secret"),
    Kind("events", "v1", "Event", ("ev",)),
    Kind("resourcequotas", "v1", "ResourceQuota", ("quota",), status=True),
    Kind("serviceaccounts", "v1", "ServiceAccount", ("sa",)),
    Kind("deployments", "apps/v1", "Deployment", ("deploy",), generation=True, status=True, scale=True),
    Kind("replicasets", "apps/v1", "ReplicaSet", ("rs",), generation=True, status=True, scale=True),
    Kind("statefulsets", "apps/v1", "StatefulSet", ("sts",), generation=True, status=True, scale=True),
    Kind("daemonsets", "apps/v1", "DaemonSet", ("ds",), generation=True, status=True),
    Kind("endpointslices", "discovery.k8s.io/v1", "EndpointSlice", generation=True),
    Kind("horizontalpodautoscalers", "autoscaling/v2", "HorizontalPodAutoscaler", ("hpa",), generation=True, status=True),
    Kind("poddisruptionbudgets", "policy/v1", "PodDisruptionBudget", ("pdb",), generation=True, status=True),
    Kind("leases", "coordination.k8s.io/v1", "Lease"),
    Kind("roles", _RBAC, "Role"),
    Kind("rolebindings", _RBAC, "RoleBinding"),
    Kind("clusterroles", _RBAC, "ClusterRole", namespaced=False),
    Kind("clusterrolebindings", _RBAC, "ClusterRoleBinding", namespaced=False),
    Kind("persistentvolumeclaims", "v1", "PersistentVolumeClaim", ("pvc",), status=True),
    Kind("persistentvolumes", "v1", "PersistentVolume", ("pv",), namespaced=False, status=True),
    Kind("limitranges", "v1", "LimitRange", ("limits",)),
    Kind("jobs", "batch/v1", "Job", generation=True, status=True),
    Kind("cronjobs", "batch/v1", "CronJob", ("cj",), generation=True, status=True),
    Kind("ingresses", "networking.k8s.io/v1", "Ingress", ("ing",), generation=True, status=True),
    Kind("networkpolicies", "networking.k8s.io/v1", "NetworkPolicy", ("netpol",), generation=True),
    Kind("priorityclasses", "scheduling.k8s.io/v1", "PriorityClass", ("pc",), namespaced=False, generation=True),
    Kind("storageclasses", "storage.k8s.io/v1", "StorageClass", ("sc",), namespaced=False),
    Kind("featureflags", "core.openfeature.dev/v1beta1", "FeatureFlag", ("ff",), generation=True, status=True, custom=True),
)
KINDS: Mapping[str, Kind] = {kind.plural: kind for kind in _ALL}
PLURALS: Mapping[str, str] = {kind.kind: kind.plural for kind in _ALL}
