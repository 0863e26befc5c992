"""One look at the cluster: from the watches' objects to an Observation."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from deliver.cluster.pods import is_leaving
from deliver.cluster.port import Cluster, Feed, Watch
from deliver.engine.runtime import preview_service
from deliver.engine.runtime.admitted import as_written
from deliver.engine.runtime.clock import Clock
from deliver.engine.runtime.known import Known
from deliver.engine.runtime.pod_facts import arm, deployment_digest, pod_seen
from deliver.engine.runtime.record_store import readable
from deliver.engine.runtime.remaining_pods import remaining_pods
from deliver.model.codec import decode
from deliver.model.frozen import replace
from deliver.model.names import HASH, RELEASE_LABEL, fence_of, record_name
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen, AutoscalerSeen, Observation, OperatorRequest
from deliver.model.release import Release
from deliver.model.spec import Target
from deliver.model.verdict import CheckResult
from deliver.plugins.checked_router import CheckedRouter, UnknownRouter

_NOTHING = Observation(0.0)  # to be replaced in: a frozen class's own __init__ is several times slower, and there is one at each look


def label_selector(deployment: Object) -> str:
    """A Deployment's own selector as the API's query string."""
    selector = deployment["spec"]["selector"]
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or []:
        key, values = one["key"], ",".join(one.get("values") or [])
        parts.append(
            {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}[one["operator"]]
        )
    return ",".join(parts)


def watches(release: Release, router: CheckedRouter | UnknownRouter, selector: str) -> list[Watch]:
    """All that a release has to see. The stable Deployment's selector finds the candidate's pods too: they carry the same labels."""
    target = release.spec.target
    scaler = release.snapshot.autoscaler
    wanted = [
        Watch("deployments", name=target.deployment),
        Watch("deployments", name=release.candidate),
        Watch("replicasets", selector=selector),
        Watch("pods", selector=selector),
        Watch("configmaps", name=record_name(target.deployment)),
        *([Watch("horizontalpodautoscalers", name=scaler.name)] if scaler else []),
        *preview_service.watches(release),
        *router.watches(Target(target.namespace, target.deployment, tuple(s.name for s in release.snapshot.services))),
    ]
    whole = {watch.kind for watch in wanted if not watch.name and not watch.selector}
    return [watch for watch in wanted if watch.kind not in whole or watch == Watch(watch.kind)]


def is_stray(pod: Object) -> bool:
    """A candidate's pod that nobody has asked to end yet."""
    return RELEASE_LABEL in (pod["metadata"].get("labels") or {}) and not is_leaving(pod)


class Observer:
    """Looks through the feed's objects; never calls the API."""

    def __init__(self, feed: Feed, router: CheckedRouter | UnknownRouter) -> None:
        self.feed, self.router = feed, router
        self._pods = Known(pod_seen)
        self._digests: dict[str, tuple[Object, str]] = {}  # of templates, by Deployment
        self._arms: dict[str, tuple[list[Object], ArmSeen]] = {}
        self._asked: tuple[str, tuple[OperatorRequest, ...]] = "[]", ()
        self._looked: list[Any] = []
        self._at = -1  # the feed's count of changes at the last look
        self._watched: list[str] = []

    def look(
        self, release: Release, now: float, checks: Sequence[CheckResult] = (), checked_at: float = 0.0, percent: float | None = None
    ) -> Observation:
        feed, at = self.feed, self.feed.changes()  # counted before it is read: what comes in between is seen at the next look
        fresh = at != self._at
        if fresh:
            self._looked = self._objects(release)  # before what is looked at, which may be newer then, and never older
        replicasets, pods = feed.list("replicasets"), feed.list("pods")
        if fresh:
            self._pods.keep(pods)
        stable, candidate = (
            self._arm(deployment, replicasets, pods, release.snapshot.containers, fresh) if deployment else None
            for deployment in (feed.get("deployments", release.spec.target.deployment), feed.get("deployments", release.candidate))
        )
        if stable and stable.hash and stable.hash == release.snapshot.hash and stable.template != release.snapshot.digest:
            # its controller finds no difference: a default that a newer API server fills in is nobody's edit
            stable = replace(stable, template=release.snapshot.digest)
        stable = as_written(release, stable) if stable else None
        self._at = at
        staying, leaving = remaining_pods(release, stable, pods, now)
        return replace(
            _NOTHING,
            at=now,
            stable=stable,
            candidate=candidate,
            route=self.router.read(feed, release, stable.pods if stable else (), candidate.pods if candidate else ()),
            autoscaler=self._autoscaler(release),
            checks=tuple(checks),
            checked_at=checked_at,
            candidate_percent=percent,
            requests=self._requests(release),
            strays=0 if candidate else sum(is_stray(pod) for pod in pods),
            remains=staying,
            leaving=leaving,
            preview=preview_service.read(feed, release, candidate),
        )

    def differs(self, release: Release) -> bool:
        """The feed has something that the last look did not find. Our own record, as we wrote it, is nothing new."""
        return self.feed.changes() != self._at and self._looked != self._objects(release)

    def _objects(self, release: Release) -> list[Any]:
        name = record_name(release.spec.target.deployment)
        record = self.feed.get("configmaps", name)
        others = [obj for obj in self.feed.list("configmaps") if obj["metadata"]["name"] != name]
        asked = (record.get("data") or {}).get("requests") if record else None
        return [asked, fence_of(record) if record else 0, others, *(self.feed.list(kind) for kind in self._kinds(release))]

    def _kinds(self, release: Release) -> list[str]:
        """What is watched, the ConfigMaps aside. The selector plays no part in it."""
        if not self._watched:
            self._watched = sorted({watch.kind for watch in watches(release, self.router, "")} - {"configmaps"})
        return self._watched

    def _arm(
        self, deployment: Object, replicasets: Sequence[Object], pods: Sequence[Object], containers: Sequence[str], fresh: bool
    ) -> ArmSeen:
        """Most looks find the very objects that the last one found: without this `python -m bench hour` takes a fifth longer."""
        known = self._arms.get(deployment["metadata"]["name"])
        if known is not None and not fresh:
            return known[1]
        objects = [deployment, *replicasets, *pods]
        if known is None or known[0] != objects:
            seen = arm(deployment, replicasets, pods, containers, self._digest, self._pods)
            known = self._arms[deployment["metadata"]["name"]] = objects, seen
        return known[1]

    def _digest(self, deployment: Object) -> str:
        """Of its template, which few of its changes change."""
        name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
        known = self._digests.get(name)
        if known is None or known[0] != template:
            known = self._digests[name] = template, deployment_digest(deployment)
        return known[1]

    def _autoscaler(self, release: Release) -> AutoscalerSeen | None:
        before = release.snapshot.autoscaler
        scaler = self.feed.get("horizontalpodautoscalers", before.name) if before else None
        if scaler is None:
            return None
        spec, conditions = scaler["spec"], (scaler.get("status") or {}).get("conditions") or ()
        return AutoscalerSeen(
            name=scaler["metadata"]["name"],
            uid=scaler["metadata"]["uid"],
            minimum=spec.get("minReplicas"),
            maximum=spec["maxReplicas"],
            fence=fence_of(scaler),
            measures=not any((one.get("type"), one.get("status")) == ("ScalingActive", "False") for one in conditions),
        )

    def _requests(self, release: Release) -> tuple[OperatorRequest, ...]:
        record = self.feed.get("configmaps", record_name(release.spec.target.deployment))
        text = ((record or {}).get("data") or {}).get("requests", "[]")
        if text != self._asked[0]:
            self._asked = text, readable(partial(decode, OperatorRequest), text)[0]
        return self._asked[1]

    def newest_fence(self, release: Release, seen: Observation) -> int:
        """The highest fence on anything we look at: above our own, somebody has taken over."""
        record = self.feed.get("configmaps", record_name(release.spec.target.deployment))
        arms = [arm.fence for arm in (seen.stable, seen.candidate) if arm]
        opened = seen.preview.fence if seen.preview else 0
        return max([fence_of(record) if record else 0, seen.route.fence, seen.flag.fence, opened, *arms])


class SnapshotFeed:
    """A Feed read once, for commands that look and leave."""

    def __init__(self, cluster: Cluster, namespace: str, wanted: Sequence[Watch]) -> None:
        self._objects: dict[str, dict[str, Object]] = {}
        self._changes = 0
        for watch in wanted:
            field = f"metadata.name={watch.name}" if watch.name else ""
            for obj in cluster.list(watch.kind, namespace, selector=watch.selector, field=field):
                self.apply(watch.kind, obj)

    def get(self, kind: str, name: str) -> Object | None:
        return self._objects.get(kind, {}).get(name)

    def list(self, kind: str) -> list[Object]:
        return list(self._objects.get(kind, {}).values())

    def apply(self, kind: str, obj: Object) -> None:
        self._objects.setdefault(kind, {})[obj["metadata"]["name"]] = obj
        self._changes += 1

    def changes(self) -> int:
        return self._changes

    def quiet(self) -> float:
        return 0.0

    def relist(self) -> None:
        """It is as fresh as it was made."""

    def close(self) -> None:
        """Nothing to close."""


def observe_once(cluster: Cluster, release: Release, router: CheckedRouter | UnknownRouter, selector: str, clock: Clock) -> Observation:
    """Read everything once and say what stands."""
    namespace = release.spec.target.namespace
    feed: Any = SnapshotFeed(cluster, namespace, watches(release, router, selector))
    return Observer(feed, router).look(release, clock.now(), release.checks, 0.0, release.observed)


def pods_selector(release: Release) -> str:
    """Finds the pods of both arms: the candidate's carry the stable template's labels too."""
    labels = release.snapshot.template["metadata"].get("labels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != HASH)
