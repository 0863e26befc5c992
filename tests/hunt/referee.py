"""The rules of design.md section 3 after every change in the store: what a write of ours may do at that moment, and what the record says.

A rule about writes is about ours alone: what a stranger or a controller brings about is not our fault, what we do next is.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deliver.model.journal import Event
from deliver.model.names import FENCE, HASH, RELEASE_LABEL
from deliver_sandbox.store import Change
from deliver_sandbox.world import World
from tests.engine.invariants import INTENTS, is_ready
from tests.hunt.process_cluster import Author
from tests.hunt.record_reader import RecordReader
from tests.hunt.secret import Secret
from tests.hunt.stage import Stage
from tests.hunt.users import LAG, Users, is_preview

Object = dict[str, Any]
USER_KINDS = ("services", "deployments", "horizontalpodautoscalers")
FLAG_INTENTS = ("set-share", "kill-flag", "restore-flag", "release-flag")


def leaving(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _preview(service: Object) -> bool:
    return is_preview(service["metadata"]["name"])


@dataclass(frozen=True)
class Answer:
    """What an analyzer told a process. asked, told: unix seconds of the world's clock."""

    process: str
    asked: float
    told: float
    verdict: str


@dataclass
class Referee:
    """broken: what was seen, with the rule's number. eased: a person has said promote, so a bake may be shorter.

    blurred: until when watches are frozen or slow; what a driver cannot know yet is not held against it.
    """

    world: World
    author: Author
    stage: Stage
    poll: float
    bakes: tuple[float, ...]
    drain: float
    replicas: int
    hpa: bool
    selectors: dict[str, Mapping[str, str]]
    image: str
    answers: list[Answer] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    eased: bool = False
    blurred: float = 0.0
    foreign: dict[tuple[str, str], float] = field(default_factory=dict)
    fences: dict[str, int] = field(default_factory=dict)
    top: dict[tuple[str, str], int] = field(default_factory=dict)
    record: Object = field(default_factory=dict)
    raises: dict[str, dict[int, float]] = field(default_factory=dict)
    rolled_back: set[str] = field(default_factory=set)
    seen_at: dict[str, float] = field(default_factory=dict)
    events: int = 0
    faulty: bool = False  # the API server has trouble in this story
    pods_moved: float = 0.0
    secret: Secret = field(default_factory=Secret)
    reader: RecordReader = field(default_factory=RecordReader)
    hold: float = 0.0
    preview_metrics: bool = True
    on_intent: list[Callable[[str, str], None]] = field(default_factory=list)  # called with (course, verb) of each

    def __post_init__(self) -> None:
        self.users = Users(self.world, self.say, lambda: self.blurred)

    def say(self, rule: int, text: str) -> None:
        who = f" ({self.author.name})" if self.author.name else ""
        self.broken.append(f"rule {rule}: {text}{who} at {self.world.clock.monotonic():.2f} s")

    def hear(self, change: Change) -> None:
        self.events += 1
        if change.namespace != "shop":
            return
        kind, ours = change.kind, bool(self.author.name)
        if ours and self.secret.stands_in(change):
            self.say(11, f"{change.kind} {change.name} holds a secret")
        self.users.hear(change, ours, self.record.get("course", ""))
        if kind == "pods":
            self._pod(change)
        if kind == "leases" and ours:
            self._lease(change.obj)
        if kind == "configmaps" and change.name == "deliver-web":
            self._record(change, ours)
        if kind in USER_KINDS:
            self._users(change, ours)

    # ------------------------------------------------------------ what stands

    def pods(self) -> list[Object]:
        every = self.world.store.every("pods", "shop")
        return [pod for pod in every if not leaving(pod) and "app" in pod["metadata"].get("labels", {})]

    def ready(self, selector: Mapping[str, str], *, settled: bool = False) -> list[Object]:
        """Ready pods that it selects; settled: that the drivers have had time to hear of."""
        found = [pod for pod in self.pods() if is_ready(pod) and selector.items() <= pod["metadata"]["labels"].items()]
        before = self.world.clock.now() - LAG
        return [pod for pod in found if not settled or self.seen_at.get(pod["metadata"]["uid"], 0.0) < before]

    def _pod(self, change: Change) -> None:
        """Since when a pod's readiness is as it is."""
        old, new = change.old, change.obj
        if old is None or change.type == "DELETED" or (is_ready(new), leaving(new)) != (is_ready(old), leaving(old)):
            self.seen_at[change.obj["metadata"]["uid"]] = self.world.clock.now()
            self.pods_moved = self.world.clock.now()

    # ------------------------------------------------------------ rule 7: one driver

    def _lease(self, lease: Object) -> None:
        if lease["spec"].get("holderIdentity") == self.author.name:
            self.fences[self.author.name] = int(lease["spec"]["leaseTransitions"])

    def _fence(self, change: Change) -> None:
        """A write with an older fence than one that this object has had changes nothing. One that was made again is another."""
        key, note = (change.kind, change.obj["metadata"]["uid"]), (change.obj["metadata"].get("annotations") or {}).get(FENCE)
        mine = int(note) if note and change.type != "DELETED" else self.fences.get(self.author.name, 0)
        if mine < self.top.get(key, 0):
            self.say(7, f"{self.author.verb} {change.kind} {change.name} under fence {mine} after {self.top[key]}")
        self.top[key] = max(self.top.get(key, 0), mine)

    # ------------------------------------------------------------ users' objects

    def _users(self, change: Change, ours: bool) -> None:
        if not ours:
            return
        if change.type != "ADDED":
            self._fence(change)
        same = change.old is not None and change.type == "MODIFIED" and change.old.get("spec") == change.obj.get("spec")
        if not same:
            self._announced(change)
        if change.kind == "services" and not same and not _preview(change.obj):
            self._moved(change)
        if change.kind == "deployments" and not same:
            self._deployment(change)

    def _announced(self, change: Change) -> None:
        """Rule 10: an intent stands open in the journal when a user's object changes.

        Users do not wait for the journal (rule 3): what takes them off the new version, and what has to be done for that, comes before.
        """
        if self._open(INTENTS.get((change.kind, change.name)) or INTENTS["services", "web"]):
            return
        new_to_all = self.record.get("course") == "finish"  # nobody is exposed by what leads to the candidate too
        unsaved = self.faulty and (
            self._verb() == "abort" or new_to_all or not self._exposes([change.obj])
        )  # an abort that drives goes back
        if change.kind == "services" and (self._rolling() or self.record.get("course") == "back" or unsaved):
            return
        if self.faulty and self._stopped(change):
            return
        self.say(10, f"{self.author.verb} {change.kind} {change.name} was never announced")

    def _open(self, verbs: tuple[str, ...]) -> bool:
        """An intent with such a verb stands in the record, without an outcome.

        An heir notes for a driver that stands still that nobody knows what became of its intent: for that driver it is open still.
        """
        journal, fence = self.record.get("journal") or [], self.fences.get(self.author.name, 0)
        told = {e["of"]: e for e in journal if e["event"] == Event.OUTCOME}
        intents = [e for e in journal if e["event"] == Event.INTENT and e["action"]["verb"] in verbs]
        return any(
            outcome is None or (outcome["result"] == "unknown" and intent.get("fence", 0) == fence < outcome.get("fence", 0))
            for intent, outcome in ((intent, told.get(intent["seq"])) for intent in intents)
        )

    def _stopped(self, change: Change) -> bool:
        """The Deployment that rolled to the new version gets its template of before while users are on the new version yet."""
        if (change.kind, change.name, change.type) != ("deployments", "web", "MODIFIED") or self.record.get("traffic_off"):
            return False
        assert change.old is not None
        before, old, new = self.record["snapshot"]["template"], change.old["spec"]["template"], change.obj["spec"]["template"]
        return bool(old != before == new)

    def _rolling(self) -> bool:
        return self._verb() == "rollback"

    def _verb(self) -> str:
        """Of the process that writes now."""
        return self.stage.current.name.partition("-")[0] if self.stage.current else ""

    def _size(self) -> int:
        """Of the stable side when the release began: somebody may have scaled it down before."""
        before = self.record.get("snapshot") or {}
        return min(self.replicas, int(before.get("replicas", self.replicas)))

    def _asked(self) -> int:
        """The largest stable side that the plan has."""
        plan = self.record.get("plan") or {}
        return max([self._size(), *(step["stable_pods"] for step in plan.get("steps", ()))])

    def _moved(self, change: Change) -> None:
        """A selector of ours: rule 1 by whom it leaves, rule 2 by whom it lets in."""
        assert change.old is not None
        old, new = change.old["spec"].get("selector") or {}, change.obj["spec"].get("selector") or {}
        floor = math.ceil(self._size() / 2)
        gets = self.ready(new)
        left = [pod for pod in self.ready(old, settled=True) if not new.items() <= pod["metadata"]["labels"].items()]
        if not self.world.store.get("deployments", "shop", "web-candidate"):  # its pods go with it: they are no capacity
            left = [pod for pod in left if RELEASE_LABEL not in pod["metadata"]["labels"]]
        if len(gets) < floor and left and self.world.clock.now() > max(self.blurred, self.pods_moved + LAG):
            self.say(1, f"Service {change.name} was moved to {len(gets)} ready pods, away from {len(left)}")
        labels = [pod["metadata"]["labels"] for pod in self.pods()]
        candidates = [one for one in labels if RELEASE_LABEL in one and new.items() <= one.items()]
        let_in = any(not old.items() <= one.items() for one in candidates)
        shut_out = any(old.items() <= one.items() and not new.items() <= one.items() for one in labels if RELEASE_LABEL not in one)
        back = self.record.get("course") == "back" or (self.record.get("course") == "finish" and self._rolling())  # or not saved yet
        before = (self.record.get("snapshot") or {}).get("hash")
        # rule 1: whoever is ready serves; users who all have the new version are not led to it
        rescued = back and (old.get(HASH, before) != before or (gets and not self.ready(old, settled=True)))
        if candidates and (let_in or shut_out) and not rescued:
            self._raised(f"Service {change.name} lets the candidate have more")

    def _deployment(self, change: Change) -> None:
        if change.name == "web-candidate":
            self._candidate(change)
        elif change.type == "MODIFIED" and change.old is not None:
            now, was = change.obj["spec"], change.old["spec"]
            less, ours = now["replicas"] < was["replicas"], was["replicas"] <= self._asked()  # more was a stranger's wish
            if less and (now["replicas"] < self._size() or not ours) and not self.hpa:
                self.say(4, f"the stable side was scaled from {was['replicas']} to {now['replicas']}")
            image = now["template"]["spec"]["containers"][0]["image"]
            if (
                now["template"] != was["template"]
                and image == self.record.get("spec", {}).get("image")
                and self.record["plan"]["strategy"] in ("canary", "blue-green")
            ):
                self._finished()

    def _candidate(self, change: Change) -> None:
        deleted = change.type == "DELETED" or change.obj["metadata"].get("deletionTimestamp")
        fewer = change.old is not None and change.obj["spec"]["replicas"] < change.old["spec"]["replicas"]
        if deleted or fewer:
            for service in self._services():
                name, selector = service["metadata"]["name"], service["spec"].get("selector") or {"app": "web"}
                serving = self.ready(selector, settled=True)
                lost = [pod for pod in serving if RELEASE_LABEL in pod["metadata"]["labels"]]
                if self._joined(name) and len(lost) < len(serving):
                    continue  # nobody has led its users there, and they have other pods
                if lost and self.world.clock.now() > max(self.blurred, self.foreign.get(("services", name), 0.0) + LAG):
                    self.say(4, f"the candidate was taken away under the traffic of Service {name}")
        elif change.old is not None and change.obj["spec"]["replicas"] > change.old["spec"]["replicas"] and self._shared():
            self._raised(f"the candidate was scaled to {change.obj['spec']['replicas']}")

    def _joined(self, name: str) -> bool:
        """A Service that did not lead to the application when the release began."""
        known = (self.record.get("snapshot") or {}).get("services") or ()
        return bool(known) and name not in [one["name"] for one in known]

    def _shared(self) -> bool:
        """Some Service leads to both sides: more pods of one side are a larger share for it."""
        services = [one["spec"].get("selector") or {} for one in self._services()]
        stable = [pod["metadata"]["labels"] for pod in self.pods() if RELEASE_LABEL not in pod["metadata"]["labels"]]
        return self.exposed() and any(selector.items() <= labels.items() for selector in services for labels in stable)

    def _services(self) -> list[Object]:
        """Those with users."""
        return [one for one in self.world.store.every("services", "shop") if not _preview(one)]

    def exposed(self) -> bool:
        return self._exposes(self._services())

    def _exposes(self, services: list[Object]) -> bool:
        """One of them leads to the candidate."""
        selectors = [one["spec"].get("selector") or {} for one in services]
        candidates = [pod["metadata"]["labels"] for pod in self.pods() if RELEASE_LABEL in pod["metadata"]["labels"]]
        return any(selector.items() <= labels.items() for selector in selectors for labels in candidates)

    # ------------------------------------------------------------ rule 2: earned

    def _raised(self, what: str) -> None:
        """The first rise of each step needs a PASS on data of the step before, and that step's bake."""
        if self.record.get("course") != "forward":
            if self.record.get("course") == "finish" and not self._rolling():
                return  # 100 % already
            self.say(2, f"{what} on course {self.record.get('course')}")
            return
        step, raises = self.record["step"], self.raises.setdefault(self.record["id"], {})
        if step not in raises and step > 0:
            self._earned(step - 1, raises, what)
        raises[step] = self.world.clock.now()

    def _earned(self, step: int, raises: dict[int, float], what: str, more: float = 0.0) -> None:
        now = self.world.clock.now()
        began = max((at for number, at in raises.items() if number <= step), default=None)  # two weights may need the same pods
        if began is None:
            self.say(2, f"{what}, and step {step + 1} was left out")
            return
        if now - began < self.bakes[step] + more - 0.01 and not self.eased:
            self.say(2, f"{what} after {now - began:.1f} s of a bake of {self.bakes[step]:g} s")
        if self.record["plan"]["steps"][step]["preview"] and not self.preview_metrics:
            return  # judged by its pods alone
        mine = [answer for answer in self.answers if answer.process == self.author.name]
        last = max(reversed(mine), key=lambda answer: answer.told, default=None)  # of two at one moment, the one that was asked later
        good = [answer for answer in mine if answer.verdict == "PASS" and answer.asked >= began and now - answer.told <= 3 * self.poll + 40]
        if not good or last is None or (last.verdict != "PASS" and last.told < now - LAG):
            self.say(2, f"{what} without a fresh PASS; last answer {last}")

    def _finished(self) -> None:
        last = len(self.bakes) - 1
        if self.record.get("course") != "finish":
            self.say(4, f"the Deployment got the new version on course {self.record.get('course')}")
        raises = self.raises.get(self.record["id"], {})
        if last not in raises and not self.foreign:
            self.say(2, "the Deployment got the new version before the last step")
        kept = max(self.bakes[last] + self.hold, self.drain) - 0.01
        if last in raises and self.world.clock.now() - raises[last] < kept and not self.eased:
            self.say(4, "stable capacity was given up before the last bake and the drain were over")

    # ------------------------------------------------------------ the flag

    def flagged(self, verb: str, before: float | None, percent: float | None, fence: int | None) -> None:
        """A write of ours to the flag. fence: in its mark, None when the write took the mark away."""
        now, key = self.world.clock.now(), ("flags", "flag")
        if fence is not None:
            if verb == "set" and fence < self.top.get(key, 0):
                self.say(7, f"flag set to {percent:g} % under fence {fence} after {self.top[key]}")
            self.top[key] = max(self.top.get(key, 0), fence)
        back = self._rolling() or self.record.get("course") == "back" or self.faulty  # users do not wait for the journal (rule 3)
        if not self._open(FLAG_INTENTS) and not (verb == "kill" and back):
            self.say(10, f"{verb} {percent} of the flag was never announced")
        if verb == "set" and percent is not None and percent > (before or 0.0):
            self._raised(f"flag raised to {percent:g} % at {now:.2f}")

    # ------------------------------------------------------------ the record

    def _record(self, change: Change, ours: bool) -> None:
        data = change.obj.get("data") or {}
        text = data.get("release")
        if not ours or change.type == "DELETED" or not text or text == (((change.old or {}).get("data")) or {}).get("release"):
            return
        before, self.record = self.record, self.reader.read(text)
        self._fence(change)
        same = before.get("id") == self.record["id"]
        self._previewed()
        old, new = (before.get("journal") or []) if same else [], self.record["journal"]
        if new[: len(old)] != old:
            self.say(10, "the journal was rewritten")
        if [entry["seq"] for entry in new] != list(range(1, len(new) + 1)):
            self.say(10, "a gap in the journal")
        self.users.told(self.record, new[len(old) :], self._skew())
        for entry in new[len(old) :]:
            if entry["event"] == Event.INTENT:
                for call in tuple(self.on_intent):
                    call(self.record["course"], entry["action"]["verb"])
            verdicts = {check["verdict"] for check in entry.get("checks", ())}
            if entry["event"] == Event.STEP_PASSED and verdicts != {"PASS"}:
                self.say(2, f"step {entry.get('step', 0) + 1} passed on {sorted(verdicts)}")
        if same and self.record["id"] in self.rolled_back and self.record["course"] != "back":
            self.say(7, f"release {self.record['id']} went {self.record['course']} after it was rolled back")
        if same and self.record["course"] == "forward" and before["course"] == "back":
            self.say(3, "a rollback was turned forward again")
        if self.record["outcome"] == "ROLLED_BACK":
            self.rolled_back.add(self.record["id"])

    def _previewed(self) -> None:
        """A step that moves no user begins with its bake; so does one whose users a stranger has let in already."""
        record, step = self.record, self.record["step"]
        if step and record["plan"]["steps"][step - 1]["preview"]:  # a record that could not be saved meanwhile has it in its journal
            baked = [e["at"] for e in record["journal"] if e["event"] == Event.BAKE_BEGAN and e.get("step", 0) == step - 1]
            for at in baked:
                self.raises.setdefault(record["id"], {}).setdefault(step - 1, at - self._skew())
        if not record["bake_since"]:
            return
        raises, step, began = self.raises.setdefault(record["id"], {}), record["step"], record["bake_since"] - self._skew()
        if record["plan"]["steps"][step]["preview"]:
            raises[step] = began
        elif self.foreign:
            raises.setdefault(step, began)

    def _skew(self) -> float:
        return self.stage.current.skew if self.stage.current else 0.0
