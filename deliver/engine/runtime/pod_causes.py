"""Whether time may mend what keeps a pod from running: its words decide, whichever state carries them. Pure."""

import re
from collections.abc import Sequence

PULLS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "ImageInspectError",
        "SignatureValidationFailed",
    }
)
CONFIG = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
    }
)
_FINAL_STATES = frozenset({"InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed"})
APPLIED_LATE = 60.0  # seconds that a missing ConfigMap or Secret is waited for: somebody applies it in the same minute, or not at all

_PASSING = re.compile(
    r"\b429\b|too ?many ?requests|rate limit|rate exceeded|qps exceeded|throttl"
    r"|time[d]?[- ]?out|deadline ?exceeded|\b5\d\d (?!\d)|\b(?:status|code|status code):? 5\d\d\b|\b5\d\d$"
    r"|internal server error|bad gateway|service unavailable|code = unavailable|resource ?exhausted"
    r"|connection refused|connection reset|broken pipe|no route to host|network is unreachable|server misbehaving"
    r"|no such host|temporary failure|temporarily unavailable|try again|\beof\b|context canceled|handshake timeout"
    r"|name is reserved|name \S+ is reserved|no space left on device|not yet been read|failed to sync \S+ cache|cannot allocate memory"
)
_FINAL = re.compile(
    r"not found|manifest unknown|does not exist|denied|unauthorized|unauthenticated|no basic auth credentials|forbidden"
    r"|authentication required|authorization failed|invalid reference|invalid image|no match for platform|no matching manifest"
    r"|signature|policy|x509"
    r"|does not look like a tls handshake|http response to https client|unsupported|is not present with pull policy of never"
)
_LATE_OBJECT = re.compile(r"(?:configmap|secret)s? \S+ not found|couldn't find key")
_FINAL_CREATE = re.compile(r"denied the request|violates podsecurity|is invalid|forbidden: (?!exceeded quota)")
_PASSING_CREATE = re.compile(r"exceeded quota|failed calling webhook|no endpoints available|internal error|looking up service account")


def passes(text: str) -> bool:
    """Words of a registry, a network or a node that is busy or away for a while."""
    return bool(_PASSING.search(text))


def pull_is_final(state: str, message: str, image: str) -> bool:
    """Nobody mends this by waiting. What nobody knows is waited for; the image's own name is no cause."""
    text = _without(image, message)
    if passes(text):
        return False
    return state in _FINAL_STATES or bool(_FINAL.search(text))


def pull_says_why(message: str) -> bool:
    """Between two tries an older kubelet says no more than that it backs off."""
    return not re.fullmatch(r"(?:back-off pulling image \S+)?", message.strip().lower())


def config_patience(message: str) -> float | None:
    """Seconds that it may take, 0 = as long as pods are waited for; None: it is final."""
    text = message.lower()
    if passes(text):
        return 0.0
    return APPLIED_LATE if _LATE_OBJECT.search(text) else None


def creation_is_final(message: str) -> bool:
    """Of a pod that the API server refused: a quota may have room again, a webhook that does not answer may come back."""
    text = message.lower()
    if _FINAL_CREATE.search(text):
        return True
    return not (passes(text) or _PASSING_CREATE.search(text))


def _without(image: str, message: str) -> str:
    """In lower case, without the parts of the image's name."""
    text = message.lower()
    for part in _parts(image.lower()):
        text = text.replace(part, "")
    return text


def _parts(image: str) -> Sequence[str]:
    repository, _, digest = image.partition("@")
    tagged = ":" in repository.rpartition("/")[2]
    name, _, tag = repository.rpartition(":") if tagged else (repository, "", "")
    path = name.partition("/")[2] or name
    return [part for part in (image, repository, name, f"/v2/{path}/manifests/{tag or digest}") if part]
