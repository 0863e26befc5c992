"""What ends the way forward of any release: failed checks turn it back, time that ran out holds it, missing metrics as asked."""

from dataclasses import dataclass

from deliver.model.observation import ArmSeen, Observation
from deliver.model.release import Phase, Release
from deliver.model.verdict import Verdict, binding, combined


@dataclass(frozen=True)
class Fail:
    reason: str


@dataclass(frozen=True)
class Hold:
    reason: str
    timed_out: bool = False


def failed_checks(release: Release, seen: Observation, now: float, *, may_hold: bool) -> Fail | Hold | None:
    """FAIL takes it back; BLIND has a budget and a policy."""
    if release.bake_since and not is_fresh(release, seen, now):
        failing = []
    else:
        failing = [check for check in seen.checks if check.verdict is Verdict.FAIL]
    if failing:
        return Fail(f"{failing[0].name}: {failing[0].why}")
    analysis = release.spec.analysis
    unseen = combined(binding(seen.checks)) is Verdict.BLIND or not is_fresh(release, seen, now)
    judged_from = max([release.blind_since, *(check.awaits for check in release.checks)])  # samples that cannot be there yet blind nobody
    watched = release.phase in (Phase.SHIFTING, Phase.BAKING, Phase.PAUSED, Phase.WAITING)
    if (watched or (release.phase is Phase.PREPARING and unseen)) and release.blind_since and now - judged_from >= analysis.max_blind:
        blinds = sorted((check for check in binding(release.checks) if check.verdict is Verdict.BLIND), key=lambda check: not check.leans)
        cause = f"{blinds[0].name}: {blinds[0].why}" if blinds else "the checks have not answered"
        reason = f"could not be judged for {now - release.blind_since:.0f} s ({cause})"
        return Hold(reason) if may_hold and analysis.on_blind != "rollback" else Fail(reason)
    return None


def is_fresh(release: Release, seen: Observation, now: float) -> bool:
    """Verdicts are of this bake, and young."""
    return seen.checked_at >= release.bake_since and now - seen.checked_at <= 3 * release.spec.analysis.poll + 15


def any_leaning(release: Release) -> bool:
    """Some check speaks against the candidate and is not settled."""
    return any(check.leans for check in release.checks)


def all_pass(release: Release) -> bool:
    """Every check passes at present."""
    return combined(release.checks) is Verdict.PASS


def leaning_text(release: Release) -> str:
    """The check that leans, as it says it."""
    return next((f"{check.name}: {check.why}" for check in release.checks if check.leans), "nothing leans")


def out_of_time(release: Release, now: float, *, may_hold: bool) -> Fail | Hold | None:
    began = max(release.started, release.resumed)
    if now - began > release.spec.limits.total:
        reason = f"not done within {release.spec.limits.total:.0f} s (`limits.total`)"
        return Hold(reason, timed_out=True) if may_hold else Fail(f"{reason}, and {leaning_text(release)}")
    return None


def lost_deployment(release: Release, found: ArmSeen | None) -> Hold:
    """found: what stands in the place of the Deployment that stood before the release."""
    return Hold(f"Deployment {release.spec.target.deployment} was deleted{' and made again' if found else ''}")
