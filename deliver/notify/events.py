"""Which changes of a release are sent to notifiers: its start, steps, holds, rollback and end, and no single poll."""

from deliver.model.release import Direction, Outcome, Phase, Release

ENDS = {
    Outcome.PROMOTED: "promoted",
    Outcome.ROLLED_BACK: "rolled-back",
    Outcome.HELD: "held",
    Outcome.ROLLBACK_FAILED: "rollback-failed",
}


def event_of(release: Release) -> str:
    """What it is up to, as one of deliver.plugins.notifiers.EVENTS; a change of it is news."""
    if release.outcome is not None:
        return ENDS[release.outcome]
    if release.course is Direction.ROLLING_BACK:
        return "rolling-back"
    if release.phase in (Phase.WAITING, Phase.PAUSED):
        return "waiting"
    return "started" if release.step == 0 and not release.exposed else "step"


def key_of(release: Release) -> tuple[str, str, int]:
    """The same news twice is none: (release, event, step)."""
    event = event_of(release)
    return release.id, event, release.step if event in ("step", "waiting") else 0


def text_of(release: Release) -> str:
    """`shop/web web-20261125-1: rolled back: errors: candidate 12.4 %, limit 1 %`."""
    what = {
        "started": f"{release.spec.strategy} started by {release.actor}",
        "step": f"step {release.step + 1} of {len(release.plan.steps)}, {release.current.name}",
        "waiting": f"waits for a person after {release.current.name}",
        "rolling-back": f"rolling back: {release.reason}",
        "promoted": "promoted",
        "rolled-back": f"rolled back: {release.reason}",
        "held": f"held: {release.reason}",
        "rollback-failed": f"ROLLBACK FAILED: {release.reason}",
    }[event_of(release)]
    return f"{release.spec.target} {release.id}: {what}"
