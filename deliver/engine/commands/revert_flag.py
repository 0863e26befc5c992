"""`deliver rollback` of a flag release: going back after a promotion, and a record that is lost."""

from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.preflight.deployment import snapshot as snapshot_of
from deliver.engine.preflight.flag import NO_ROUTER
from deliver.engine.runtime.flag_undo import parse_flag_undo_note
from deliver.engine.runtime.pod_facts import arm
from deliver.engine.runtime.record_store import Record, with_number
from deliver.model.errors import InputError, NotFound
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.names import fence_of
from deliver.model.objects import Object
from deliver.model.plan import FlagPlan, Plan, Side, Step
from deliver.model.release import Direction, Outcome, Phase, Release, ReleaseKind, new_release
from deliver.model.spec import ReleaseSpec, Target

REVERTS: dict[str, Any] = {"kind": ReleaseKind.REVERT, "course": Direction.ROLLING_BACK, "phase": Phase.ROLLING_BACK}


def promoted_flag(record: Record) -> Release | None:
    """The newest release, when it is a flag that was promoted: then that is what a rollback takes back."""
    newest = record.releases[0] if record.releases else None
    return newest if newest and newest.plan.flag and newest.outcome is Outcome.PROMOTED else None


def revert(cluster: Cluster, source: Release, record: Record, to: str, *, actor: str, why: str, now: float) -> Release:
    """Going back after a promotion: the safe variant to everyone, then the flag as it stood before. Raises InputError."""
    target = source.spec.target
    if to and to not in (str(source.number), source.id):
        raise InputError(
            f"release `{to}` cannot be gone back to over the promotion of a flag",
            why=f"the newest release, {source.id}, is of flag {source.plan.flag.flag if source.plan.flag else ''}",
            hint=f"`deliver rollback {target.deployment} -n {target.namespace}` takes the flag back first",
        )
    deployment = named_deployment(cluster, target)
    stable = arm(deployment, (), (), source.snapshot.containers)
    before = replace(
        source.snapshot, uid=stable.uid, template=deployment["spec"]["template"], digest=stable.template, replicas=stable.desired
    )
    more = {"reason": f"{why}; back to before {source.id}", "ended_by": actor, "flag_revision": source.flag_revision}
    release = new_release(replace(source.spec, strategy="rollback"), _plan(source.plan.flag), before, actor, now, **REVERTS, **more)
    return with_number(replace(release, exposed=True), record, now).noted(now, Event.STARTED, actor=actor)


def named_deployment(cluster: Cluster, target: Target) -> Object:
    """Raises InputError."""
    try:
        return cluster.get("deployments", target.namespace, target.deployment)
    except NotFound:
        raise InputError(f"Deployment `{target.deployment}` does not exist in namespace `{target.namespace}`") from None


def recover_flag_release(cluster: Cluster, target: Target, *, actor: str, now: float) -> Release | None:
    """Out of the note on the Deployment, when the record is lost or cannot be trusted; None without one."""
    try:
        deployment = cluster.get("deployments", target.namespace, target.deployment)
    except NotFound:
        return None
    note = parse_flag_undo_note(deployment)
    if note is None:
        return None
    id, plan, before = note
    container = deployment["spec"]["template"]["spec"]["containers"][0]["name"]
    stable = arm(deployment, (), (), (container,))
    snapshot = replace(snapshot_of(deployment, stable, (container,)), flag=before)
    spec = ReleaseSpec(target=target, image=stable.image, strategy="rollback", container=container, router=NO_ROUTER)
    found = new_release(spec, _plan(plan), snapshot, "", now, id=id, kind=ReleaseKind.REVERT, exposed=True, fence=fence_of(deployment))
    return found.noted(now, Event.RECOVERED, actor=actor)


def _plan(flag: FlagPlan | None) -> Plan:
    return Plan("rollback", (Step("rollback", 0.0, Side.BOTH, candidate_pods=0, stable_pods=0),), flag=flag)
