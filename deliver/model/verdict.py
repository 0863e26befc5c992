"""Verdicts and the evidence they stand on."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """Blind is never a pass: exposure rises on PASS alone."""

    PASS = "PASS"
    FAIL = "FAIL"
    BLIND = "BLIND"


@dataclass(frozen=True)
class Evidence:
    """What one verdict rests on; `explain` prints it as it is."""

    query: str = ""  # query or address as it was sent
    at: float = 0.0  # unix seconds
    numbers: dict[str, float] = field(default_factory=dict)  # e.g. candidate_bad 3, candidate_total 120
    samples: tuple[str, ...] = ()  # raw lines worth keeping, the newest last, free of secrets


@dataclass(frozen=True)
class TooFewRequests:
    """Why a metric that nobody named holds nothing up: the candidate has had too few requests, and they do not speak against it."""

    needed: int  # requests of the candidate over the release with which every second one like stable is proved to be no worse
    counted: int  # its requests in this step
    least: int = 0  # requests from which on it is judged
    rests: int = 0  # its requests so far that a proof may rest on
    rate: float = 0.0  # of these, a second; 0 while there is nothing to compare with
    owed: int = 0  # requests from which on proof is missed: nearly every good candidate has it by then; 0 where none is asked for


@dataclass(frozen=True)
class CheckResult:
    """One check's verdict at one moment."""

    name: str
    kind: str  # "metric", "health", "service", "traffic" or "pods"
    verdict: Verdict
    why: str = ""  # one sentence for a person
    candidate: float | None = None  # in `unit`
    stable: float | None = None  # in `unit`
    limit: float | None = None  # in `unit`
    unit: str = ""  # "%" of requests, 0..100; "" for a free query
    samples: int = 0  # requests of the candidate (or probes) that the verdict rests on
    evidence: Evidence = field(default_factory=Evidence)
    proved: bool | None = None  # the candidate was shown to be no worse; None where no proof is asked for
    leans: bool = False  # BLIND because the data speak against the candidate and it is not settled
    seen_to: float = 0.0  # unix seconds by our clock: the candidate's samples speak until then; 0 = no samples
    awaits: float = 0.0  # unix seconds by our clock: before, samples of this step cannot be there; 0 = not known
    few: TooFewRequests | None = None  # why it holds nothing up; None if it may


def binding(results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """Those whose verdict a release waits for. What has had too few requests, and need not be judged, may only end it."""
    return tuple(result for result in results if result.few is None or result.verdict is Verdict.FAIL)


def combined(results: tuple[CheckResult, ...]) -> Verdict:
    """One verdict of many: any FAIL fails; else any BLIND blinds; else PASS (no check at all is a PASS of the pods alone)."""
    verdicts = {result.verdict for result in results}
    for verdict in (Verdict.FAIL, Verdict.BLIND):
        if verdict in verdicts:
            return verdict
    return Verdict.PASS
