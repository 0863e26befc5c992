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
    """What was looked at for one verdict: `explain` prints it as it stands.

    query: the query or address as it was sent. at: unix seconds. numbers: name -> value, e.g. candidate_bad 3, candidate_total 120.
    samples: raw lines worth keeping (newest last), already free of secrets.
    """

    query: str = ""
    at: float = 0.0
    numbers: dict[str, float] = field(default_factory=dict)
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class TooFewRequests:
    """A metric that nobody named is open for one reason: the candidate has had too few requests, and they do not speak against it.

    needed: candidate requests of the release with which one that is like stable is shown to be no worse. rests: those that a proof may
    rest on so far, rate: a second; 0 while there is nothing to compare them with. counted: requests of this step, least: with which it
    is judged.
    """

    needed: int
    counted: int
    least: int = 0
    rests: int = 0
    rate: float = 0.0


@dataclass(frozen=True)
class CheckResult:
    """One check's verdict at one moment.

    kind: "metric", "health" or "pods". why: one sentence for a person. candidate, stable, limit: in `unit`
    ("%" of requests for shares, "" for a free query). samples: candidate requests (or probes) it rests on. proved: whether the
    candidate has been shown to be no worse, None where nobody asks for that. leans: BLIND because what is seen speaks against the
    candidate and is not settled. seen_to: until when the candidate's samples tell of it, unix seconds by our clock, 0 = it rests on no
    samples. awaits: until when samples that were taken in this step cannot be there yet, 0 = not known. few: why it holds
    nothing up, None where it can.
    """

    name: str
    kind: str
    verdict: Verdict
    why: str = ""
    candidate: float | None = None
    stable: float | None = None
    limit: float | None = None
    unit: str = ""
    samples: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    proved: bool | None = None
    leans: bool = False
    seen_to: float = 0.0
    awaits: float = 0.0
    few: TooFewRequests | None = None


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
