"""Which lists of the API merge by a key and which maps count as one value: the part of its schema that patches and ownership need.

From x-kubernetes-list-map-keys and x-kubernetes-map-type in the OpenAPI schema of Kubernetes; the first key is the strategic merge key.
"""

from collections.abc import Mapping

_LISTS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "secrets": ("name",),
}
_SETS = frozenset({"finalizers"})
_ATOMIC = frozenset({"selector", "nodeSelector", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "scaleTargetRef", "targetRef"})


def list_key(kind: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The merge keys of the list at that path; None: the list is one value. A set of plain values has no keys: ("",)."""
    if not path:
        return None
    last = path[-1]
    if last == "ports":
        return ("port", "protocol") if kind == "services" else ("containerPort", "protocol") if "containers" in path else None
    if last in _SETS:
        return ("",)
    return _LISTS.get(last)


def atomic(kind: str, path: tuple[str, ...]) -> bool:
    """A map that is owned and replaced as a whole by server-side apply."""
    return bool(path) and path[-1] in _ATOMIC and "metadata" not in path
