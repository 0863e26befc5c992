"""The rules of design.md section 3 that can be checked after every event, on what stands in the embedded cluster.

`watched(rig)` puts a Watchdog on the store: it hears each change right after it, and keeps what it finds wrong in `broken`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deliver.engine.runtime.record_store import parse
from deliver.model.journal import Event, open_intents
from deliver.model.names import HASH
from deliver.model.observation import Observation
from deliver.model.release import Outcome, Release
from deliver.model.verdict import binding
from deliver_sandbox.faults import WRITES, Call
from deliver_sandbox.store import Change
from tests.engine.rig import Rig
from tests.hunt.users import LAG, Users

Object = dict[str, Any]

PLANNED: Mapping[tuple[str, str, str], set[str]] = {
    ("patch", "deployments", "web"): {"spec.paused", "spec.replicas", "spec.template"},
    ("create", "deployments", "web-candidate"): {"*"},
    ("patch", "deployments", "web-candidate"): {"spec.replicas"},
    ("delete", "deployments", "web-candidate"): {"*"},
    ("patch", "services", "*"): {"spec.selector"},
    ("create", "services", "web-preview"): {"*"},
    ("delete", "services", "web-preview"): {"*"},
    ("patch", "horizontalpodautoscalers", "web"): {"spec.minReplicas"},
    ("create", "configmaps", "deliver-web"): {"*"},
    ("patch", "configmaps", "deliver-web"): {"data"},
    ("create", "leases", "deliver-web"): {"*"},
    ("patch", "leases", "deliver-web"): {"spec"},
}


@dataclass
class Watchdog:
    """broken: what was seen of a broken rule. served: uids of candidate pods that any EndpointSlice had as ready, with the first time.

    grace: seconds that a Service may select nobody while the other side could serve; 0 but where a stranger brings it about.
    behind: seconds that watches may be. users: what they get and what is told of them.
    """

    rig: Rig
    grace: float = 0.0
    behind: float = LAG
    broken: list[str] = field(default_factory=list)
    served: dict[str, float] = field(default_factory=dict)
    empty_since: dict[str, float] = field(default_factory=dict)
    routed: list[tuple[float, str]] = field(default_factory=list)
    first_call: int = 0
    record: Object = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.began = self.rig.world.clock.now()
        self.users = Users(self.rig.world, self._say, strange=bool(self.grace), lag=self.behind)

    def _say(self, rule: int, text: str) -> None:
        self.broken.append(f"rule {rule}: {text}")

    def hear(self, change: Change) -> None:
        if change.namespace != "shop":
            return
        self.users.hear(change, not self.grace, self.record.get("course", ""))
        if change.kind == "endpointslices" and change.type != "DELETED":
            self._serving(change.obj)
        if change.kind == "services" and change.type != "DELETED":
            self._routed(change.obj)
        if change.kind in ("services", "pods"):
            self._somebody_serves()
        if change.kind == "configmaps" and change.type != "DELETED":
            self._earned(change.obj)
            self._told(change.obj)

    # ------------------------------------------------------------ rule 1

    def _pods(self) -> list[Object]:
        pods = self.rig.world.store.every("pods", "shop")
        return [
            pod for pod in pods if pod["metadata"].get("labels", {}).get("app") == "web" and not pod["metadata"].get("deletionTimestamp")
        ]

    def _somebody_serves(self) -> None:
        """A Service selects nobody who is ready, although a ready pod of the other side stands there."""
        now = self.rig.world.clock.now()
        able = [pod["metadata"]["labels"] for pod in self._pods() if is_ready(pod)]
        for service in self.rig.world.store.every("services", "shop"):
            name, selector = service["metadata"]["name"], service["spec"].get("selector") or {}
            if name.endswith("-preview"):
                continue  # no users
            if not able or any(selector.items() <= labels.items() for labels in able):
                self._over(name, now)
            else:
                self.empty_since.setdefault(name, now)

    def _over(self, name: str, now: float) -> None:
        since = self.empty_since.pop(name, now)
        if now - since > self.grace:
            self.broken.append(f"rule 1: Service {name} selected nobody for {now - since:.2f} s while others were ready")

    # ------------------------------------------------------------ rule 2

    def _earned(self, configmap: Object) -> None:
        """A step is begun only after as many PASS verdicts as there are steps before it, each with its evidence."""
        release = parse(configmap).release
        if release is None or release.plan.strategy != "canary":
            return
        passed = [entry for entry in release.journal if entry.event is Event.STEP_PASSED]
        if len(passed) < release.step:
            self.broken.append(f"rule 2: in step {release.step + 1} after {len(passed)} verdicts")
        self.broken.extend(
            f"rule 2: step {e.step + 1} passed on {[c.verdict.value for c in e.checks]}"
            for e in passed
            if not e.checks or any(c.verdict != "PASS" for c in binding(e.checks))
        )

    def _told(self, configmap: Object) -> None:
        text = (configmap.get("data") or {}).get("release")
        before, self.record = self.record, json.loads(text) if text else {}
        if self.record:
            known = len(before["journal"]) if before.get("id") == self.record["id"] else 0
            self.users.told(self.record, [entry for entry in self.record["journal"][known:] if entry["at"] >= self.began], 0.0)

    def _routed(self, service: Object) -> None:
        pin = (service["spec"].get("selector") or {}).get(HASH, "")
        if not self.routed or self.routed[-1][1] != pin:
            self.routed.append((self.rig.world.clock.now(), pin))

    # ------------------------------------------------------------ who got traffic

    def _serving(self, piece: Object) -> None:
        candidates = {
            pod["metadata"]["uid"]
            for pod in self.rig.world.store.every("pods", "shop")
            if "deliver.dev/release" in pod["metadata"].get("labels", {})
        }
        for endpoint in piece.get("endpoints") or []:
            uid = endpoint["targetRef"]["uid"]
            if endpoint["conditions"]["ready"] and uid in candidates:
                self.served.setdefault(uid, self.rig.world.clock.now())

    # ------------------------------------------------------------ at the end

    def check(self, release: Release | None = None) -> None:
        """Fails on anything that was heard, and on what calls and journal say."""
        now = self.rig.world.clock.now()
        for name in list(self.empty_since):
            self._over(name, now + 1e9)
        self._only_planned()
        if release is not None:
            self.broken += journal_faults(release) + changes_without_intent(self.rig, release)
        assert not self.broken, "\n".join(sorted(set(self.broken)))

    def _only_planned(self) -> None:
        """Rule 9: nothing but the planned fields of the planned objects is ever written."""
        for call in self.rig.world.cluster.calls[self.first_call :]:
            if call.verb in WRITES and (extra := unplanned(call)):
                self.broken.append(f"rule 9: {call.verb} {call.kind} {call.name}: {', '.join(sorted(extra))}")


def watched(rig: Rig, grace: float = 0.0, behind: float = LAG) -> Watchdog:
    dog = Watchdog(rig, grace, behind, first_call=len(rig.world.cluster.calls))
    rig.world.store.listen(dog.hear)
    others = rig.reporter.on_update

    def update(release: Release, seen: Observation | None) -> None:
        others(release, seen)
        dog.users.shown(release, seen, rig.world.clock.now())

    rig.reporter.on_update = update
    return dog


def back(rig: Rig, before: Mapping[str, object], grace: float = 0.0) -> Release:
    """Taken back by somebody on call: everything is what it was `before`, and no rule was broken on the way.

    grace: as the Watchdog's; with one, users may have met what a stranger did.
    """
    dog = watched(rig, grace)
    release = rig.verb("rollback", reason="users complain")
    assert release.outcome is Outcome.ROLLED_BACK, release.reason
    assert rig.before() == before
    assert rig.names("deployments") == {"web"}
    living = [pod for pod in rig.world.cluster.list("pods", "shop") if not pod["metadata"].get("deletionTimestamp")]
    assert {pod["spec"]["containers"][0]["image"] for pod in living} == {"registry/web:1.0.0"}
    assert grace or rig.world.traffic.tally.lost() == 0
    dog.check()
    return release


def is_ready(pod: Object) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in (pod.get("status") or {}).get("conditions") or [])


def unplanned(call: Call) -> set[str]:
    """Fields of a write that no plan names. Our own annotations are part of each."""
    allowed = PLANNED.get((call.verb, call.kind, call.name)) or PLANNED.get((call.verb, call.kind, "*"))
    if allowed is None:
        return {"the object itself"}
    if "*" in allowed or not isinstance(call.body, Mapping):
        return set()
    touched = set()
    for top, value in call.body.items():
        if top == "metadata":
            touched |= {f"metadata.{key}" for key in value if key not in ("annotations", "resourceVersion")}
            touched |= {f"annotation {key}" for key in value.get("annotations") or {} if not key.startswith("deliver.dev/")}
        elif top in allowed:
            continue
        else:
            touched |= {f"{top}.{key}" for key in value}
    return touched - allowed


def journal_faults(release: Release) -> list[str]:
    """Rule 10: numbered without a gap, times never go back, each intent has exactly one outcome, and it comes later."""
    journal, faults = release.journal, []
    if [entry.seq for entry in journal] != list(range(1, len(journal) + 1)):
        faults.append("rule 10: a gap in the journal")
    if sorted(entry.at for entry in journal) != [entry.at for entry in journal]:
        faults.append("rule 10: time goes back in the journal")
    outcomes = [entry.of for entry in journal if entry.kind == "outcome"]
    faults += [f"rule 10: two outcomes of {of}" for of in set(outcomes) if outcomes.count(of) > 1]
    if release.outcome is not None:
        faults += [f"rule 10: no outcome of `{entry.action}`" for entry in open_intents(journal)]
    kinds = {entry.seq: entry.kind for entry in journal}
    faults += [
        f"rule 10: outcome {entry.seq} has no intent"
        for entry in journal
        if entry.kind == "outcome" and (kinds.get(entry.of) != "intent" or entry.of > entry.seq)
    ]
    return faults


INTENTS = {
    ("services", "web"): ("route", "restore-route"),
    ("services", "web-preview"): ("open-preview", "close-preview"),
    ("deployments", "web"): ("hold-stable", "scale-stable", "update-stable", "restore-stable", "release-stable"),
    ("deployments", "web-candidate"): ("create-candidate", "scale-candidate", "delete-candidate"),
    ("horizontalpodautoscalers", "web"): ("hold-autoscaler", "release-autoscaler"),
}


def changes_without_intent(rig: Rig, release: Release) -> list[str]:
    """Rule 10 from the other side: every call that changed a user's object was announced in the journal before it."""
    intents = [entry for entry in release.journal if entry.kind == "intent"]
    faults = []
    for call in rig.world.cluster.calls:
        if call.verb not in WRITES or not call.changed or (call.kind, call.name) not in INTENTS or _only_stamps(call):
            continue
        words = INTENTS[call.kind, call.name]
        if not any(entry.action and entry.action.verb in words and entry.at <= call.at < entry.at + 60 for entry in intents):
            faults.append(f"rule 10: {call.verb} {call.kind} {call.name} at {call.at - release.started:.1f} s was never announced")
    return faults


def _only_stamps(call: Call) -> bool:
    """A takeover's fence on an object: part of taking the lock, no change of the user's."""
    return call.verb == "patch" and isinstance(call.body, Mapping) and not call.body.get("spec")
