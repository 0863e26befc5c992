"""What a call to the API server can end in, and its translation into the errors of deliver.model.errors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deliver.formatting.sanitize import json_in, one_line
from deliver.model.errors import ClusterError, Conflict, Forbidden, Gone, NotFound, Rejected, Unreachable

LONGEST_TEXT = 1024
CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed
_TOKEN = re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[\w-]{8,}(\.[\w-]*){1,2}")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_NO_RIGHT = re.compile(r'User "[^"]*" cannot \S+ (resource|path) ')
_KNOWN = {401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone}


@dataclass(frozen=True)
class Call:
    """One request. what: for messages, as in "cannot {what}". writes: it changes the cluster.

    repeatable: sending it again when the outcome of the first try is not known is harmless, or refused by the server (409, 404).
    """

    method: str
    path: str
    what: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    writes: bool = False
    repeatable: bool = True


class AttemptFailed(Exception):
    """One attempt's end.

    ambiguous: it may have been carried out. retry: another try can help. after: seconds to wait, where the server says so.
    """

    def __init__(self, error: ClusterError, *, ambiguous: bool = False, retry: bool = False, after: float = 0.0) -> None:
        super().__init__(error.what)
        self.error, self.ambiguous, self.retry, self.after = error, ambiguous, retry, after


def without_secrets(text: str, secret: str = "") -> str:
    """Text of others made fit to print: one line, no control characters, no credentials, at most LONGEST_TEXT characters."""
    if secret:
        text = text.replace(secret, "***")
        text = text.replace(secret.rpartition(" ")[2], "***")
    text = _JWT.sub("***", _USERINFO.sub("***@", _TOKEN.sub(r"\1 ***", text)))
    return one_line(text, LONGEST_TEXT)


def no_answer(call: Call, why: str, *, server: str, sent: bool, retry: bool = True, hint: str = "") -> AttemptFailed:
    """The request did not get a usable answer. sent: it may have reached the API server."""
    unclear = sent and call.writes
    error = Unreachable(
        f"cannot {call.what}",
        why=f"the API server {server} gave no answer: {why}",
        state="the change may or may not have been applied" if unclear else "nothing was changed by this call" if call.writes else "",
        hint=hint or "check that the API server answers: kubectl get --raw /readyz",
    )
    return AttemptFailed(error, ambiguous=sent, retry=retry)


def from_status(call: Call, status: int, headers: Mapping[str, str], body: bytes, secret: str = "") -> AttemptFailed:
    """The answer's status and its Status body as an error.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ has the body's fields. 429 is refused before it is
    looked at; 503 with Retry-After as well (a server that is starting or stopping); any other 5xx may come after the change was made.
    """
    details = status_object(body)
    why = without_secrets(str(details.get("message") or "") or body.decode("utf-8", "replace"), secret) or f"HTTP status {status}"
    after = _retry_after(headers, details)
    if status == 429 or status >= 500:
        ambiguous = status != 429 and not (status == 503 and after > 0)
        failure = no_answer(call, why, server="", sent=ambiguous)
        failure.error.status, failure.error.why = status, f"the API server answered {status}: {why}"
        failure.after = after
        return failure
    kind = Rejected if status == 403 and call.writes and _by_admission(details) else _KNOWN.get(status, Rejected)
    state = "nothing was changed by this call" if call.writes else ""
    return AttemptFailed(kind(f"cannot {call.what}", status=status, why=why, state=state, hint=_hint(status, kind)))


def _by_admission(details: Mapping[str, Any]) -> bool:
    """A 403 of who has the right: a webhook, a policy, a quota or a LimitRange denies what was written.

    The authorizer always says `User "x" cannot patch resource "deployments"` (apiserver, responsewriters.Forbidden).
    """
    message = str(details.get("message") or "")
    return bool(message) and not _NO_RIGHT.search(message)


def _hint(status: int, kind: type[ClusterError]) -> str:
    if kind is Rejected:
        return ""
    if status == 401:
        return "the credentials are not accepted or have expired: log in to the cluster again"
    if status == 403:
        return "ask for this permission, or use a context that has it; `deliver doctor` lists what is needed"
    return ""


def status_object(body: bytes) -> dict[str, Any]:
    """The Status object in which the API server answers for itself; {} for anything else."""
    parsed = json_in(body)
    return parsed if isinstance(parsed, dict) and parsed.get("kind") == "Status" else {}


def _retry_after(headers: Mapping[str, str], details: Mapping[str, Any]) -> float:
    """Seconds to wait, from the header or the Status body (retryAfterSeconds); the header's date form is not used by Kubernetes."""
    more = details.get("details")
    for value in (headers.get("Retry-After"), more.get("retryAfterSeconds") if isinstance(more, dict) else None):
        try:
            seconds = float(str(value))
        except ValueError:
            continue
        if 0 < seconds < float("inf"):
            return seconds
    return 0.0
