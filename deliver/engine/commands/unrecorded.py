"""A rollback where no record has a version to go back to: what kubectl knows of the versions before."""

from deliver.cluster.port import Cluster
from deliver.engine.runtime.pod_facts import owner
from deliver.engine.runtime.record_store import Record
from deliver.model.errors import ClusterError, InputError
from deliver.model.names import REVISION
from deliver.model.objects import Object
from deliver.model.release import Outcome
from deliver.model.spec import Target


def nothing_to_roll_back(cluster: Cluster, target: Target, record: Record) -> InputError:
    """The error to raise: why no release of ours can be taken back, and the way that works."""
    where = f"{target.deployment} -n {target.namespace}"
    newest = record.releases[0] if record.releases else None
    if newest is None:
        why = f"no release of it is recorded: what changed {target.deployment} was not deliver"
    else:
        why = f"the newest release of it, {newest.id} of {newest.spec.image or newest.snapshot.image}, is taken back already"
    promoted = [one for one in record.releases if one.outcome is Outcome.PROMOTED]
    hint = f"`deliver history {where}`, then `deliver rollback {where} --to N`" if promoted else undo_hint(cluster, target)
    return InputError(f"nothing of {target} can be rolled back", why=why, state="nothing was changed", hint=hint)


def undo_hint(cluster: Cluster, target: Target) -> str:
    """The Deployment's own history, as the command that goes back in it. Never raises."""
    where = f"deployment/{target.deployment} -n {target.namespace}"
    try:
        before = _revision_before(cluster, target)
    except ClusterError:
        return f"`kubectl rollout history {where}` lists its versions, `kubectl rollout undo {where}` goes back to the one before"
    if before is None:
        return "there is no other version of it in the cluster either: apply the one you want"
    revision, images = before
    return f"`kubectl rollout undo {where}` goes back to revision {revision} ({images})"


def _revision_before(cluster: Cluster, target: Target) -> tuple[int, str] | None:
    """(its number, its images) of the newest ReplicaSet beside the present one."""
    deployment = cluster.get("deployments", target.namespace, target.deployment)
    now = _revision(deployment)
    sets = [one for one in cluster.list("replicasets", target.namespace) if owner(one) == deployment["metadata"]["uid"]]
    earlier = sorted((one for one in sets if 0 < _revision(one) < now), key=_revision)
    return (_revision(earlier[-1]), _images(earlier[-1])) if earlier else None


def _revision(one: Object) -> int:
    noted = str((one["metadata"].get("annotations") or {}).get(REVISION, ""))
    return int(noted) if noted.isdecimal() else 0


def _images(one: Object) -> str:
    return ", ".join(str(container.get("image", "")) for container in one["spec"]["template"]["spec"]["containers"])
