"""Which pods read a ConfigMap, and how: only one that is mounted as a directory ever sees a change."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deliver.model.objects import Object
from deliver.plugins.interfaces import Finding

_FORCED = "a file mounted by subPath is never updated: mount the ConfigMap as a directory, without subPath"
_ENV = "environment variables are read once, at the start of a container: mount the ConfigMap as a directory instead"


def reads_configmap(pod: Object, name: str, key: str) -> bool:
    """A pod that lives and has the ConfigMap's key mounted, however."""
    spec, meta = pod.get("spec") or {}, pod["metadata"]
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and not meta.get("deletionTimestamp") and bool(_volumes(spec, name, key))


def findings(workload: Object, pods: Sequence[Object], name: str, key: str) -> list[Finding]:
    """What is wrong with how the workload's pods, present and future, read the ConfigMap."""
    label = f"{workload.get('kind') or 'Deployment'} {workload['metadata']['name']}"
    found = _of(workload["spec"]["template"]["spec"], name, key, f"the pods of {label}")
    if found:
        return found
    blind = [
        pod["metadata"]["name"]
        for pod in pods
        if _of(pod.get("spec") or {}, name, key, "") and not pod["metadata"].get("deletionTimestamp")
    ]
    if blind:
        text = f"pods that do not see a change of ConfigMap {name}: {', '.join(blind[:5])}{' and more' if len(blind) > 5 else ''}"
        return [Finding("not-mounted", "input", text, "they are of an older template: wait until the rollout is complete")]
    return []


def _of(spec: Mapping[str, Any], name: str, key: str, whose: str) -> list[Finding]:
    volumes = _volumes(spec, name, key)
    mounts = [mount for one in spec.get("containers") or () for mount in one.get("volumeMounts") or () if mount.get("name") in volumes]
    if any(not mount.get("subPath") and not mount.get("subPathExpr") for mount in mounts):
        return []
    if mounts:
        return [Finding("sub-path", "input", f"{whose} mount ConfigMap {name} by subPath alone, so they never see a change", _FORCED)]
    if _in_env(spec, name):
        return [Finding("in-env", "input", f"{whose} read ConfigMap {name} into environment variables, so they never see a change", _ENV)]
    hint = (
        f"mount it as a directory that holds the key {key}, or name the ConfigMap that they do mount: {_mounted(spec) or 'they mount none'}"
    )
    return [Finding("not-mounted", "input", f"{whose} do not mount key {key} of ConfigMap {name}", hint)]


def _volumes(spec: Mapping[str, Any], name: str, key: str) -> set[str]:
    """Names of the volumes that hold the key."""
    return {str(volume.get("name")) for volume, source in _sources(spec) if source.get("name") == name and _has(source, key)}


def _sources(spec: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for volume in spec.get("volumes") or ():
        parts = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        yield from ((volume, part["configMap"]) for part in parts if part.get("configMap"))


def _has(source: Mapping[str, Any], key: str) -> bool:
    items = source.get("items")
    return not items or any(item.get("key") == key for item in items)


def _in_env(spec: Mapping[str, Any], name: str) -> bool:
    for one in spec.get("containers") or ():
        if any((part.get("configMapRef") or {}).get("name") == name for part in one.get("envFrom") or ()):
            return True
        values = [(part.get("valueFrom") or {}).get("configMapKeyRef") or {} for part in one.get("env") or ()]
        if any(value.get("name") == name for value in values):
            return True
    return False


def _mounted(spec: Mapping[str, Any]) -> str:
    return ", ".join(sorted({str(source.get("name") or source) for _, source in _sources(spec)}))
