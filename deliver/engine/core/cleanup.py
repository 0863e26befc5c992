"""What goes at the end of every release: the pins of Services, the preview Service, the floor of the autoscaler."""

from deliver.engine.core.decision import Decision, act, wait
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.journal import Event, Result
from deliver.model.observation import Observation
from deliver.model.plan import ORIGINAL
from deliver.model.release import Release

GARBAGE_COLLECTION = 10.0  # seconds that the cluster's garbage collector is given


CLOSE_TRIES = 3  # tries to close a preview Service: no users are on it, and a rollback never waits for it


def ensure_released(release: Release, seen: Observation, now: float) -> Decision | None:
    """None once Services and autoscaler are what they were, and nothing of the candidate is left that they could lead to."""
    if seen.strays:
        return wait(release, now)  # the original selector would lead to them
    if not seen.route.shows(ORIGINAL) or seen.route.marked:
        return act(release, now, Verb.RESTORE_ROUTE, "the original selectors")
    if seen.preview and seen.preview.there and (seen.preview.marked or seen.preview.foreign) and not preview_left_open(release):
        if now < (collected := _gone(release) + GARBAGE_COLLECTION):
            return wait(release, now, collected)
        if _failures(release, Verb.CLOSE_PREVIEW) < CLOSE_TRIES:
            return act(release, now, Verb.CLOSE_PREVIEW, "nobody is to be led to the candidate any more")
        return Decision(release.noted(now, Event.PREVIEW_LEFT_OPEN), None, now)
    scaler, before = seen.autoscaler, release.snapshot.autoscaler
    if scaler and before and (scaler.minimum != before.minimum or scaler.fence):
        return act(release, now, Verb.RELEASE_AUTOSCALER, "minReplicas as before")
    return None


def preview_left_open(release: Release) -> bool:
    """The preview Service could not be closed, and that is said."""
    return journal.happened(release.journal, Event.PREVIEW_LEFT_OPEN, release.resumed)


def _gone(release: Release) -> float:
    """When the owner of a preview Service that we made was deleted, unix seconds: the cluster deletes the Service itself."""
    done = (entry.at for entry in journal.done(release.journal, Verb.DELETE_CANDIDATE))
    return max(done, default=0.0) if release.plan.preview_made else 0.0


def _failures(release: Release, verb: Verb) -> int:
    return sum(entry.result is not Result.DONE for entry in journal.outcomes(release.journal, verb, release.resumed))
