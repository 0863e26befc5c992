"""What cannot run twice: a candidate's pods would run beside the stable ones, and both would have the same files or ports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from deliver.model.objects import Object
from deliver.plugins.interfaces import Finding

Claim = Callable[[str], Sequence[str] | None]
"""The access modes of a PersistentVolumeClaim by name; () when there is none of that name, None when it may not be read."""

ALLOWED = "--allow-twice goes on, for who knows that both versions may run at the same time"
ONCE = "ReadWriteOnce"
DISKS = frozenset(
    {"awsElasticBlockStore", "azureDisk", "cinder", "fc", "gcePersistentDisk", "iscsi", "photonPersistentDisk", "rbd", "vsphereVolume"}
)
"""Volumes of a pod template that one node can have for writing."""


def twice_findings(deployment: Object, claim: Claim) -> Iterator[Finding]:
    """From the Deployment's own words: its strategy and its volumes."""
    name, spec = deployment["metadata"]["name"], deployment["spec"]
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        text = f"Deployment {name} has strategy Recreate: no pod of it may run beside one of another version, and a candidate does"
        yield Finding("twice", "refuse", text, ALLOWED)
    several = (spec.get("replicas") or 0) > 1  # they have the volume together by now, on one node
    for volume in spec["template"]["spec"].get("volumes") or ():
        if (text := _held_by_one(volume, claim, several=several)) and not _read_only(volume):
            yield Finding("twice", "refuse", f"pods of {name} {text}: a candidate's would open the same files, or wait for them", ALLOWED)


def _held_by_one(volume: Mapping[str, Any], claim: Claim, *, several: bool) -> str:
    """In words, why two nodes, or two pods, cannot have this volume; "" when they can."""
    if kinds := sorted(DISKS & volume.keys()):
        return f"write to volume {volume['name']} ({kinds[0]}), which one node can have"
    named = str((volume.get("persistentVolumeClaim") or {}).get("claimName") or "")
    modes = claim(named) if named else ()
    if modes is None:
        return f"write to PersistentVolumeClaim {named}, whose access modes may not be read (grant get on persistentvolumeclaims)"
    if "ReadWriteOncePod" in modes:
        return f"write to PersistentVolumeClaim {named} (ReadWriteOncePod), which one pod can have"
    if ONCE in modes and "ReadWriteMany" not in modes and not several:
        return f"write to PersistentVolumeClaim {named} ({ONCE}), which one node can have"
    return ""


def _read_only(volume: Mapping[str, Any]) -> bool:
    return any(isinstance(source, Mapping) and source.get("readOnly") for source in volume.values())


def node_ports(deployment: Object) -> list[int]:
    """Ports of the node that each pod takes."""
    spec = deployment["spec"]["template"]["spec"]
    ports = [port for one in spec["containers"] for port in one.get("ports") or ()]
    if spec.get("hostNetwork"):
        return sorted({port["containerPort"] for port in ports})
    return sorted({port["hostPort"] for port in ports if port.get("hostPort")})


def port_findings(deployment: Object, ports: Sequence[int], pods: int, nodes: int | None) -> Iterator[Finding]:
    """Two pods cannot have one port of a node. pods: at the most; nodes: that take pods, None = they may not be listed."""
    if nodes is not None and pods <= nodes:
        return
    whose = f"pods of {deployment['metadata']['name']} have port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))} of their node"
    have = (
        "how many nodes there are may not be read" if nodes is None else f"there are {nodes} node{'s' if nodes != 1 else ''} that take pods"
    )
    yield Finding("twice", "refuse", f"{whose}: {pods} of them need as many nodes, and {have}", ALLOWED)
