"""Names that Kubernetes and registries take. No third-party import: `deliver rollback` pays for this."""

import re

_DNS = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_REFERENCE = re.compile(r"[a-z0-9][a-z0-9._:/-]*?(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?", re.IGNORECASE)


def kube_name(value: str) -> str:
    """A name that Kubernetes takes for a Deployment, Service or namespace. Raises ValueError."""
    if not _DNS.fullmatch(value) or len(value) > 253:
        raise ValueError(f"`{value[:60]}` is not a Kubernetes name: lower case letters, digits and `-`, beginning and ending with no `-`")
    return value


def image_reference(value: str) -> str:
    """repository:tag or repository@sha256:...; without either a release could not say what it releases. Raises ValueError."""
    if not _REFERENCE.fullmatch(value) or len(value) > 500:
        raise ValueError(f"`{value[:60]}` is not an image reference; write it like ghcr.io/acme/web:1.4.2")
    if "@" not in value and ":" not in value.rsplit("/", 1)[-1]:
        raise ValueError(f"`{value[:60]}` has no tag; write the version out, e.g. {value[:60]}:1.4.2, or @sha256:...")
    return value
