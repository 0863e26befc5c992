"""The parts of `deliver rollback`: which release it takes back, and going back after a promotion."""

from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.commands.recover import recover_release
from deliver.engine.commands.revert_flag import REVERTS, named_deployment, recover_flag_release
from deliver.engine.commands.unrecorded import nothing_to_roll_back
from deliver.engine.preflight.deployment import find_autoscaler
from deliver.engine.runtime.pod_facts import arm
from deliver.engine.runtime.record_store import Record, with_number
from deliver.model.errors import InputError
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.places import image_at, places_named
from deliver.model.plan import Plan, Side, Step
from deliver.model.release import Outcome, Release, digest_of, new_release
from deliver.model.spec import ReleaseSpec, Target


def live_or_recovered(cluster: Cluster, target: Target, record: Record, *, actor: str, now: float) -> Release | None:
    """The release to take back; None when nothing is under way."""
    release = record.release
    if release is not None and release.outcome not in (Outcome.PROMOTED, Outcome.ROLLED_BACK):
        return release
    if release is not None and not record.problem:
        return None
    return recover_release(cluster, target, actor=actor, now=now) or recover_flag_release(cluster, target, actor=actor, now=now)


def require_no_release(live: Release | None, target: Target) -> None:
    """The version under a release cannot change before it is taken back. Raises InputError."""
    if live is not None:
        hint = f"`deliver rollback {target.deployment} -n {target.namespace}` first, then again with --to"
        raise InputError(
            f"release {live.id} of {target} is under way", why="it has to be taken back before the version under it can change", hint=hint
        )


def revert(cluster: Cluster, target: Target, record: Record, to: str, *, actor: str, why: str, now: float) -> Release:
    """Going back after a promotion: the named Deployment gets the template of before, and rolls by its own strategy. Raises InputError."""
    newest, whole = record.releases[0] if record.releases else None, record.release is not None or not record.lost
    if not to and whole and (newest is None or newest.outcome is not Outcome.PROMOTED):
        raise nothing_to_roll_back(cluster, target, record)
    source, template, said = choose_version(record, target, to)
    deployment = named_deployment(cluster, target)
    uid = deployment["metadata"]["uid"]
    if uid != source.snapshot.uid:
        raise InputError(
            f"Deployment {target.deployment} was made again since release {source.id}",
            why="its old template may not fit it",
            hint="apply the version you want with kubectl",
        )
    digest = digest_of(template)
    if digest_of(deployment["spec"]["template"]) == digest:
        raise InputError(f"{target} runs {said} already", hint="nothing to roll back; `deliver history` lists the versions")
    stable = arm(deployment, cluster.list("replicasets", target.namespace), (), source.snapshot.containers)
    image = image_at(template, source.snapshot.container)
    scaler, _ = find_autoscaler(cluster, target)
    before = replace(  # the Services lead to the Deployment alone already: none takes part. The autoscaler is as it is today
        source.snapshot,
        template=template,
        digest=digest,
        image=image,
        places=places_named(template, source.snapshot.containers),
        replicas=stable.desired,
        hash="",
        services=(),
        autoscaler=scaler,
        paused=deployment["spec"].get("paused"),
    )
    spec = ReleaseSpec(
        target=target,
        image=stable.image,
        strategy="rollback",
        container=source.snapshot.container,
        limits=source.spec.limits,
        history=source.spec.history,
    )
    plan = Plan("rollback", (Step("rollback", 0.0, Side.BOTH, candidate_pods=0, stable_pods=stable.desired),))
    release = new_release(spec, plan, before, actor, now, **REVERTS, reason=f"{why}; back to {said}", ended_by=actor)
    return with_number(release, record, now).noted(now, Event.STARTED, actor=actor)


def choose_version(record: Record, target: Target, to: str) -> tuple[Release, dict[str, Any], str]:
    """(the release it comes from, its template, words for it). Without `to`: what ran before the newest promotion."""
    releases = record.releases
    promoted = [release for release in releases if release.outcome is Outcome.PROMOTED]
    if not to:
        if record.lost and record.release is None:  # the newest release may be among those
            raise InputError(f"the history of {target} is not whole: {record.lost}", hint="`deliver rollback --to N` goes back to one")
        newest = promoted[0]
        return newest, dict(newest.snapshot.template), f"{newest.snapshot.image} (before release {newest.number})"
    wanted = next((release for release in promoted if to in (str(release.number), release.id)), None)
    if wanted is None:
        have = ", ".join(f"{release.number} ({release.spec.image})" for release in promoted) or "none"
        raise InputError(
            f"no promoted release `{to}` in the history of {target}", why=f"promoted: {have}", hint="give a number of `deliver history`"
        )
    return wanted, wanted.new_template, f"{wanted.spec.image} (release {wanted.number})"
