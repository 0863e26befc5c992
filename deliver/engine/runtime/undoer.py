"""Who undoes what the release did: the field manager that changed the field last, as the API server records it."""

from deliver.cluster.managed_fields import last_manager
from deliver.cluster.port import Feed
from deliver.model.action import Action, Verb
from deliver.model.names import MANAGER
from deliver.model.objects import Object
from deliver.model.release import Release

_FIELDS = {  # who takes `paused` out leaves no trace of that: a field that is gone has no manager
    Verb.SCALE_STABLE: "f:replicas",
    Verb.SCALE_CANDIDATE: "f:replicas",
    Verb.UPDATE_STABLE: "f:template",
    Verb.RESTORE_STABLE: "f:template",
    Verb.HOLD_AUTOSCALER: "f:minReplicas",
    Verb.RELEASE_AUTOSCALER: "f:minReplicas",
    Verb.ROUTE: "f:selector",
}


def undoer(feed: Feed, release: Release, action: Action) -> str:
    """Its name, "" when it is not known or was us."""
    field = _FIELDS.get(action.verb, "")
    named = {last_manager(obj, field) for obj in _objects(feed, release, action.verb) if obj is not None} if field else set()
    return ", ".join(sorted(named - {"", MANAGER}))


def _objects(feed: Feed, release: Release, verb: Verb) -> list[Object | None]:
    scaler = release.snapshot.autoscaler
    if verb is Verb.ROUTE:
        return [feed.get("services", one.name) for one in release.snapshot.services]
    if verb in (Verb.HOLD_AUTOSCALER, Verb.RELEASE_AUTOSCALER):
        return [feed.get("horizontalpodautoscalers", scaler.name)] if scaler else []
    return [feed.get("deployments", release.candidate if verb is Verb.SCALE_CANDIDATE else release.spec.target.deployment)]
