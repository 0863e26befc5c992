"""Metrics that nobody named, at too little traffic: they hold nothing up for ever, that is said once, and they may end a release still."""

from math import inf

from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.release import Release
from deliver.model.verdict import CheckResult, TooFewRequests, Verdict


def awaits_samples(release: Release, now: float, until: float) -> bool:
    """Whether the end of this bake waits for a metric that is open: its first samples may still come, or enough of them until `until`."""
    return any(
        now < check.awaits or (now < until and _judged_by(check.few, now, until)) for check in release.checks if check.few and _open(check)
    )


def in_reach(check: CheckResult, now: float, until: float) -> bool:
    """With the requests that come until then, at the rate of this step, it could be proved."""
    few = check.few
    return few is None or few.rests + few.rate * (until - now) >= few.needed


def _judged_by(few: TooFewRequests, now: float, until: float) -> bool:
    """Enough to be judged, at the least, at the rate of this step."""
    return few.counted < few.least <= few.counted + few.rate * (until - now)


def note_unjudged(release: Release, now: float, *, proof: bool) -> Release:
    """What this step was not judged by, for the record, and one sentence the first time. proof: this step asks for it."""
    without = [check for check in release.checks if excused(release, check) and (_open(check) or (proof and check.proved is False))]
    for check in without:
        if check.few and check.name not in release.unproved:
            numbers = _numbers(check.few, max(round(now - release.bake_since), 1))
            release = release.noted(now, Event.FEW_REQUESTS, subject=check.name, numbers=numbers)
    return replace(release, unproved=tuple(check.name for check in without))


def excused(release: Release, check: CheckResult) -> bool:
    """Its proof is not missed: it has too few requests for it, or fewer than what was told to ask for one, whatever the estimate is now."""
    told = [entry.numbers.get("owed", 0) for entry in release.journal if entry.event is Event.FEW_REQUESTS and entry.subject == check.name]
    return check.few is not None or check.evidence.numbers.get("candidate_total", inf) < max(told, default=0)


def _numbers(few: TooFewRequests, seconds: int) -> dict[str, float]:
    """needed: 0 where the stable side is what is missing."""
    comparable = few.rate or few.counted < few.least
    numbers: dict[str, float] = {"requests": few.counted, "needed": few.needed if comparable else 0, "seconds": seconds}
    return numbers | ({"owed": few.owed} if few.owed else {})


def _open(check: CheckResult) -> bool:
    return check.verdict is Verdict.BLIND
