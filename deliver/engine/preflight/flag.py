"""Before a flag release: what the flag is, what the plan would be, and what forbids it. Reads only."""

from collections.abc import Sequence
from typing import Any

from deliver.cluster.port import Cluster, Watch
from deliver.engine.core.flag_state import EXACT
from deliver.engine.preflight.deployment import Proposal, find_deployment, leftovers, rights, snapshot
from deliver.engine.preflight.findings import duration_findings, template_findings, unjudged_findings
from deliver.engine.preflight.places import container_of
from deliver.engine.runtime.flag_client import FlagClient, FlagClientFactory
from deliver.engine.runtime.flag_undo import parse_flag_undo_note
from deliver.engine.runtime.observer import SnapshotFeed, label_selector
from deliver.engine.runtime.pod_facts import arm
from deliver.engine.runtime.record_store import Record, parse, with_number
from deliver.formatting.durations import words
from deliver.model.errors import ClusterError, Forbidden, InputError
from deliver.model.frozen import replace
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen, FlagState
from deliver.model.plan import FlagPlan, Plan
from deliver.model.release import Outcome, Release, new_release
from deliver.model.spec import Facts, PluginSpec, ReleaseSpec, Target
from deliver.plugins.interfaces import Finding, Strategy
from deliver.plugins.validation import checked_plan

NO_ROUTER = PluginSpec("none")
RIGHTS = (("patch", "deployments"), ("patch", "configmaps"), ("patch", "leases"))
OURS = "app.kubernetes.io/managed-by=deliver"


def propose(
    cluster: Cluster,
    spec: ReleaseSpec,
    options: Any,
    strategy: Strategy,
    record: Record,
    flag_clients: FlagClientFactory,
    *,
    actor: str,
    now: float,
) -> Proposal:
    """Raises InputError for what does not exist or makes no sense; what is there but must not be released is a finding."""
    deployment = find_deployment(cluster, spec.target)
    names = [one["name"] for one in deployment["spec"]["template"]["spec"]["containers"]]
    container = container_of(deployment, spec.container or names[0])
    look = SnapshotFeed(cluster, spec.target.namespace, [Watch(kind, label_selector(deployment)) for kind in ("pods", "replicasets")])
    stable = arm(deployment, look.list("replicasets"), look.list("pods"), (container,))
    plan = checked_plan(strategy, options, Facts(spec.target, max(1, stable.desired)))
    if plan.flag is None:
        raise InputError(f"strategy `{plan.strategy}` plans for users, and names no flag", hint="its author must set `flag` in the plan")
    flag_client = flag_clients(cluster, spec.target.namespace, plan.flag)
    state = _read(flag_client, plan.flag)
    seconds = sum(step.bake + 1.0 for step in plan.steps)
    findings = [
        *empty(stable),
        *serving(plan, state),
        *switched_off(plan, state),
        *coarse(plan, flag_client),
        *flag_client.backend.check(plan.flag.flag, deployment, look.list("pods")),
        *template_findings(deployment),
        *unjudged_findings(spec),
        *duration_findings(spec, plan, seconds),
        *occupied(cluster, spec.target, plan.flag, deployment, record),
        *leftovers(cluster, spec, record),
        *rights(cluster, spec.target.namespace, RIGHTS),
    ]
    before = replace(snapshot(deployment, stable, (container,)), flag=state)
    release = new_release(replace(spec, image=stable.image, router=NO_ROUTER), plan, before, actor, now)
    findings += [Finding("weight", "info", note) for note in plan.notes]
    exposure = ", then ".join(f"{step.weight:g} % of users for {words(step.bake)}" for step in plan.steps)
    return Proposal(with_number(release, record, now), tuple(findings), patches(plan, spec.target, state), seconds, exposure, stable.pods)


def _read(flag_client: FlagClient, plan: FlagPlan) -> FlagState:
    """Raises InputError for what is not there, and what the back end says otherwise."""
    try:
        return flag_client.read()
    except Forbidden:
        raise
    except ClusterError as error:
        if error.status in (400, 404, 422):
            raise InputError(f"flag `{plan.flag}` cannot be released: {error.what}", why=error.why, hint=error.hint) from None
        raise


def empty(stable: ArmSeen) -> list[Finding]:
    if stable.desired:
        return []
    hint = "there is nobody to judge it by; name the Deployment whose pods serve these users"
    return [Finding("no-replicas", "refuse", f"Deployment {stable.deployment} is scaled to 0", hint)]


def serving(plan: Plan, state: FlagState) -> list[Finding]:
    """A release begins where nobody has the treatment, so that what stood before is what is safe."""
    flag = plan.flag.flag if plan.flag else ""
    if state.percent is None:
        text = f"flag `{flag}` has no such thing as a percentage: {state.why}"
        return [Finding("complex-flag", "input", text, "make it one rule with a share of users, or release it in your flag system")]
    if state.percent >= 100 - EXACT:
        return [Finding("released", "already", f"flag `{flag}` serves 100 % already", "there is nothing to release")]
    if state.percent > EXACT:
        text = f"flag `{flag}` serves {state.percent:g} % already, and no release of ours did that"
        hint = "set it to 0 % first: what stood before a release is what a rollback puts back"
        return [Finding("serving", "refuse", text, hint)]
    return []


def switched_off(plan: Plan, state: FlagState) -> list[Finding]:
    """No release switches a flag on: somebody has switched it off, and what it serves beneath would come to light."""
    if not state.off or state.percent is None:
        return []
    text = f"flag `{plan.flag.flag if plan.flag else ''}` gives the treatment to nobody, whatever its share: {state.off}"
    return [Finding("off", "refuse", text, "set its share to 0 % and switch it on in your flag system")]


def coarse(plan: Plan, flag_client: FlagClient) -> list[Finding]:
    step = flag_client.backend.capabilities.step
    bad = [one.weight for one in plan.steps if abs(one.weight / step - round(one.weight / step)) > EXACT]
    if not bad:
        return []
    text = f"{flag_client.backend.name} serves shares in steps of {step:g} %: {bad[0]:g} cannot be had"
    return [Finding("granularity", "input", text, "choose another weight")]


def occupied(cluster: Cluster, target: Target, plan: FlagPlan, deployment: Object, record: Record) -> list[Finding]:
    """Two releases of one flag, also by way of two Deployments, would each take the other's work for a stranger's."""
    found = []
    note = parse_flag_undo_note(deployment)
    if note and (record.release is None or record.release.id != note[0]):
        where = f"{target.deployment} -n {target.namespace}"
        text = f"Deployment {target.deployment} carries the note of release {note[0]}, which no record knows"
        found.append(Finding("leftover", "refuse", text, f"`deliver rollback {where}` works from the note alone and clears it"))
    for other in _live(cluster, target.namespace):
        same = other.plan.flag and (other.plan.flag.flag, other.plan.flag.backend) == (plan.flag, plan.backend)
        if same and other.spec.target.deployment != target.deployment:
            where = f"{other.spec.target.deployment} -n {target.namespace}"
            state = other.outcome.value if other.outcome else "under way"
            text = f"flag `{plan.flag}` is in release {other.id} of {other.spec.target}, which is {state}"
            found.append(Finding("occupied", "locked", text, f"`deliver status {where}`"))
    return found


def _live(cluster: Cluster, namespace: str) -> Sequence[Release]:
    try:
        records = [parse(one).release for one in cluster.list("configmaps", namespace, selector=OURS)]
    except ClusterError:
        return ()  # may not be listed: the flag's own mark is what is left to tell
    return [one for one in records if one and one.outcome not in (Outcome.PROMOTED, Outcome.ROLLED_BACK)]


def patches(plan: Plan, target: Target, state: FlagState) -> tuple[str, ...]:
    """What will be written, in order, for a person to read beforehand."""
    assert plan.flag is not None  # a flag release's plan
    name = f"Flag {plan.flag.flag} ({plan.flag.backend.kind})"
    treatment = f" `{state.treatment}`" if state.treatment else ""
    lines = [f"Deployment {target.deployment}: a note in metadata.annotations that undoes the release (no pod restarts)"]
    lines += [f"{name}: treatment{treatment} to {step.weight:g} % of users" for step in plan.steps]
    return (*lines, f"Deployment {target.deployment}: the note removed")
