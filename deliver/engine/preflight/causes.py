"""What forbids a release, as one answer: every cause at once, what no option mends first. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from deliver.model.errors import AlreadySo, DeliverError, Forbidden, GateRefused, InputError, Locked
from deliver.plugins.interfaces import Finding

ERRORS: dict[str, type[InputError | Locked | Forbidden | GateRefused | AlreadySo]] = {
    "locked": Locked,
    "forbidden": Forbidden,
    "refuse": GateRefused,
    "input": InputError,
    "already": AlreadySo,
}
"""By a finding's level, the gravest first: what is to be changed in the cluster comes before what another option mends."""

Made = TypeVar("Made")


def refusal(findings: Iterable[Finding], errors: Sequence[InputError] = ()) -> DeliverError | None:
    """None when nothing forbids it. errors: what could not even be planned; one that is alone is raised as it is."""
    found = [finding for finding in findings if finding.level in ERRORS]
    if not found and len(errors) == 1:
        return errors[0]
    unplanned = [Finding("plan", "input", f"{error.what}: {error.why}" if error.why else error.what, error.hint) for error in errors]
    causes = sorted([*found, *unplanned], key=lambda cause: list(ERRORS).index(cause.level))
    if not causes:
        return None
    first, *others = causes
    also = "; ".join(f"{cause.message} ({cause.hint})" if cause.hint else cause.message for cause in others)
    return ERRORS[first.level](first.message, why=f"also: {also}" if also else "", state="nothing was changed", hint=first.hint)


def collected(errors: list[InputError], make: Callable[[], Made]) -> Made | None:
    """What `make` gives; None when it is refused, and why is added to `errors`."""
    try:
        return make()
    except InputError as error:
        errors.append(error)
        return None
