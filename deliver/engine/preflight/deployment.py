"""Before a release: what stands, what the plan would be, and what forbids it. Reads only."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.cluster.port import Cluster, Watch
from deliver.cluster.services import selects
from deliver.engine.preflight import planned_writes, preview, quota, rollout, twice
from deliver.engine.preflight.causes import collected, refusal
from deliver.engine.preflight.findings import (
    check_image,
    check_weights,
    deployment_findings,
    duration_findings,
    extra_pods,
    keda_findings,
    unjudged_findings,
)
from deliver.engine.preflight.places import containers_of, staying
from deliver.engine.preflight.rehearsal import rehearse
from deliver.engine.runtime.observer import SnapshotFeed, label_selector
from deliver.engine.runtime.pod_facts import arm, owner
from deliver.engine.runtime.record_store import JOURNAL, LARGEST, Record, with_number
from deliver.formatting.durations import words
from deliver.model.codec import encode
from deliver.model.errors import ClusterError, Forbidden, InputError, NotFound
from deliver.model.frozen import replace
from deliver.model.names import HASH, REVISION, candidate_name, unclaimed
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen, PodSeen
from deliver.model.places import places_named
from deliver.model.plan import Plan, Side
from deliver.model.release import AutoscalerSnapshot, Release, ServiceSnapshot, Snapshot, new_release
from deliver.model.spec import Facts, ReleaseSpec, Target
from deliver.plugins.checked_router import CheckedRouter
from deliver.plugins.interfaces import Finding, Strategy
from deliver.plugins.validation import checked_plan

RIGHTS = (
    ("patch", "services"),
    ("patch", "deployments"),
    ("create", "deployments"),
    ("delete", "deployments"),
    ("patch", "configmaps"),
    ("patch", "leases"),
)


@dataclass(frozen=True)
class Proposal:
    """A release that could be run. patches: what will be written, in order. duration: seconds, at the least.

    worst_exposure: in words. stable: the pods that serve now.
    """

    release: Release
    findings: tuple[Finding, ...]
    patches: tuple[str, ...]
    duration: float
    worst_exposure: str
    stable: tuple[PodSeen, ...]

    def refusals(self, level: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == level]


def propose(
    cluster: Cluster, spec: ReleaseSpec, options: Any, strategy: Strategy, router: CheckedRouter, record: Record, *, actor: str, now: float
) -> Proposal:
    """Raises InputError for what does not exist or makes no sense; what is there but must not be released is a finding."""
    check_image(spec.image)
    deployment, unclear = find_deployment(cluster, spec.target), list[InputError]()
    containers = collected(unclear, lambda: containers_of(deployment, spec.container, spec.image)) or (_first_container(deployment),)
    namespace, selector = spec.target.namespace, label_selector(deployment)
    look = SnapshotFeed(cluster, namespace, [Watch("services"), Watch("pods"), Watch("replicasets", selector=selector)])
    stable = arm(deployment, look.list("replicasets"), look.list("pods"), containers)
    own = {pod.uid for pod in stable.pods} | {pod["metadata"]["uid"] for pod in look.list("pods") if owner(pod) in _sets(look, deployment)}
    others = [pod for pod in look.list("pods") if pod["metadata"]["uid"] not in own and not _ended(pod)]
    labels = {**(deployment["spec"]["template"]["metadata"].get("labels") or {}), HASH: stable.hash}
    services, findings = router.find(look, spec.target, labels, others)
    findings = [_allowed(finding, spec) for finding in findings]
    scaler, scaler_findings = find_autoscaler(cluster, spec.target)
    findings += scaler_findings + deployment_findings(deployment, "" if unclear else spec.image, containers)
    findings += staying(deployment, containers, "" if unclear else spec.image)
    findings += [*leftovers(cluster, spec, record), *_twice(cluster, deployment, spec)]
    around = {"services": services, "left_alone": _left_alone(look, services, labels), "autoscaler": scaler}
    before = replace(snapshot(deployment, stable, containers), **around)
    able = router.can(look, spec.target)
    room, quota_problems = _room(cluster, namespace, before.template)
    facts = Facts(
        spec.target,
        max(1, stable.desired),
        autoscaled=scaler is not None,
        weights=able.weight_step > 0,
        most_pods=scaler.maximum if scaler else 0,
        room=room.pods,
    )

    def planned() -> tuple[Plan, Snapshot, list[Finding]]:
        plan = checked_plan(strategy, options, facts)
        check_weights(plan, spec.router.kind, able)
        return plan, *preview.with_preview(before, look, spec.target, plan, labels)

    made = collected(unclear, planned)
    findings = findings if made is None else [one for one in findings if one.rule != "session-affinity" or shares_users(made[0])]
    if made is None or unclear:
        raise refusal(findings, unclear) or AssertionError("something is unclear")
    plan, before, preview_findings = made
    takes = duration(spec, plan) + rollout.rollout_time(deployment)
    findings += preview_findings + unjudged_findings(spec, plan) + duration_findings(spec, plan, takes)
    findings += rollout.rollout_findings(deployment, [pod for pod in look.list("pods") if pod["metadata"]["uid"] in own], plan, spec.limits)
    findings += (
        quota_problems
        + _ports(cluster, deployment, spec, stable.desired, extra_pods(plan, stable.desired))
        + room.findings(extra_pods(plan, stable.desired))
        + rights(cluster, namespace, (*RIGHTS, *preview.preview_rights(plan)))
    )
    release = with_number(new_release(spec, plan, before, actor, now), record, now)
    findings += _record_room(release)
    findings += [Finding("weight", "info", note) for note in plan.notes]
    if not any(finding.level == "forbidden" for finding in findings):  # who lacks a right is told so already
        findings += rehearse(cluster, release, router)
    patches = planned_writes.planned_writes(release, router, stable.desired)
    return Proposal(release, tuple(findings), patches, takes, worst_exposure(plan), stable.pods)


def _left_alone(look: SnapshotFeed, moved: Sequence[ServiceSnapshot], labels: Mapping[str, str]) -> tuple[str, ...]:
    """Names of Services that lead to the application and are not moved with the release."""
    leading = {service["metadata"]["name"] for service in look.list("services") if selects(service, labels)}
    return tuple(sorted(leading - {service.name for service in moved})) if moved else ()


def _first_container(deployment: Object) -> str:
    """Stands in for the one that is not clear yet, to find what else forbids the release."""
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["name"])


def snapshot(deployment: Object, stable: ArmSeen, containers: Sequence[str]) -> Snapshot:
    """Of the Deployment alone."""
    return Snapshot(
        uid=deployment["metadata"]["uid"],
        replicas=stable.desired,
        template=deployment["spec"]["template"],
        digest=stable.template,
        hash=stable.hash,
        image=stable.image,
        container=containers[0],
        places=places_named(deployment["spec"]["template"], containers),
        labels=unclaimed(deployment["metadata"].get("labels") or {}),
        services=(),
        revision=(deployment["metadata"].get("annotations") or {}).get(REVISION, ""),
        paused=deployment["spec"].get("paused"),
    )


def find_deployment(cluster: Cluster, target: Target) -> Object:
    """Raises InputError, with what there is instead."""
    try:
        return cluster.get("deployments", target.namespace, target.deployment)
    except NotFound:
        pass
    try:
        cluster.get("namespaces", "", target.namespace)
    except NotFound:
        raise InputError(
            f"namespace `{target.namespace}` does not exist", hint="`kubectl get namespaces` lists them; choose with -n"
        ) from None
    except ClusterError:
        pass  # a namespaced role may not look at namespaces
    for kind, word in (("statefulsets", "StatefulSet"), ("daemonsets", "DaemonSet")):
        try:
            cluster.get(kind, target.namespace, target.deployment)
        except ClusterError:
            continue
        raise InputError(
            f"{target.deployment} is a {word}",
            why="a release needs a second set of pods beside the stable one; only a Deployment can have that",
            hint="deliver works on Deployments",
        )
    there = sorted(one["metadata"]["name"] for one in cluster.list("deployments", target.namespace))
    near = difflib.get_close_matches(target.deployment, there, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"Deployments there: {', '.join(there[:10]) or 'none'}"
    raise InputError(f"Deployment `{target.deployment}` does not exist in namespace `{target.namespace}`", hint=hint)


def find_autoscaler(cluster: Cluster, target: Target) -> tuple[AutoscalerSnapshot | None, list[Finding]]:
    try:
        scalers = cluster.list("horizontalpodautoscalers", target.namespace)
    except Forbidden:
        return None, [
            Finding(
                "autoscaler",
                "warn",
                "may not list HorizontalPodAutoscalers: one that shrinks the stable side during the release would not be held",
                "grant list on horizontalpodautoscalers",
            )
        ]
    for scaler in scalers:
        ref = scaler["spec"]["scaleTargetRef"]
        if ref.get("kind") == "Deployment" and ref.get("name") == target.deployment:
            meta, spec = scaler["metadata"], scaler["spec"]
            return AutoscalerSnapshot(meta["name"], meta["uid"], spec.get("minReplicas"), spec["maxReplicas"]), list(keda_findings(scaler))
    return None, []


def duration(spec: ReleaseSpec, plan: Plan) -> float:
    """Seconds of the bakes, drains and verifications; pods' start-up and the roll-out come on top."""
    return sum(step.bake + 1.0 for step in plan.steps) + 2 * spec.limits.drain + plan.hold + 2.0


def shares_users(plan: Plan) -> bool:
    """Both sides serve at a time; where all users move in one switch it does not matter who is bound to which pod."""
    return any(step.side is Side.BOTH for step in plan.steps)


def worst_exposure(plan: Plan) -> str:
    return ", then ".join(
        f"{step.endpoints:.0f} % of requests for {words(step.bake)}" for step in plan.steps if step.side is not Side.STABLE
    )


def _sets(look: SnapshotFeed, deployment: Mapping[str, Any]) -> set[str]:
    return {one["metadata"]["uid"] for one in look.list("replicasets") if owner(one) == deployment["metadata"]["uid"]}


def _ended(pod: Object) -> bool:
    """Over or on its way out, as the last release's candidate may still be: nobody's traffic."""
    return bool(pod["metadata"].get("deletionTimestamp")) or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _allowed(finding: Finding, spec: ReleaseSpec) -> Finding:
    if finding.rule == "session-affinity" and spec.allow_affinity:
        return Finding(finding.rule, "warn", finding.message, "allowed by --allow-affinity")
    if finding.rule == "twice" and spec.allow_twice:
        return Finding(finding.rule, "warn", finding.message, "allowed by --allow-twice")
    return finding


def _twice(cluster: Cluster, deployment: Object, spec: ReleaseSpec) -> list[Finding]:
    def modes(claim: str) -> Sequence[str] | None:
        try:
            return tuple(cluster.get("persistentvolumeclaims", spec.target.namespace, claim)["spec"].get("accessModes") or ())
        except NotFound:
            return ()
        except Forbidden:
            return None

    return [_allowed(finding, spec) for finding in twice.twice_findings(deployment, modes)]


def _ports(cluster: Cluster, deployment: Object, spec: ReleaseSpec, live: int, extra: int) -> list[Finding]:
    if not (ports := twice.node_ports(deployment)):
        return []
    try:
        nodes = sum(not (node.get("spec") or {}).get("unschedulable") for node in cluster.list("nodes", ""))
    except Forbidden:
        nodes = None
    return [_allowed(finding, spec) for finding in twice.port_findings(deployment, ports, live + extra, nodes)]


def _record_room(release: Release) -> list[Finding]:
    """The record has the pod template in it, and a ConfigMap has an end."""
    size = len(json.dumps(encode(release), separators=(",", ":")))
    if size <= LARGEST - JOURNAL:
        return []
    text = f"the pod template is too large: the release's record would begin with {size // 1024} KiB, and a ConfigMap has {LARGEST // 1024}"
    return [Finding("record-size", "refuse", text, "move long values of the template into a ConfigMap of their own")]


def _room(cluster: Cluster, namespace: str, template: Mapping[str, Any]) -> tuple[quota.Room, list[Finding]]:
    """What the quotas leave; no limit where that is not known."""
    try:
        return quota.Room.of(cluster.list("resourcequotas", namespace), template), []
    except Forbidden:
        return quota.Room(), [Finding("quota", "info", "may not list ResourceQuotas: room for the extra pods was not checked")]
    except ValueError as error:
        return quota.Room(), [Finding("quota", "warn", f"a ResourceQuota could not be understood: {error}")]


def leftovers(cluster: Cluster, spec: ReleaseSpec, record: Record) -> list[Finding]:
    target, found = spec.target, list[Finding]()
    if record.problem:
        found.append(
            Finding(
                "record",
                "refuse",
                f"the record of {target} cannot be trusted: {record.problem}",
                f"`deliver rollback {target.deployment} -n {target.namespace}` works from the cluster alone and clears it",
            )
        )
    try:
        cluster.get("deployments", target.namespace, candidate_name(target.deployment))
        found.append(
            Finding(
                "leftover",
                "refuse",
                f"Deployment {candidate_name(target.deployment)} exists already, and no release knows it",
                "look whose it is; delete it if it is a leftover",
            )
        )
    except NotFound:
        pass
    return found


def _as(cluster: Cluster) -> str:
    """Whom a kubeconfig with `as` acts as: the rights are that one's."""
    acting = getattr(cluster, "acts_as", "")
    return f" as {acting}" if acting else ""


def rights(cluster: Cluster, namespace: str, needed: Sequence[tuple[str, str]] = RIGHTS) -> list[Finding]:
    """No release starts without the rights to take it back."""
    try:
        missing = [f"{verb} {kind}" for verb, kind in needed if not cluster.allowed(verb, kind, namespace)]
    except ClusterError:
        return []
    if not missing:
        return []
    return [
        Finding(
            "rights",
            "forbidden",
            f"not permitted in {namespace}{_as(cluster)}: {', '.join(missing)}",
            "deploy/rbac/operator.yaml has the Role; `deliver doctor` checks every right",
        )
    ]
