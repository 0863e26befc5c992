"""The fault matrix: what must become of a release, by fault and phase. It reads as the specification; `python -m tests.faults` plays it.

Phases: preflight (before a release), preparing, shifting and baking (of each of the three steps), finish (the finish begins), rolled (the
Deployment has the new version), back (a rollback is under way). An end for `baking 3` goes before one for `baking`.
Ends: promoted, rolled back, held(words), failed(words) = ROLLBACK_FAILED, refused(exit code, words), na(why it cannot be).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.rig import Rig
from tests.faults import injections as make
from tests.hunt.users import LAG

STEPS = (1, 2, 3)
BETWEEN = "both sides are selected already: more pods are more exposure"  # why step 2 shifts nothing
PHASES = (
    "preflight",
    *(f"{phase} {step}" for step in STEPS for phase in ("preparing", "shifting", "baking") if (phase, step) != ("shifting", 2)),
    "finish",
    "rolled",
    "back",
)


@dataclass(frozen=True)
class End:
    """outcome: or "refused", "na". words: in the reason. code: of a refusal."""

    outcome: str
    words: str = ""
    code: int = 0


ENOUGH_RUN = dict.fromkeys(("baking 2", "preparing 3", "shifting 3", "baking 3", "finish"), End("HELD", "did not roll out"))
"""From step 2 on the candidate has all its pods, and the traffic can stay on them: only the Deployment's own new pods do not come."""
PROMOTED, BACK = End("PROMOTED"), End("ROLLED_BACK")


def held(words: str) -> End:
    return End("HELD", words)


def failed(words: str) -> End:
    return End("ROLLBACK_FAILED", words)


def back(words: str) -> End:
    return End("ROLLED_BACK", words)


def refused(code: int, words: str) -> End:
    return End("refused", words, code)


def na(why: str) -> End:
    return End("na", why)


@dataclass(frozen=True)
class Row:
    """name: what happens. inject: how. then: what a person or the next process does afterwards, where the driver is dead.

    world: how the rig is made. eyes: judged by the product's own analyzer. spec: options of the release. strange: others change the
    user's objects, so what stood before is not what stands after; grace: seconds that a Service may select nobody by their doing.
    behind: seconds that watches may be.
    """

    id: str
    name: str
    inject: Callable[[Rig], Any]
    ends: Mapping[str, End]
    then: Callable[[Rig], Any] | None = None
    world: Mapping[str, Any] = field(default_factory=dict)
    eyes: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)
    strange: bool = False
    grace: float = 0.0
    behind: float = LAG

    def end(self, phase: str) -> End:
        return self.ends.get(phase) or self.ends.get(phase.split(maxsplit=1)[0]) or self.ends["else"]


NOTHING_RUNS = na("nothing runs yet")
BLIND = "could not be judged"

ROWS = (
    Row("F1", "the driver is killed", make.dies, {"preflight": PROMOTED, "back": BACK, "else": PROMOTED}, then=make.resumed),
    Row("F2", "Ctrl-C", make.sigint, {"preflight": held("stopped by SIGINT"), "back": BACK, "else": held("stopped by SIGINT")}),
    Row("F3", "the API server is away for 30 s", make.away, {"preflight": refused(8, "does not answer"), "back": BACK, "else": PROMOTED}),
    Row(
        "F4",
        "half of all calls are answered 429, for a minute",
        make.busy,
        {"preflight": refused(8, "too many requests"), "back": BACK, "else": PROMOTED},
    ),
    Row("F5", "three writes whose answers are lost", make.answers_lost, {"back": BACK, "else": PROMOTED}),
    Row("F6", "three conflicts", make.conflicts, {"back": BACK, "else": PROMOTED}),
    Row("F6", "nothing but conflicts", make.always_conflict, {"back": failed("not done within"), "else": held("refused again and again")}),
    Row("F7", "watches fall silent for 30 s", make.silent, {"preflight": NOTHING_RUNS, "back": BACK, "else": PROMOTED}, behind=40.0),
    Row("F8", "watches are 5 s behind for a minute", make.stale, {"preflight": NOTHING_RUNS, "back": BACK, "else": PROMOTED}, behind=6.0),
    Row(
        "F9",
        "Prometheus is down",
        make.prometheus_down,
        {"finish": PROMOTED, "rolled": PROMOTED, "back": BACK, "else": held(BLIND)},
        eyes=True,
    ),
    Row("F9", "Prometheus is down for a minute", make.prometheus_down_for_a_minute, {"back": BACK, "else": PROMOTED}, eyes=True),
    Row(
        "F10",
        "no scrape any more: samples grow old",
        make.prometheus_stale,
        {"finish": PROMOTED, "rolled": PROMOTED, "back": BACK, "else": held(BLIND)},
        eyes=True,
    ),
    Row(
        "F11",
        "partial answers, `on_blind: rollback`",
        make.prometheus_partial,
        {"finish": PROMOTED, "rolled": PROMOTED, "else": back(""), "preflight": back(BLIND)},
        eyes=True,
        spec={"on_blind": "rollback"},
    ),
    Row(
        "F11",
        "empty answers",
        make.prometheus_empty,
        {"finish": PROMOTED, "rolled": PROMOTED, "back": BACK, "else": held(BLIND)},
        eyes=True,
    ),
    Row("F12", "the checks say FAIL", make.fails, {"rolled": BACK, "else": back("")}),
    Row("F13", "a second pipeline starts a release", make.second_run, {"preflight": NOTHING_RUNS, "back": BACK, "else": PROMOTED}),
    Row("F13", "another holds the lock", make.lock_held, {"preflight": refused(6, "held by other@ci"), "else": na("the lock is ours")}),
    Row("F13", "on call rolls back from elsewhere", make.taken_over, {"preflight": NOTHING_RUNS, "else": back("")}),
    Row("F14", "GitOps puts the selector back once", make.gitops_once, {"back": BACK, "else": PROMOTED}, grace=1.0),
    Row(
        "F14",
        "GitOps puts the selector back every time",
        make.gitops_always,
        {"preflight": held("keeps taking traffic"), "finish": PROMOTED, "rolled": PROMOTED, "back": BACK, "else": held("")},
        strange=True,
        grace=5.0,
    ),
    Row(
        "F15",
        "the load falls, and an HPA would shrink the stable side",
        make.load_falls,
        {"back": BACK, "else": PROMOTED},
        world={"hpa": True},
    ),
    Row(
        "F16",
        "the candidate's image is gone from the registry",
        make.image_gone,
        dict.fromkeys(ENOUGH_RUN, held("cannot pull")) | {"rolled": PROMOTED, "back": BACK, "else": back("image")},
    ),
    Row("F17", "the candidate crashes in a loop", make.crash_loop, {"rolled": BACK, "else": back("")}, grace=0.1),
    Row("F18", "a drain evicts a pod of each side", make.evicted, {"back": BACK, "else": PROMOTED}, grace=1.0),
    Row(
        "F19",
        "a quota with no room",
        make.quota,
        dict.fromkeys(ENOUGH_RUN, PROMOTED)  # its old pods go as it rolls, and that makes room
        | {"preflight": refused(9, "ResourceQuota tight"), "rolled": PROMOTED, "back": BACK, "else": back("quota")},
    ),
    Row(
        "F20",
        "admission denies the candidate, for 30 s",
        make.webhook,
        dict.fromkeys((*ENOUGH_RUN, "shifting 1"), PROMOTED)
        | {"finish": held("denied by policy"), "rolled": held("denied by policy"), "back": BACK, "else": back("")},
    ),
    Row(
        "F21",
        "the driver dies, the next one's clock is an hour behind",
        make.clock_jumps,
        {"preflight": PROMOTED, "back": BACK, "else": PROMOTED},
        then=make.resumed,
    ),
    Row(
        "F21",
        "the machine sleeps for 10 minutes",
        make.suspended,
        {"preparing": back("not ready within"), "preparing 3": PROMOTED, "back": BACK, "else": PROMOTED},
    ),
    Row(
        "F22",
        "the credentials expire",
        make.unauthorized,
        {"back": failed("not done within"), "else": held("not permitted: the credentials have expired")},
    ),
    Row(
        "F22",
        "no right to write",
        make.no_rights,
        {"preflight": refused(8, "not permitted"), "back": failed("not permitted"), "else": held("not permitted")},
    ),
    Row(
        "F23",
        "the stable pods and their image are gone, and the release is aborted",
        make.no_way_back,
        {"preflight": NOTHING_RUNS, "preparing 1": BACK, "else": failed("too few ready pods")},
        strange=True,
        grace=0.5,
    ),
    Row("F24", "EndpointSlices do not follow for 30 s", make.not_moved, {"back": BACK, "else": PROMOTED}, grace=1.0),
    Row(
        "F24",
        "EndpointSlices never follow",
        make.never_moved,
        dict.fromkeys(("baking 3", "finish", "rolled"), held("not seen to take effect"))
        | {"preflight": back(""), "preparing 1": back(""), "shifting 1": back(""), "else": failed("not done within")},
        strange=True,
        grace=1e12,
    ),
    Row(
        "F25",
        "the driver dies and its journal is deleted",
        make.journal_deleted,
        {"preflight": NOTHING_RUNS, "else": BACK},
        then=make.rolled_back,
    ),
    Row(
        "F25",
        "the driver dies and its journal is cut off",
        make.journal_cut,
        {"preflight": NOTHING_RUNS, "else": BACK},
        then=make.rolled_back,
    ),
    Row(
        "F25",
        "the driver dies and its journal is of a newer deliver",
        make.journal_newer,
        {"preflight": NOTHING_RUNS, "else": BACK},
        then=make.rolled_back,
    ),
    Row(
        "F25",
        "a record of a newer deliver stands there",
        make.record_in_the_way,
        {"preflight": refused(9, "cannot be trusted"), "else": na("the record is ours")},
    ),
    Row(
        "F26",
        "the Deployment is deleted",
        make.target_deleted,
        {"preflight": refused(2, "does not exist"), "back": failed("not the one that stood before"), "else": held("was deleted")},
        strange=True,
        grace=1e12,
    ),
    Row(
        "F26",
        "somebody edits the Service's selector",
        make.selector_edited,
        {"preflight": refused(9, "no Service"), "back": BACK, "else": held("the selector of Service web was changed")},
        strange=True,
        grace=1e12,
    ),
    Row("F27", "a full disk and a closed pipe", make.output_gone, {"back": BACK, "else": PROMOTED}),
    Row(
        "F28",
        "the metric plugin raises",
        make.provider_raises,
        {"finish": PROMOTED, "rolled": PROMOTED, "back": BACK, "else": held(BLIND)},
        eyes=True,
    ),
    Row(
        "F28",
        "the metric plugin exits the process",
        make.provider_exits,
        {"finish": PROMOTED, "rolled": PROMOTED, "back": BACK, "else": held(BLIND)},
        eyes=True,
    ),
)
