"""Scheduler and kubelet: what becomes of a pod, from its creation to its end. What a pod reports is in podstatus.py."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from deliver.model.objects import Object
from deliver_sandbox.api import Api
from deliver_sandbox.controllers import podstatus
from deliver_sandbox.controllers.events import Events
from deliver_sandbox.images import Behaviour, Registry
from deliver_sandbox.store import Change

MAX_BACKOFF = 300.0
_FIRST_BACKOFF = 10.0


@dataclass(frozen=True)
class Node:
    """A machine. pods: how many it takes. ip: its own address. ready False: nothing is scheduled on it."""

    name: str = "node-1"
    ip: str = "198.51.100.2"
    pods: int = 110
    zone: str = "zone-a"
    ready: bool = True


@dataclass
class Run:
    """A pod's life outside the API. life: rises with each container start, so that an old start's timers know they are late."""

    uid: str
    namespace: str
    name: str
    image: str
    ip: str
    behaviour: Behaviour
    node: str
    pinned: bool = False
    life: int = 0
    started: float = 0.0
    running: bool = False
    serving: bool = False
    probed: bool = False
    backoff: float = 0.0
    restarts: int = 0
    pulls: int = 0
    ended: bool = False
    last: Object = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)


class Kubelet:
    """All nodes. changed: called with a pod's run after its behaviour or its being there changed (the traffic model listens)."""

    def __init__(self, api: Api, images: Registry, events: Events, seed: int, nodes: list[Node] | None = None) -> None:
        self.api, self.clock, self.store, self.images, self.events = api, api.clock, api.store, images, events
        self.nodes = nodes or [Node()]
        self.random = random.Random(f"kubelet {seed}")
        self.runs: dict[str, Run] = {}
        self.changed: list[Callable[[Run], None]] = []
        self.schedule_delay, self.probe_jitter = 0.01, 0.1
        self._address = 1
        api.store.listen(self.see)

    def see(self, change: Change) -> None:
        if change.kind != "pods":
            return
        meta = change.obj["metadata"]
        if change.type == "DELETED":
            self._gone(meta["uid"])
        elif change.type == "ADDED":
            self.clock.after(self.schedule_delay, lambda: self._schedule(change.namespace, change.name, meta["uid"]))
        elif meta.get("deletionTimestamp") and not (change.old or {}).get("metadata", {}).get("deletionTimestamp"):
            self._terminate(meta["uid"], meta.get("deletionGracePeriodSeconds", 30))
        elif change.old is not None and change.old["spec"] is not change.obj["spec"]:
            self._respecified(change.obj)
        if change.type == "MODIFIED":
            podstatus.gated(self.api, change.obj)

    # -- scheduling

    def _schedule(self, namespace: str, name: str, uid: str) -> None:
        pod = self.store.get("pods", namespace, name)
        if pod is None or pod["metadata"]["uid"] != uid or pod["spec"].get("nodeName"):
            return
        node, why = self._pick(pod)
        if node is None:
            self.events.tell(pod, "FailedScheduling", why, source="default-scheduler", warning=True)
            podstatus.unschedulable(self.api, pod, why)
            self.clock.after(5.0, lambda: self._schedule(namespace, name, uid))
            return
        self.events.tell(pod, "Scheduled", f"Successfully assigned {namespace}/{name} to {node.name}", source="default-scheduler")
        image = pod["spec"]["containers"][0]["image"]
        run = Run(uid, namespace, name, image, self._new_ip(), self.images.of(image), node.name)
        self.runs[uid] = run
        bound = podstatus.scheduled(self.api, pod, node.name, node.ip)
        if run.behaviour.mount:
            text = 'MountVolume.SetUp failed for volume "data" : rpc error: code = Unavailable desc = volume is not attached yet'
            self.clock.after(0.1, lambda: self.events.tell(bound, "FailedMount", text, source="kubelet", warning=True))
        self.clock.after(run.behaviour.mount + 0.05, lambda: self._mount(run, 0.5))

    def _mount(self, run: Run, backoff: float) -> None:
        """A ConfigMap or Secret that is not there is waited for, and only Events say so."""
        pod = self._pod(run)
        if pod is None:
            return
        missing = next(podstatus.missing_volumes(self.store, pod), "")
        if not missing:
            self._pull(run, 0.0)
            return
        self.events.tell(pod, "FailedMount", missing, source="kubelet", warning=True)
        self.clock.after(backoff, lambda: self._mount(run, min(2 * backoff, MAX_BACKOFF)))

    def _pick(self, pod: Object) -> tuple[Node | None, str]:
        counts: dict[str, int] = {}
        for run in self.runs.values():
            counts[run.node] = counts.get(run.node, 0) + 1
        wanted = pod["spec"].get("nodeSelector") or {}
        alike = [node for node in self.nodes if wanted.items() <= self._labels(node).items()]
        fits = [node for node in alike if self._open(node) and counts.get(node.name, 0) < node.pods]
        if fits:
            return min(fits, key=lambda node: (counts.get(node.name, 0), node.name)), ""
        total, full = len(self.nodes), sum(counts.get(node.name, 0) >= node.pods for node in self.nodes)
        strange = wanted and not alike
        why = "node(s) didn't match Pod's node affinity/selector" if strange else "Too many pods" if full else "node(s) were unschedulable"
        head = f"0/{total} nodes are available: {total} "
        hope = "Preemption is not helpful for scheduling." if strange else "No preemption victims found for incoming pod."
        return None, f"{head}{why}. preemption: {head}{hope}"

    def _labels(self, node: Node) -> dict[str, str]:
        """As the API has them now."""
        known = self.store.get("nodes", "", node.name)
        return (known["metadata"].get("labels") or {}) if known else {}

    def _open(self, node: Node) -> bool:
        """Ready, and not cordoned."""
        known = self.store.get("nodes", "", node.name)
        return node.ready and not (known is not None and (known.get("spec") or {}).get("unschedulable"))

    def _new_ip(self) -> str:
        self._address += 1
        return f"198.18.{self._address // 250}.{self._address % 250 + 1}"

    # -- the container's life

    def _pull(self, run: Run, backoff: float) -> None:
        pod = self._pod(run)
        if pod is None:
            return
        if run.behaviour.missing or run.pulls < run.behaviour.unpulled:
            run.pulls += 1
            self._pull_failed(run, pod, backoff)
            return
        podstatus.creating(self.api, pod, run)
        self.events.tell(pod, "Pulled", f'Successfully pulled image "{run.image}"', source="kubelet")
        self.clock.after(run.behaviour.pull, lambda: self._start(run))

    def _pull_failed(self, run: Run, pod: Object, backoff: float) -> None:
        """ErrImagePull at each try, ImagePullBackOff in between: 10 s, doubling to 300 s."""
        why = run.behaviour.why or podstatus.pull_error(run.image)
        self.events.tell(pod, "Failed", f'Failed to pull image "{run.image}": {why}', source="kubelet", warning=True)
        podstatus.waiting(self.api, pod, run, "ErrImagePull", why)
        wait = min(backoff * 2 or _FIRST_BACKOFF, MAX_BACKOFF)
        self.clock.after(1.0, lambda: self._back_off_pull(run, why))
        self.clock.after(wait + 1.0, lambda: self._pull(run, wait))

    def _back_off_pull(self, run: Run, why: str) -> None:
        pod = self._pod(run)
        if pod is not None:
            text = f'Back-off pulling image "{run.image}": ErrImagePull: {why}'
            self.events.tell(pod, "BackOff", f'Back-off pulling image "{run.image}"', source="kubelet")
            podstatus.waiting(self.api, pod, run, "ImagePullBackOff", text)

    def _start(self, run: Run) -> None:
        pod = self._pod(run)
        if pod is None or run.ended:
            return
        run.life += 1
        life = run.life
        run.running, run.started = True, self.clock.now()
        self.events.tell(pod, "Started", "Container started", source="kubelet")
        probe = pod["spec"]["containers"][0].get("readinessProbe")
        if run.behaviour.crash and not 0 < run.behaviour.crashes <= run.restarts:
            self.clock.after(run.behaviour.crash, lambda: self._exit(run, life))
        if probe is None:
            run.serving = run.probed = True
            podstatus.running(self.api, pod, run, ready=True)
        else:
            podstatus.running(self.api, pod, run, ready=False)
            self._first_probe(run, probe, life)
        self._tell(run)

    def _first_probe(self, run: Run, probe: Object, life: int) -> None:
        """The app answers after `start`; the first probe that then comes finds it ready."""
        initial, period = float(probe.get("initialDelaySeconds", 0)), float(probe.get("periodSeconds", 10))
        up = run.behaviour.start
        first = initial + self.random.random() * self.probe_jitter
        while first < up:
            first += period
        self.clock.after(up, lambda: self._serve(run, life))
        self.clock.after(max(first, up) + 0.001, lambda: self._probe(run, life))

    def _serve(self, run: Run, life: int) -> None:
        if run.life == life and run.running and not run.serving:
            run.serving = True
            self._tell(run)

    def _probe(self, run: Run, life: int) -> None:
        """Set readiness to what the probe says now."""
        pod = self._pod(run)
        if pod is None or run.life != life or not run.running:
            return
        if run.probed != run.behaviour.ready:
            run.probed = run.behaviour.ready
            podstatus.running(self.api, pod, run, ready=run.probed)
            if not run.probed:
                text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
                self.events.tell(pod, "Unhealthy", text, source="kubelet", warning=True)
            self._tell(run)

    def _exit(self, run: Run, life: int) -> None:
        """The process ended by itself: restart at once the first time, then with back-off (10 s, doubling to 300 s)."""
        pod = self._pod(run)
        if pod is None or run.life != life or not run.running:
            return
        run.running = run.serving = run.probed = False
        run.previous, run.logs = [*run.logs, *run.behaviour.log], []
        run.last = podstatus.terminated(run, self.clock.now())
        self._tell(run)
        podstatus.exited(self.api, pod, run)
        if pod["spec"].get("restartPolicy") == "Never" or pod["metadata"].get("deletionTimestamp"):
            return
        if self.clock.now() - run.started > MAX_BACKOFF * 2:
            run.backoff = 0.0
        wait = run.backoff
        run.backoff = min(run.backoff * 2 or _FIRST_BACKOFF, MAX_BACKOFF)
        if wait:
            self.clock.after(0.5, lambda: self._back_off(run, life, wait))
        self.clock.after(max(wait, 0.5), lambda: self._restart(run, life))

    def _back_off(self, run: Run, life: int, wait: float) -> None:
        pod = self._pod(run)
        if pod is not None and run.life == life and not run.running:
            text = podstatus.back_off_text(run, pod, wait)
            self.events.tell(pod, "BackOff", text[0].upper() + text[1:], source="kubelet", warning=True)
            podstatus.waiting(self.api, pod, run, "CrashLoopBackOff", text)

    def _restart(self, run: Run, life: int) -> None:
        if run.life == life and not run.running and not run.ended:
            run.restarts += 1
            self._start(run)

    # -- the end

    def _terminate(self, uid: str, grace: int) -> None:
        run = self.runs.get(uid)
        if run is None:
            return
        stop = min(run.behaviour.stop if run.running else 0.1, float(grace))
        self.clock.after(stop, lambda: self._stopped(run))

    def _stopped(self, run: Run) -> None:
        """The process is gone: no more requests; the object follows a moment later."""
        run.running = run.serving = run.probed = False
        run.ended = True
        self._tell(run)
        pod = self._pod(run)
        if pod is None:
            return
        podstatus.ended(self.api, pod, run)
        self.clock.after(0.2, lambda: self._remove(run))

    def _remove(self, run: Run) -> None:
        pod = self._pod(run)
        if pod is None:
            return
        if pod["metadata"].get("finalizers"):
            self.api.store.put("pods", {**pod, "metadata": {**pod["metadata"], "deletionGracePeriodSeconds": 0}})
        else:
            self.store.remove("pods", run.namespace, run.name)

    def _gone(self, uid: str) -> None:
        run = self.runs.pop(uid, None)
        if run is not None:
            run.running = run.serving = run.probed = False
            run.ended = True
            self._tell(run)

    # -- chaos and looking

    def change(self, pod: str, **what: object) -> None:
        """Give a running pod another behaviour from now on (fields of Behaviour); readiness follows after the probe's failures."""
        for run in self.named(pod):
            run.pinned = True
            run.behaviour = replace(run.behaviour, **what)  # type: ignore[arg-type]  # the fields of Behaviour
            self._tell(run)
            self._after_change(run, what)

    def turn(self, image: str, **what: object) -> None:
        """Give an image another behaviour from now on, its running pods and those to come (fields of Behaviour)."""
        behaviour = replace(self.images.of(image), **what)  # type: ignore[arg-type]  # the fields of Behaviour
        self.images.known[image] = behaviour
        for run in list(self.runs.values()):
            if run.image == image:
                run.behaviour = behaviour
                self._tell(run)

    def _after_change(self, run: Run, what: dict[str, object]) -> None:
        life = run.life
        if what.get("crash") and run.running:
            self.clock.after(run.behaviour.crash, lambda: self._exit(run, life))
        pod = self._pod(run)
        probe = pod["spec"]["containers"][0].get("readinessProbe") if pod is not None else None
        if probe is not None and run.running:
            failures = probe.get("failureThreshold", 3) if not run.behaviour.ready else probe.get("successThreshold", 1)
            self.clock.after(probe.get("periodSeconds", 10) * failures, lambda: self._probe(run, life))

    def named(self, pod: str) -> Iterator[Run]:
        """The runs whose pod has that name."""
        yield from (run for run in list(self.runs.values()) if run.name == pod)

    def _respecified(self, pod: Object) -> None:
        """`kubectl set image pod/...`: the container starts anew with the other image."""
        run = self.runs.get(pod["metadata"]["uid"])
        image = pod["spec"]["containers"][0]["image"]
        if run is not None and run.image != image:
            run.image, run.behaviour, run.running, run.serving = image, self.images.of(image), False, False
            self._tell(run)
            self._pull(run, 0.0)

    def _pod(self, run: Run) -> Object | None:
        pod = self.store.get("pods", run.namespace, run.name)
        return pod if pod is not None and pod["metadata"]["uid"] == run.uid else None

    def _tell(self, run: Run) -> None:
        for call in self.changed:
            call(run)
