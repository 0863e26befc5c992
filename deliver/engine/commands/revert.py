"""The parts of `deliver rollback`: the first move, and going back after a promotion."""

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.commands.recover import recover_release
from deliver.engine.commands.revert_flag import REVERTS, named_deployment, recover_flag_release
from deliver.engine.preflight.deployment import find_autoscaler
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lock
from deliver.engine.runtime.pod_facts import arm, pod_seen
from deliver.engine.runtime.record_store import Record, with_number
from deliver.engine.runtime.reporter import Reporter
from deliver.model.action import UNLOCKED, Action, Verb
from deliver.model.errors import ClusterError, InputError, Superseded
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.names import HASH
from deliver.model.plan import Exposure, Plan, Side, Step
from deliver.model.release import Direction, Outcome, Release, digest_of, done_already, new_release
from deliver.model.spec import ReleaseSpec, Target
from deliver.plugins.checked_router import CheckedRouter

FENCED_WITHIN = 1.0  # seconds for each of two calls that come before the users are led home


def live_or_recovered(cluster: Cluster, target: Target, record: Record, *, actor: str, now: float) -> Release | None:
    """The release to take back; None when nothing is under way."""
    release = record.release
    if release is not None and release.outcome not in (Outcome.PROMOTED, Outcome.ROLLED_BACK):
        return release
    if release is not None and not record.problem:
        return None
    return recover_release(cluster, target, actor=actor, now=now) or recover_flag_release(cluster, target, actor=actor, now=now)


def first_move(
    cluster: Cluster, router: CheckedRouter, lease: Lock, release: Release, fence: int, reporter: Reporter
) -> Callable[[Release, float], Release]:
    """Pin the Services to the stable pods before anything else, lock and journal included, when those pods can take the traffic.

    Answers with what writes it into the journal. Where it cannot be done here, the driver's way back does it in its own order.
    """
    home = Exposure(Side.STABLE, release.snapshot.hash)
    if not home.hash:
        return lambda record, now: record
    try:
        pin(cluster, router, lease, release, fence)
    except (ClusterError, Superseded) as error:
        reporter.note(f"{error.what}; going on under the lock")
        return lambda record, now: record
    reporter.note("the Services lead to the stable pods; verifying")

    return lambda record, now: done_already(record, now, Action(Verb.ROUTE, UNLOCKED, exposure=home))


def pin(cluster: Cluster, router: CheckedRouter, lease: Lock, release: Release, fence: int) -> None:
    """Lead the users to the stable pods, under our fence alone. Raises ClusterError or Superseded.

    From the last step on the Deployment gets the fence first: a driver that is about to write the new template over it would
    take away the pods that the users are being led to, and nothing would stop that while this process hangs without the lock.
    Whether the Deployment can be written to does not decide, and holds the users up no longer than FENCED_WITHIN.
    """
    namespace, home = release.spec.target.namespace, Exposure(Side.STABLE, release.snapshot.hash)
    if release.last_step:
        with suppress(ClusterError, Superseded):
            fenced = GuardedWriter(cluster, namespace, lease, fence, urgent=lambda: None)
            fenced.stamp("deployments", release.spec.target.deployment, deadline=FENCED_WITHIN)
    write = GuardedWriter(cluster, namespace, lease, fence, urgent=partial(require_capacity, cluster, release))
    router.set_route(write, replace(release, course=Direction.ROLLING_BACK), home)


def require_capacity(cluster: Cluster, release: Release) -> None:
    """Raises ClusterError when the pods of before are too few, or will not be for long."""
    found = cluster.list("pods", release.spec.target.namespace, selector=f"{HASH}={release.snapshot.hash}")
    ready = sum(pod_seen(pod).ready for pod in found if not pod["metadata"].get("deletionTimestamp"))
    if ready < math.ceil(release.snapshot.replicas / 2):
        raise ClusterError(f"the stable side has {ready} of {release.snapshot.replicas} pods ready: it needs its pods first")
    if rolling_away(cluster, release):
        raise ClusterError("the stable side is rolling away to another version: that is stopped first")


def rolling_away(cluster: Cluster, release: Release) -> bool:
    """The Deployment is on its way to another version: pods of before that are ready now will not be for long."""
    try:
        spec = cluster.get("deployments", release.spec.target.namespace, release.spec.target.deployment)["spec"]
    except ClusterError:
        return False
    return digest_of(spec["template"]) != release.snapshot.digest and not spec.get("paused")


def require_no_release(live: Release | None, target: Target) -> None:
    """The version under a release cannot change before it is taken back. Raises InputError."""
    if live is not None:
        hint = f"`deliver rollback {target.deployment} -n {target.namespace}` first, then again with --to"
        raise InputError(
            f"release {live.id} of {target} is under way", why="it has to be taken back before the version under it can change", hint=hint
        )


def revert(cluster: Cluster, target: Target, record: Record, to: str, *, actor: str, why: str, now: float) -> Release:
    """Going back after a promotion: the named Deployment gets the template of before, and rolls by its own strategy. Raises InputError."""
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
    stable = arm(deployment, cluster.list("replicasets", target.namespace), (), source.snapshot.container)
    image = next(one["image"] for one in template["spec"]["containers"] if one["name"] == source.snapshot.container)
    scaler, _ = find_autoscaler(cluster, target)
    before = replace(  # the Services lead to the Deployment alone already: none takes part. The autoscaler is as it is today
        source.snapshot,
        template=template,
        digest=digest,
        image=image,
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
        if not releases or releases[0].outcome is not Outcome.PROMOTED:
            raise InputError(
                f"nothing of {target} can be rolled back",
                why="no release is under way, and the newest one was not a promotion",
                hint=f"`deliver history {target.deployment} -n {target.namespace}`, then `deliver rollback --to N`",
            )
        newest = promoted[0]
        return newest, dict(newest.snapshot.template), f"{newest.snapshot.image} (before release {newest.number})"
    wanted = next((release for release in promoted if to in (str(release.number), release.id)), None)
    if wanted is None:
        have = ", ".join(f"{release.number} ({release.spec.image})" for release in promoted) or "none"
        raise InputError(
            f"no promoted release `{to}` in the history of {target}", why=f"promoted: {have}", hint="give a number of `deliver history`"
        )
    return wanted, wanted.new_template, f"{wanted.spec.image} (release {wanted.number})"
