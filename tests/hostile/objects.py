"""API objects: fields that are missing, null or of the wrong type; records, locks and annotations that somebody has written over.

What the port hands out is what fits `deliver.cluster.schema`, as over HTTP; annotations and the record's text may say anything at all.
"""

import contextlib
import copy
import json
from collections.abc import Callable
from functools import cache, partial
from random import Random
from typing import Any
from unittest import mock

from deliver.cluster.port import Watch
from deliver.cluster.schema import fitting
from deliver.doctor import run_checks
from deliver.doctor.text import doctor_text
from deliver.engine import commands
from deliver.engine.runtime.record_store import checksum
from deliver.model.errors import DeliverError
from deliver.model.release import Release
from deliver.render import lists, view
from deliver.render.explain import explain_text
from deliver.render.style import PLAIN
from deliver.render.text import history_text, plan_text, status_text
from deliver_sandbox.cluster import SandboxCluster
from deliver_sandbox.faults import Fault as Broken
from deliver_sandbox.faults import Killed, killed
from deliver_sandbox.feed import SandboxFeed
from tests.engine.rig import TARGET, Rig, in_step
from tests.hostile.mutate import junk, mutated
from tests.hostile.specs import told
from tests.hostile.watch import Fault, checked

KINDS = (
    "deployments",
    "deployments",
    "services",
    "services",
    "pods",
    "replicasets",
    "endpointslices",
    "horizontalpodautoscalers",
    "configmaps",
    "configmaps",
    "configmaps",
    "leases",
    "leases",
    "resourcequotas",
    "namespaces",
)
OURS = ("deliver.dev/undo", "deliver.dev/fence", "deliver.dev/hold", "deployment.kubernetes.io/revision")
HOURS = 8.0  # of the world's time that a driver is watched for
Object = dict[str, Any]


def hostile(seed: int, kind: str, obj: Object) -> Object:
    """The same object comes out the same each time; about half of the kind's objects are changed."""
    name = (obj.get("metadata") or {}).get("name")
    random = Random(f"object {seed} {kind} {name}")
    if random.random() < 0.4:
        return obj
    made = copy.deepcopy(obj)
    data = made.get("data") or {}
    if kind == "configmaps" and data.get("release"):
        return _record(random, made)
    if random.random() < 0.25:
        notes = made["metadata"].setdefault("annotations", {}) or {}
        for key in random.sample(OURS, 2):
            notes[key] = json.dumps(mutated(random, json.loads(notes[key]))) if _is_json(notes.get(key)) else str(junk(random))
        made["metadata"]["annotations"] = notes
        return made
    changed: Object = mutated(random, made)
    return changed


def _is_json(value: Any) -> bool:
    try:
        return isinstance(json.loads(value), (dict, list))
    except (TypeError, ValueError, RecursionError):
        return False


def _record(random: Random, made: Object) -> Object:
    """The record is our own, and yet others can write to it: also one with a checksum that fits."""
    data = made["data"]
    key = random.choice(("release", "release", "release", "requests", "history", "schema", "checksum"))
    match random.randrange(4):
        case 0:
            data[key] = str(junk(random))
        case _ if _is_json(data.get(key)):
            data[key] = json.dumps(mutated(random, json.loads(data[key])))
        case _:
            made["data"] = mutated(random, data) if data else data
    if random.random() < 0.9 and isinstance(made.get("data"), dict) and isinstance(made["data"].get("release"), str):
        made["data"]["checksum"] = checksum(made["data"]["release"].encode("utf-8", "replace").decode())
    return made


class HostileFeed(SandboxFeed):
    """A real feed keeps what it had when something unfit comes, and lists anew."""

    seed: int

    def get(self, kind: str, name: str) -> Object | None:
        found = super().get(kind, name)
        return _kept(self.seed, kind, found) if found else None

    def list(self, kind: str) -> list[Object]:
        return [_kept(self.seed, kind, one) for one in super().list(kind)]


def _kept(seed: int, kind: str, obj: Object) -> Object:
    made = hostile(seed, kind, obj)
    try:
        return fitting(kind, made)
    except DeliverError:
        return obj


class HostileCluster(SandboxCluster):
    seed = 0
    kind = ""

    @classmethod
    def over(cls, real: SandboxCluster, seed: int, kind: str) -> "HostileCluster":
        made = cls(real.api, real.kubelet, actor="hostile@test", calls=[])
        made.seed, made.kind = seed, kind
        return made

    def _fit(self, kind: str, obj: Object) -> Object:
        return fitting(kind, hostile(self.seed, kind, obj)) if kind == self.kind else obj

    def get(self, kind: str, namespace: str, name: str, *, deadline: float | None = None) -> Object:
        return self._fit(kind, super().get(kind, namespace, name, deadline=deadline))

    def list(self, kind: str, namespace: str, *, selector: str = "", field: str = "", deadline: float | None = None) -> list[Object]:
        return [self._fit(kind, one) for one in super().list(kind, namespace, selector=selector, field=field, deadline=deadline)]

    def follow(self, namespace: str, watches: Any, wake: Callable[[], None]) -> SandboxFeed:
        feed = super().follow(namespace, [Watch(one.kind, one.selector, one.name) for one in watches], wake)
        if self.kind in {one.kind for one in watches}:
            feed.__class__ = type("Feed", (_OneKind,), {"seed": self.seed, "kind": self.kind})
        return feed


class _OneKind(HostileFeed):
    kind = ""

    def get(self, kind: str, name: str) -> Object | None:
        return super().get(kind, name) if kind == self.kind else SandboxFeed.get(self, kind, name)

    def list(self, kind: str) -> list[Object]:
        return super().list(kind) if kind == self.kind else SandboxFeed.list(self, kind)


# ---------------------------------------------------------------- what is asked of it


def interrupted(step: int) -> Rig:
    """A release that waits in that step; its driver is dead. step 4: it has been promoted."""
    made = Rig.make(hpa=True, rps=0.0)
    if step < 4:
        made.when(in_step(step), lambda: made.world.cluster.script.add(Broken(killed, actor=made.actor)))
    with contextlib.suppress(Killed):
        made.run()
    made.world.cluster.script.clear()
    return made


standing = cache(interrupted)


def _look(cluster: HostileCluster, now: float) -> None:
    release, seen = commands.current(cluster, TARGET)
    if release is not None:
        printable(status_text(release, seen, now, PLAIN, commands.lock_status(cluster, TARGET)))
        json.dumps(view.release_view(release, seen, now), allow_nan=False)
        printable(explain_text(release, now, None, PLAIN))


def _history(cluster: HostileCluster, now: float) -> None:
    found = commands.history(cluster, TARGET)
    printable(history_text(found, now, PLAIN))
    json.dumps(lists.list_view(found, now), allow_nan=False)


def _plan(cluster: HostileCluster, now: float) -> None:
    proposal = commands.propose(cluster, Rig.spec(standing(1)), actor="hostile", now=now)
    printable(plan_text(proposal, PLAIN))
    json.dumps(lists.plan_view(proposal), allow_nan=False)


def _doctor(cluster: HostileCluster, now: float) -> None:
    printable(doctor_text(run_checks(cluster, "shop", None, now=lambda: now), PLAIN))  # type: ignore[arg-type]  # the port, in-process


def printable(shown: str) -> None:
    checked(0, shown, "")


READS: tuple[Callable[[HostileCluster, float], None], ...] = (_look, _look, _history, _plan, _plan, _doctor)


def case(seed: int) -> float | None:
    random = Random(f"objects {seed}")
    kind = random.choice(KINDS)
    if seed % 30 == 0:
        _drive(random, seed, kind)
        return HOURS
    rig = standing(random.choice((1, 3, 4)))
    with _answers():
        random.choice(READS)(HostileCluster.over(rig.world.cluster, seed, kind), rig.world.clock.now())
    return None


@contextlib.contextmanager
def _answers() -> Any:
    """An error of ours, told as it would be, is an answer."""
    try:
        yield
    except DeliverError as error:
        told(error)  # type: ignore[arg-type]  # any of them


def _drive(random: Random, seed: int, kind: str) -> None:
    """Verbs that drive, by a process that sees hostile objects all the time; hours of it if need be."""
    rig = interrupted(random.choice((1, 2, 3, 4)))
    rig.world.clock.wait(20.0)
    cluster = HostileCluster.over(rig.world.cluster, seed, kind)
    tools = partial(rig.tools, "hostile@test")()
    began = rig.world.clock.now()
    over = rig.world.clock.after(HOURS * 3600.0, rig.stop.request)
    common: dict[str, Any] = {"reporter": rig.reporter, "stop": rig.stop, "within": tools.__class__(**{**vars(tools), "cluster": cluster})}
    verb = random.choice(("resume", "rollback", "rollback", "promote", "abort", "run"))
    with _answers(), mock.patch("deliver.engine.core.rollback.LIMIT", 120.0):
        release = _verb(verb, cluster, rig, common)
        if not isinstance(release, Release) or release.outcome is None:
            raise Fault(f"{verb} ended without an end: {release}")
    over.cancel()
    if rig.world.clock.now() - began >= HOURS * 3600.0:
        raise Fault(f"{verb} did not end within {HOURS:g} h; last notes: {rig.reporter.notes[-3:]}")


def _verb(verb: str, cluster: HostileCluster, rig: Rig, common: dict[str, Any]) -> Release:
    if verb == "run":
        proposal = commands.propose(cluster, rig.spec(), actor="hostile@test", now=rig.world.clock.now())
        return commands.run(cluster, proposal, **common)
    common |= {"actor": "hostile@test", "reason": "why\x1b[31m"}
    if verb in ("resume", "rollback"):
        found: Release = getattr(commands, verb)(cluster, TARGET, **common)
        return found
    return commands.ask(cluster, TARGET, verb, **common)
