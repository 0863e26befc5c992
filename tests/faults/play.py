"""Plays one cell of the table: a release on the embedded cluster, the fault at its moment, and what became of it."""

from collections.abc import Callable

from deliver.model.errors import DeliverError
from deliver.model.release import Outcome, Release
from deliver.model.verdict import Verdict
from deliver_sandbox.faults import Killed
from tests.engine.invariants import watched
from tests.engine.rig import Rig, in_step
from tests.faults import injections
from tests.faults.table import PHASES, Row

LONGEST = 2 * 3600.0  # seconds of the world's time in which every release ends


def moment(phase: str) -> Callable[[Release], bool]:
    word, _, step = phase.partition(" ")
    if step:
        return in_step(int(step), word.capitalize())
    return {
        "finish": lambda release: release.phase == "Finishing",
        "rolled": lambda release: bool(release.new_hash),
        "back": lambda release: release.course == "back",
    }[word]


def play(row: Row, phase: str) -> str:
    """What is wrong with the cell; "" when it ends as the table says and every rule held."""
    wanted = row.end(phase)
    if wanted.outcome == "na":
        return ""
    rig = made(row)
    before, dog, began = rig.before(), watched(rig, row.grace, row.behind), rig.world.clock.now()
    hit = [0.0] if phase == "preflight" else rig.when(moment(phase), lambda: row.inject(rig))
    if phase == "preflight":
        row.inject(rig)
        before = stands(rig)
    if phase == "back":
        _bad(rig, row)
    release, refusal = _driven(rig, row, phase)
    if not hit:
        return "the fault never happened: the release was never in that phase"
    rig.world.cluster.script.clear()  # what comes now is a look at what stands
    if wanted.outcome == "refused":
        return _refusal(refusal, wanted.code, wanted.words, rig, before)
    if release is None:
        return f"refused: {refusal}"
    wrong = []
    if release.outcome is None or release.outcome.value != wanted.outcome or wanted.words not in release.reason:
        wrong.append(f"{release.outcome}: {release.reason}")
    if rig.world.clock.now() - began > LONGEST:
        wrong.append(f"rule 5: {rig.world.clock.now() - began:.0f} s")
    if release.outcome is Outcome.ROLLED_BACK and not row.strange and rig.before() != before:
        wrong.append("rule 6: not everything is as it was")
    try:
        dog.check(None if row.strange or row.then else release)
    except AssertionError as error:
        wrong.append(str(error))
    return "; ".join(wrong)


def made(row: Row) -> Rig:
    rig = Rig.make(**row.world)
    tools, clusters = rig.tools, []

    def spied(actor: str | None = None) -> object:
        got = tools(actor)
        clusters.append(got.cluster)
        return got

    rig.tools = spied  # type: ignore[assignment]  # the rig's own, listened to
    rig.clusters = clusters  # type: ignore[attr-defined]  # for faults of the watches
    if row.eyes:
        injections.eyes(rig)
    return rig


def _bad(rig: Rig, row: Row) -> None:
    """Step 2 fails, so that there is a rollback for the fault to meet."""
    if row.eyes:
        rig.when(in_step(2), lambda: injections.behave(rig, injections.BAD, errors=0.5))
        rig.when(in_step(2), lambda: rig.ask("abort"))
    else:
        rig.when(in_step(2), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))


def _driven(rig: Rig, row: Row, phase: str) -> tuple[Release | None, DeliverError | None]:
    try:
        return rig.run(rig.spec(weights=(20, 50), bake="30s", max_blind=120.0, **row.spec)), None
    except Killed:
        return _heir(rig, row, phase)
    except DeliverError as error:
        return None, error


def stands(rig: Rig) -> dict[str, object]:
    """Whatever is wrong with the calls."""
    script = rig.world.cluster.script
    faults, script.faults = script.faults, []
    before: dict[str, object] = rig.before()
    script.faults = faults
    return before


def _heir(rig: Rig, row: Row, phase: str) -> tuple[Release | None, DeliverError | None]:
    assert row.then
    try:
        return (injections.rerun if phase == "preflight" else row.then)(rig), None
    except DeliverError as error:
        return None, error


def _refusal(error: DeliverError | None, code: int, words: str, rig: Rig, before: object) -> str:
    if error is None:
        return "it was let in"
    if int(error.exit_code) != code or words not in f"{error.what} {error.why}":
        return f"exit code {int(error.exit_code)}: {error.what} {error.why}"
    return "" if rig.before() == before else "something was changed"


def cells() -> list[tuple[int, str]]:
    """(row, phase) of all that can be."""
    from tests.faults.table import ROWS

    return [(number, phase) for number, row in enumerate(ROWS) for phase in PHASES if row.end(phase).outcome != "na"]
