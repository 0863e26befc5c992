"""Which label of a counter is the status, and which of its values count as bad."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from deliver.analysis.selectors import Matcher
from deliver.discovery.types import Family

# The usual names, the finer one first: of two labels that both fit the earlier is taken.
USUAL = (
    "classification", "grpc_code", "grpc_status", "rpc_grpc_status_code", "response_code", "http_response_status_code", "http_status_code",
    "envoy_response_code", "status_code", "code", "status", "http_status", "http_code", "statuscode", "envoy_response_code_class",
    "response_code_class", "status_class", "outcome",
)  # fmt: skip
NO_ANSWER = {"0", "unknown", "none"}  # no answer was given: neither good nor bad
GRPC = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
    "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss",
    "Unauthenticated",
)  # fmt: skip
# What a server answers where HTTP says 5xx; the others are the caller's doing.
GRPC_BAD = ("Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss")


@dataclass(frozen=True)
class StatusLabel:
    """The label of a counter that says how a request ended."""

    label: str
    bad: Matcher  # selects bad requests
    words: str  # what counts as bad, for people


def find_status_labels(family: Family) -> tuple[StatusLabel, ...]:
    """The status label; several where none of them has a usual name; () where no label fits."""
    fits = [found for label in sorted(family.labels) if (found := status_label(label, family.values(label)))]
    usual = sorted((one for one in fits if one.label.lower() in USUAL), key=lambda one: USUAL.index(one.label.lower()))
    return (usual[0],) if usual else tuple(fits)


def status_label(label: str, values: Iterable[str]) -> StatusLabel | None:
    """The label read as a status by its values; None where they are not those of a status."""
    there = set(values) - {"", "-"}
    if there and (found := _grpc(label, there)):
        return found
    answers = {value for value in there if value.lower() not in NO_ANSWER}
    for look in (_classified, _http, _classes, _outcomes):
        if answers and (found := look(label, answers)):
            return found
    return None


def _http(label: str, values: set[str]) -> StatusLabel | None:
    if not all(re.fullmatch(r"[1-5]\d\d", value) for value in values):
        return None
    named = label.lower() in USUAL or re.search(r"status|code", label.lower())
    return StatusLabel(label, Matcher(label, "=~", "5.."), f'{label}=~"5.."') if named else None


def _classes(label: str, values: set[str]) -> StatusLabel | None:
    """`5xx`, or Envoy's plain `5`."""
    if all(re.fullmatch(r"[1-5][xX]{2}", value) for value in values):
        upper = any("X" in value for value in values)
        text = "5XX" if upper else "5xx"
        return StatusLabel(label, Matcher(label, "=", text), f'{label}="{text}"')
    if "class" in label.lower() and all(re.fullmatch(r"[1-5]", value) for value in values):
        return StatusLabel(label, Matcher(label, "=", "5"), f'{label}="5"')
    return None


def _grpc(label: str, values: set[str]) -> StatusLabel | None:
    """Names as Go writes them, as the specification does (DEADLINE_EXCEEDED), or numbers, where the label says that it is gRPC."""
    for spelled in (str, _upper_snake):
        names = {spelled(code) for code in GRPC} | {"CANCELLED", "Ok"}
        if values <= names:
            bad = "|".join(spelled(code) for code in GRPC_BAD)
            return StatusLabel(label, Matcher(label, "=~", bad), f'{label}=~"{bad}"')
    if "grpc" in label.lower() and all(value.isascii() and value.isdecimal() and int(value) < len(GRPC) for value in values):
        bad = "|".join(str(GRPC.index(code)) for code in GRPC_BAD)
        return StatusLabel(label, Matcher(label, "=~", bad), f"{label} of {', '.join(GRPC_BAD)}")
    return None


def _outcomes(label: str, values: set[str]) -> StatusLabel | None:
    """Micrometer's, coarser than its `status`."""
    known = {"SUCCESS", "REDIRECTION", "CLIENT_ERROR", "SERVER_ERROR", "INFORMATIONAL", "UNKNOWN"}
    if label != "outcome" or not values <= known:
        return None
    return StatusLabel(label, Matcher(label, "=", "SERVER_ERROR"), 'outcome="SERVER_ERROR"')


def _classified(label: str, values: set[str]) -> StatusLabel | None:
    """Linkerd's, which knows the failures of HTTP and of gRPC."""
    if label != "classification" or not values <= {"success", "failure"}:
        return None
    return StatusLabel(label, Matcher(label, "=", "failure"), 'classification="failure"')


def _upper_snake(name: str) -> str:
    """DeadlineExceeded to DEADLINE_EXCEEDED."""
    return name if name.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
