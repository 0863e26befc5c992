"""How each action is carried out: every one says what should be, so doing it twice does no harm."""

from typing import Any

from deliver.cluster.managed_fields import last_editor
from deliver.cluster.patch import merge_patch_to
from deliver.cluster.port import Cluster
from deliver.engine.runtime import preview_service
from deliver.engine.runtime.admitted import Version, adopted, adopted_candidate, version_of
from deliver.engine.runtime.flag_client import FLAG_VERBS
from deliver.engine.runtime.flag_poller import ReleaseFlag
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.pod_facts import deployment_digest
from deliver.model.action import Action, Verb
from deliver.model.errors import ClusterError, Conflict
from deliver.model.frozen import replace
from deliver.model.names import FENCE, RELEASE_LABEL, candidate_name
from deliver.model.objects import Object
from deliver.model.observation import AutoscalerSeen, Observation
from deliver.model.release import Direction, Release
from deliver.plugins.checked_router import CheckedRouter

LOG_LINES = 20


class Executor:
    """Carries out one action; answers with what the release knows by that, most often no more than before."""

    def __init__(self, cluster: Cluster, router: CheckedRouter, write: GuardedWriter, flag: ReleaseFlag) -> None:
        self.cluster, self.router, self.write, self.flag = cluster, router, write, flag

    def do(self, action: Action, release: Release, seen: Observation) -> Release:
        """Raises ClusterError, or Superseded."""
        target = release.spec.target.deployment
        if action.verb in FLAG_VERBS:
            return self.flag.do(action, release, self.write)
        match action.verb:
            case Verb.ROUTE:
                assert action.exposure is not None  # decide always gives one
                self.router.set_route(self.write, release, action.exposure)
            case Verb.RESTORE_ROUTE:
                self.router.restore(self.write, release)
            case Verb.HOLD_STABLE:
                self._deployment(target, release.snapshot.uid, {"paused": True})
            case Verb.SCALE_STABLE:
                self._deployment(target, release.snapshot.uid, {"replicas": action.pods})
            case Verb.SCALE_CANDIDATE:
                self._deployment(release.candidate, "", {"replicas": action.pods})
            case Verb.UPDATE_STABLE:
                return adopted(release, "new", self._restore(release, "new", done=False))
            case Verb.RESTORE_STABLE:
                return adopted(release, "old", self._restore(release, "old", done=False))
            case Verb.RELEASE_STABLE:
                self._restore(release, "", done=True, scaler=seen.autoscaler)
            case Verb.HOLD_AUTOSCALER:
                self._autoscaler(release, action.pods, done=False)
            case Verb.RELEASE_AUTOSCALER:
                before = release.snapshot.autoscaler
                self._autoscaler(release, before.minimum if before else None, done=True)
            case Verb.CREATE_CANDIDATE:
                return adopted_candidate(release, self._create(release))
            case Verb.DELETE_CANDIDATE:
                if seen.candidate is not None:
                    self.write.delete("deployments", release.candidate, uid=seen.candidate.uid)
            case Verb.OPEN_PREVIEW:
                preview_service.open_preview(self.cluster, self.write, release, seen.candidate)
            case Verb.CLOSE_PREVIEW:
                preview_service.close_preview(self.cluster, self.write, release)
            case Verb.KEEP_EVIDENCE:
                return replace(release, evidence=evidence(self.cluster, release, seen))
        return release

    def _deployment(self, name: str, uid: str, spec: dict[str, Any]) -> None:
        def build(now: Object) -> Object | None:
            if all(now["spec"].get(key) == value for key, value in spec.items()):
                return None
            return {"spec": spec}

        self.write.change("deployments", name, build, uid=uid)

    def _restore(self, release: Release, version: Version, *, done: bool, scaler: AutoscalerSeen | None = None) -> Object:
        """That version's template ("": as it is), replicas and the hold as wanted, in one write; `done`: our fence goes too.

        scaler: whose minReplicas is as before again. One that measures takes our temporary pods away itself, one that does not never would.
        """
        before = release.snapshot
        ours = before.autoscaler is None or (bool(release.surged) and scaler is not None and not scaler.measures)
        template = {"new": release.new_template, "old": before.template, "": None}[version]

        def build(now: Object) -> Object | None:
            stands = version_of(release, deployment_digest(now), last_editor(now, "f:template"))
            if release.course is Direction.PROMOTING and not stands:
                raise Conflict(f"the pod template of Deployment {release.spec.target.deployment} was changed meanwhile", status=409)
            spec: dict[str, Any] = {}
            if template is not None and now["spec"]["template"] != template and not (stands == version and _answered(release, version)):
                spec["template"] = merge_patch_to(now["spec"]["template"], template)
            live = now["spec"].get("replicas")
            if ours and live != before.replicas and not (live and live > release.stable_size):
                spec["replicas"] = before.replicas
            if now["spec"].get("paused") != before.paused:
                spec["paused"] = before.paused
            marked = done and FENCE in (now["metadata"].get("annotations") or {})
            if not spec and not marked:
                return None
            return {"metadata": {"annotations": {FENCE: None}} if done else {}, "spec": spec}

        return self.write.change("deployments", release.spec.target.deployment, build, uid=before.uid)

    def _autoscaler(self, release: Release, minimum: int | None, *, done: bool) -> None:
        before = release.snapshot.autoscaler
        if before is None:
            return

        def build(now: Object) -> Object | None:
            marked = done and FENCE in (now["metadata"].get("annotations") or {})
            if now["spec"].get("minReplicas") == minimum and not marked:
                return None
            return {"metadata": {"annotations": {FENCE: None}} if done else {}, "spec": {"minReplicas": minimum}}

        self.write.change("horizontalpodautoscalers", before.name, build, uid=before.uid)

    def _create(self, release: Release) -> Object:
        """Without pods: should a dead driver's create arrive late, it brings nothing into the traffic."""
        body = candidate_deployment(release)
        body["metadata"]["annotations"] = {FENCE: str(self.write.fence)}
        try:
            return self.write.create("deployments", body)
        except Conflict:
            there = self.cluster.get("deployments", release.spec.target.namespace, release.candidate)
            if (there["metadata"].get("labels") or {}).get(RELEASE_LABEL) != release.id:
                raise
            self.write.stamp("deployments", release.candidate, uid=there["metadata"]["uid"])  # else an old driver may still unmake it
            return there


def _answered(release: Release, version: Version) -> bool:
    """The API server has made something else of that version's template than was sent: it would do so again."""
    return bool(release.new_digest if version == "new" else release.old_digest)


def candidate_deployment(release: Release) -> Object:
    """A second Deployment with the stable pod template, the new image, and one label of ours in its own selector."""
    template = release.new_template
    meta = template.get("metadata") or {}
    labels = {**(meta.get("labels") or {}), RELEASE_LABEL: release.id}
    target = release.spec.target
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": candidate_name(target.deployment),
            "namespace": target.namespace,
            "labels": {**release.snapshot.labels, "app.kubernetes.io/managed-by": "deliver", RELEASE_LABEL: release.id},
        },
        "spec": {
            "replicas": 0,
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": max(60, int(release.spec.limits.ready)),
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {**template, "metadata": {**meta, "labels": labels}},
        },
    }


def evidence(cluster: Cluster, release: Release, seen: Observation) -> tuple[str, ...]:
    """What the first pod with a problem said last. Best effort: never in the way of a rollback."""
    pods = seen.candidate.pods if seen.candidate else ()
    pod = next((pod for pod in pods if pod.problem), None) or next((pod for pod in pods if not pod.ready), None)
    if pod is None:
        return ()
    namespace = release.spec.target.namespace
    order: tuple[bool, ...] = (True, False) if pod.restarts else (False,)
    for previous in order:
        try:
            text = cluster.logs(namespace, pod.name, pod.container, previous=previous, lines=LOG_LINES)
        except ClusterError:
            continue
        if text.strip():
            return (f"last log lines of {pod.name}, container {pod.container}:", *text.rstrip().splitlines()[-LOG_LINES:])
    return ()
