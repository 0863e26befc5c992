"""Names of ours in the cluster, and the ones of Kubernetes that we steer by."""

import re
from collections.abc import Mapping
from typing import Any

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"  # annotation of a Deployment and its ReplicaSets, counted up by its controller
FENCE = "deliver.dev/fence"
UNDO = "deliver.dev/undo"
RELEASE_LABEL = "deliver.dev/release"
MANAGER = "deliver"
CLAIMS = (  # labels by which Argo CD, Flux, Helm, kapp, Rancher, kubectl and OLM tell their own objects, or prune what they do not know
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "helm.sh/",
    "kapp.k14s.io/",
    "objectset.rio.cattle.io/",
    "applyset.kubernetes.io/",
    "olm.owner",
    "operators.coreos.com/",
)


def unclaimed(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels for an object of ours that a policy may ask for, without those by which somebody would take it for his."""
    return {key: value for key, value in labels.items() if not key.startswith(CLAIMS)}


def is_ours(editor: str) -> bool:
    """editor: who changed a field last, as last_editor() says it. What admission makes of a write of ours is under our name too."""
    return editor.startswith(f" by {MANAGER} at ")


def record_name(deployment: str) -> str:
    """The ConfigMap with the live record and the history of a target, and the Lease that locks it."""
    return f"deliver-{deployment}"


def candidate_name(deployment: str) -> str:
    return f"{deployment[:52].rstrip('-.')}-candidate"


def preview_name(deployment: str) -> str:
    """Of the Service that leads to the candidate alone, where the user has none. A Service's name has no dots, a Deployment's may."""
    return f"{deployment[:52].rstrip('-.').replace('.', '-')}-preview"


def fence_of(obj: Mapping[str, Any]) -> int:
    """The fence that an object carries; 0 for none, and for what somebody else wrote there."""
    mark = str((obj["metadata"].get("annotations") or {}).get(FENCE, ""))
    return int(mark) if mark.isdecimal() else 0


_DNS = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")


_REFERENCE = re.compile(
    r"([a-z0-9][a-z0-9.-]*:[0-9]+/)?[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*(:[a-z0-9_][a-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?",
    re.IGNORECASE,
)


def kube_name(value: str) -> str:
    """A name that Kubernetes takes for a Deployment, Service or namespace. Raises ValueError."""
    if not _DNS.fullmatch(value) or len(value) > 253:
        raise ValueError(f"`{value[:60]}` is not a Kubernetes name: lower case letters, digits and `-`, beginning and ending with no `-`")
    return value


def repository(image: str) -> str:
    """Of an image reference, without tag and digest; Docker Hub's short names written out."""
    bare = image.partition("@")[0]
    head, slash, tail = bare.rpartition("/")
    name = head + slash + tail.partition(":")[0]
    first = name.partition("/")[0]
    if "/" not in name:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"


def image_reference(value: str) -> str:
    """repository:tag or repository@sha256:...; without either a release could not say what it releases. Raises ValueError."""
    if not _REFERENCE.fullmatch(value) or len(value) > 500:
        raise ValueError(f"`{value[:60]}` is not an image reference; write it like ghcr.io/acme/web:1.4.2")
    if "@" not in value and ":" not in value.rsplit("/", 1)[-1]:
        raise ValueError(f"`{value[:60]}` has no tag; write the version out, e.g. {value[:60]}:1.4.2, or @sha256:...")
    return value
