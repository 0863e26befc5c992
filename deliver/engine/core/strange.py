"""Pods of others that users of the release's Services reach while it runs: named, warned of and waited for, and nobody's fault."""

from deliver.engine.core.decision import Decision, hold
from deliver.model import journal
from deliver.model.journal import Event
from deliver.model.observation import Observation
from deliver.model.release import Release


def note_strangers(release: Release, seen: Observation, now: float) -> Release:
    """A warning, once for each driver: Jobs come and go."""
    if not seen.route.strangers or journal.happened(release.journal, Event.STRANGERS, release.resumed):
        return release
    return release.noted(now, Event.STRANGERS, reason=seen.route.strangers_text)


def held_for_strangers(release: Release, seen: Observation, now: float, late: str) -> Decision | None:
    """Where the exposure that was wanted cannot be had or seen while they are there, a person decides. late: what was waited for."""
    if not seen.route.strangers:
        return None
    told = seen.route.strangers_text
    detail = "" if seen.route.detail in ("", told) else f"{seen.route.detail}; "
    return Decision(hold(release, f"{late}: {detail}{told}; `deliver resume` goes on once that is over", now), None, now)
