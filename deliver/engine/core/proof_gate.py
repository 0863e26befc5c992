"""Metrics that are judged by evidence can show that the candidate is no worse: before all users follow, that is asked for."""

from deliver.engine.core import few_requests
from deliver.engine.core.decision import Decision, enter_phase, hold, turn_back, wait
from deliver.formatting.durations import words
from deliver.model import journal
from deliver.model.journal import Event
from deliver.model.release import Phase, Release
from deliver.model.verdict import CheckResult

LOOKS = 10  # polls that are waited for proof at the least, however short the bake
BAKES = 3.0  # bakes that proof is waited for, where `max_bake` does not say how long


def bake_ends_at(release: Release) -> float:
    """When the bake is over, unix seconds: early with proof alone, never because time is short."""
    step, asked = release.current, _asked(release)
    early = step.min_bake and asked and all(check.proved for check in asked)
    return release.bake_since + (step.min_bake if early else step.bake)


def bake_limit(release: Release) -> float:
    """Seconds of a bake after which nothing is waited for any more that its metrics could still show."""
    step, late = release.current, _late(release)
    return late + step.max_bake if step.max_bake else max(BAKES * max(step.bake, late), LOOKS * release.spec.analysis.poll)


def _late(release: Release) -> float:
    """Seconds in which no samples of a bake can be there: slow scrapes, and a store that shows them late."""
    return max([0.0, *(check.awaits - release.bake_since for check in release.checks)])


def _within(release: Release) -> str:
    """The limit as the user set it, and what comes on top of it."""
    step, late = release.current, round(_late(release))
    if not step.max_bake:
        return f"{words(round(bake_limit(release)))} (`max_bake`)"
    return f"{words(step.max_bake)} (`max_bake`){f' and the {words(late)} that samples take' if late else ''}"


def ensure_proven(release: Release, now: float) -> Decision | None:
    """None when nothing has to be shown before the next step, or it was shown. Else it is waited for, and then the policy decides."""
    step, policy, limit = release.current, release.spec.analysis.inconclusive, bake_limit(release)
    until = release.bake_since + limit
    unproved = [check for check in _asked(release) if not check.proved and _owed(release, check, now, until)]
    if not unproved or not is_asked_for(release):
        return None
    text = f"{unproved[0].name}: not shown to be no worse within {_within(release)}: {unproved[0].why}"
    if now < until:
        release = enter_phase(release, Phase.BAKING, now, Event.BAKE_RESUMED)
        if not journal.happened(release.journal, Event.PROOF_AWAITED, release.bake_since):
            left = {"seconds": round(limit - step.bake)}
            release = release.noted(now, Event.PROOF_AWAITED, subject=unproved[0].name, numbers=left)
        return wait(release, now, until)
    if policy == "rollback":
        return Decision(turn_back(release, text, now), None, now)
    if policy == "hold":
        return Decision(hold(release, f"inconclusive: {text}", now), None, now)
    if journal.happened(release.journal, Event.INCONCLUSIVE, release.bake_since):
        return None
    return Decision(release.noted(now, Event.INCONCLUSIVE, reason=text), None, now)


def _asked(release: Release) -> list[CheckResult]:
    return [check for check in release.checks if check.proved is not None]


def _owed(release: Release, check: CheckResult, now: float, until: float) -> bool:
    """Of a metric that nobody named it is waited for while it can come, and not missed afterwards unless there were enough requests."""
    return not few_requests.excused(release, check) or (now < until and few_requests.in_reach(check, now, until))


def is_asked_for(release: Release) -> bool:
    """The next step has no users on the stable side any more, or there is none."""
    if release.last_step:
        return True
    return release.plan.steps[release.step + 1].endpoints >= 100 > release.current.endpoints > 0
