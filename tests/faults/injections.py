"""The faults F1 to F28 of safety.md section 7, each as something that happens to a rig at a given moment. Most last for half a minute."""

import contextlib
import errno
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deliver.engine import commands
from deliver.metrics.analyzer import StepAnalyzer
from deliver.model.errors import Forbidden, GateRefused, InputError, Locked, Rejected
from deliver.model.release import Release
from deliver.model.spec import Analysis
from deliver.model.verdict import Verdict
from deliver_sandbox.faults import Fault, conflict, killed, too_many, unreachable
from tests.engine.rig import METRIC, TARGET, Rig

SECONDS = 30.0
BAD = "registry/web:1.1.0"  # the candidate; stable is 1.0.0
OLD = "registry/web:1.0.0"


def struck(rig: Rig, error: Any, seconds: float = SECONDS, **which: Any) -> None:
    now = rig.world.clock.now()
    rig.world.cluster.script.add(Fault(error, since=now, until=now + seconds, **which))


def candidates(rig: Rig) -> list[str]:
    return [pod["metadata"]["name"] for pod in rig.world.cluster.list("pods", "shop", selector="deliver.dev/release")]


def stables(rig: Rig) -> list[str]:
    pods = rig.world.cluster.list("pods", "shop", selector="app=web")
    return [pod["metadata"]["name"] for pod in pods if "deliver.dev/release" not in pod["metadata"]["labels"]]


def behave(rig: Rig, image: str, **how: Any) -> None:
    """From now on the image is like that, in the pods that run and in those to come."""
    from dataclasses import replace

    rig.world.images.known[image] = replace(rig.world.images.of(image), **how)


def later(rig: Rig, call: Callable[[], Any], seconds: float = SECONDS) -> None:
    rig.world.clock.after(seconds, call)


# ---------------------------------------------------------------- the process


def dies(rig: Rig) -> None:
    struck(rig, killed, actor=rig.actor)


def sigint(rig: Rig) -> None:
    rig.stop.request(2)


def suspended(rig: Rig) -> None:
    """The laptop sleeps for ten minutes: the lock has lapsed, and all that is known is old."""
    rig.world.clock.wait(600.0)


@dataclass
class Wrong:
    """An engine clock whose wall time is an hour off from the moment it is made."""

    rig: Rig
    skew: float

    def __post_init__(self) -> None:
        from deliver_sandbox.clock import EngineClock

        self.inner = EngineClock(self.rig.world.clock)

    def now(self) -> float:
        return self.inner.now() + self.skew

    def monotonic(self) -> float:
        return self.inner.monotonic()

    def wait(self, seconds: float) -> None:
        self.inner.wait(seconds)

    def wake(self) -> None:
        self.inner.wake()


def clock_jumps(rig: Rig) -> None:
    """The driver dies, and the next one's wall clock is an hour behind."""
    rig.clock = lambda: Wrong(rig, -3600.0)  # type: ignore[assignment,return-value]  # the engine's Clock, not the sandbox's class of it
    dies(rig)


def output_gone(rig: Rig) -> None:
    """A full disk and a closed pipe under the display."""
    from deliver.render.reporters import make_reporter

    class Full:
        encoding = "ascii"

        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self) -> None:
            raise BrokenPipeError

        def isatty(self) -> bool:
            return False

        def fileno(self) -> int:
            raise ValueError("closed")

    shown = make_reporter(
        output="jsonl",
        color="auto",
        ci="none",
        quiet=False,
        verbose=True,
        stdout=Full(),
        stderr=Full(),
        environ={},
        clock=rig.world.clock.now,
    )  # type: ignore[arg-type]  # a stream that only fails
    rig.reporter.on_update = lambda release, seen: (shown.update(release, seen), shown.note("x"))[0]


# ---------------------------------------------------------------- the API server


def away(rig: Rig) -> None:
    now = rig.world.clock.now()
    rig.world.cluster.script.add(Fault(unreachable(), since=now, until=now + SECONDS, seconds=2.0))


def busy(rig: Rig) -> None:
    struck(rig, too_many, 60.0, when=lambda call: call.seq % 2 == 0, kind="[!l]*")


def answers_lost(rig: Rig) -> None:
    struck(rig, unreachable("the answer was lost"), 3600.0, verb="write", kind="[sdh]*", times=3, applied=True)


def conflicts(rig: Rig) -> None:
    struck(rig, conflict, 3600.0, verb="patch", kind="[sd]*", times=3)


def always_conflict(rig: Rig) -> None:
    struck(rig, conflict, float("inf"), verb="patch", kind="[sd]*", actor=rig.actor)


def silent(rig: Rig) -> None:
    for feed in feeds(rig):
        feed.freeze()
        later(rig, feed.thaw)


def stale(rig: Rig) -> None:
    """Watches five seconds behind, for a minute."""
    for feed in feeds(rig):
        feed._lag = 5.0
        later(rig, lambda feed=feed: setattr(feed, "_lag", 0.005), 60.0)  # type: ignore[misc]


def feeds(rig: Rig) -> list[Any]:
    return [feed for cluster in getattr(rig, "clusters", ()) for feed in cluster.feeds if feed._open]


def unauthorized(rig: Rig) -> None:
    struck(rig, lambda: Forbidden("the credentials have expired", status=401), float("inf"), actor=rig.actor, verb="patch", kind="[sd]*")


def no_rights(rig: Rig) -> None:
    for cluster in (rig.world.cluster, *rig.clusters):  # type: ignore[attr-defined]  # play.made() has put it there
        cluster.allow = lambda verb, kind, namespace, name, subresource: verb not in ("patch", "create")


def webhook(rig: Rig) -> None:
    """Admission denies all that touches the candidate, for a while."""
    struck(rig, lambda: Rejected("denied by policy/no-friday", status=400), verb="write", kind="deployments", name="web-candidate")


# ---------------------------------------------------------------- metrics


def eyes(rig: Rig) -> None:
    """The product's own analyzer on the sandbox's Prometheus, in the judge's place."""
    rig.judge = StepAnalyzer(  # type: ignore[assignment]  # what the judge stands in for
        Analysis(metrics=(METRIC,), poll=5.0), rig.world.metrics, (), rig.world.clock.now, timer=rig.world.clock.monotonic
    )


def prometheus_down(rig: Rig) -> None:
    rig.world.metrics.sick.down = "connection refused"


def prometheus_down_for_a_minute(rig: Rig) -> None:
    prometheus_down(rig)
    later(rig, lambda: setattr(rig.world.metrics.sick, "down", ""), 60.0)


def prometheus_stale(rig: Rig) -> None:
    rig.world.metrics.stop()


def prometheus_partial(rig: Rig) -> None:
    rig.world.metrics.sick.warnings = ("a store gave no answer",)


def prometheus_empty(rig: Rig) -> None:
    rig.world.metrics.sick.empty = True


def fails(rig: Rig) -> None:
    rig.judge.verdict = Verdict.FAIL


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def raw(self, *_: Any) -> Any:
        raise self.error

    value = now = raw


def provider_raises(rig: Rig) -> None:
    rig.judge._provider = Raises(RuntimeError("a bug of theirs"))  # type: ignore[attr-defined]  # eyes() has put a StepAnalyzer there


def provider_exits(rig: Rig) -> None:
    rig.judge._provider = Raises(SystemExit(0))  # type: ignore[attr-defined]  # as above


# ---------------------------------------------------------------- other hands


def second_run(rig: Rig) -> None:
    """Another pipeline starts a release of the same target: it is told who holds it, and changes nothing."""
    try:
        proposal = commands.propose(rig.world.cluster, rig.spec(), actor="other@ci", now=rig.world.clock.now())
        commands.refuse(proposal)
    except (Locked, GateRefused) as error:
        rig.reporter.note(f"second: {error.what}")
        return
    raise AssertionError("a second release was let in")


def lock_held(rig: Rig) -> None:
    """A moment ago, by a clock that is near ours: one that is far ahead proves no life, and its holder is watched instead."""
    stamp = datetime.fromtimestamp(rig.world.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "other@ci:1:abc", "leaseTransitions": 7, "leaseDurationSeconds": 15, "renewTime": stamp}
    rig.world.api.create("leases", "shop", {"metadata": {"name": "deliver-web"}, "spec": spec})


def taken_over(rig: Rig) -> None:
    """On call takes the traffic back from another machine while the driver still drives."""
    rig.verb("rollback", actor="oncall@laptop")


def gitops_once(rig: Rig) -> None:
    rig.edit("services", "web", {"spec": {"selector": {"pod-template-hash": None}}}, "argocd")


def gitops_always(rig: Rig) -> None:
    def revert(change: Any) -> None:
        if change.kind == "services" and "pod-template-hash" in (change.obj["spec"].get("selector") or {}):
            rig.world.clock.after(1.0, lambda: gitops_once(rig))

    rig.world.store.listen(revert)
    gitops_once(rig)


def load_falls(rig: Rig) -> None:
    rig.world.load["shop", "web"] = 0.5


def target_deleted(rig: Rig) -> None:
    rig.remove("deployments", "web")


def selector_edited(rig: Rig) -> None:
    rig.edit("services", "web", {"spec": {"selector": {"tier": "front"}}})


# ---------------------------------------------------------------- pods and nodes


def image_gone(rig: Rig) -> None:
    behave(rig, BAD, missing=True)


def crash_loop(rig: Rig) -> None:
    behave(rig, BAD, crash=3.0)
    for name in candidates(rig):
        rig.world.kubelet.change(name, crash=1.0)


def evicted(rig: Rig) -> None:
    """A node drain takes one pod of each side; their controllers make new ones."""
    for names in (candidates(rig), stables(rig)):
        for name in names[:1] if len(names) > 1 else ():
            rig.remove("pods", name)


def quota(rig: Rig) -> None:
    """No pod more than there are."""
    pods = len(rig.world.cluster.list("pods", "shop"))
    rig.world.api.create("resourcequotas", "shop", {"metadata": {"name": "tight"}, "spec": {"hard": {"pods": str(pods)}}})


def no_way_back(rig: Rig) -> None:
    """The stable pods are gone, and its image with them; then the release is aborted."""
    behave(rig, OLD, missing=True)
    for name in stables(rig):
        rig.remove("pods", name)
    with contextlib.suppress(InputError):
        rig.ask("abort")


def not_moved(rig: Rig) -> None:
    """Services are patched and EndpointSlices do not follow, for half a minute."""
    controller = rig.world.endpoints
    sync = controller.sync
    controller.sync = lambda namespace, name: None  # type: ignore[method-assign]  # broken on purpose

    def mended() -> None:
        controller.sync = sync  # type: ignore[method-assign]  # and whole again
        controller.poke("shop", "web")

    later(rig, mended)


def never_moved(rig: Rig) -> None:
    rig.world.endpoints.sync = lambda namespace, name: None  # type: ignore[method-assign]  # broken on purpose


# ---------------------------------------------------------------- the journal


def _and_dead(rig: Rig, call: Callable[[], Any]) -> None:
    dies(rig)
    call()


def journal_deleted(rig: Rig) -> None:
    _and_dead(rig, lambda: rig.remove("configmaps", "deliver-web"))


def journal_cut(rig: Rig) -> None:
    def cut() -> None:
        text = rig.get("configmaps", "deliver-web")["data"]["release"]
        rig.edit("configmaps", "deliver-web", {"data": {"release": text[: len(text) // 2]}})

    _and_dead(rig, cut)


def journal_newer(rig: Rig) -> None:
    _and_dead(rig, lambda: rig.edit("configmaps", "deliver-web", {"data": {"schema": "99"}}))


def record_in_the_way(rig: Rig) -> None:
    """Before a release: a record of a newer deliver stands there."""
    data = {"schema": "99", "release": json.dumps({}), "checksum": "x"}
    rig.world.api.create("configmaps", "shop", {"metadata": {"name": "deliver-web"}, "data": data})


def resumed(rig: Rig) -> Release:
    """The next driver, where the first one is dead."""
    rig.world.cluster.script.clear()
    rig.world.clock.wait(20.0)
    return rig.verb("resume", actor="next@ci")


def rolled_back(rig: Rig) -> Release:
    """From the cluster alone, where the journal is of no use."""
    rig.world.cluster.script.clear()
    return rig.verb("rollback", actor="oncall@laptop")


def rerun(rig: Rig) -> Release:
    rig.world.cluster.script.clear()
    rig.world.clock.wait(20.0)
    return rig.run()


__all__ = ("TARGET",)
