"""The releases whose records lie here. Played by 0.1.0, which wrote them, and again by the tests: what both import is called alike."""

from dataclasses import replace
from typing import Any

try:
    from tests.engine.driver.test_crash import scenario, wanted
    from tests.engine.driver.test_flags import FlagRig
except ImportError:  # where 0.1.0 has them
    from tests.engine.test_crash import scenario, wanted
    from tests.engine.test_flags import FlagRig

from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from tests.engine.rig import Rig, in_step

NAMES = [f"{strategy}-{kind}" for strategy in ("canary", "blue-green", "flag") for kind in ("good", "bad", "late", "held", "killed")]


def made(name: str) -> tuple[Rig, Any]:
    """The stage and what is to be released on it. good: with a pause on the way; killed: of the same, and its driver dies.

    bad: found out in the second step; late: aborted in the finish, a flag in its second step; held: nothing can be judged any more.
    """
    strategy, _, kind = name.rpartition("-")
    rig: Rig = FlagRig.make() if strategy == "flag" else Rig.make(hpa=True) if kind == "held" else scenario(strategy, kind)
    if kind == "good":
        rig.when(in_step(1), lambda: rig.ask("pause", reason="lunch"))
        rig.when(lambda release: release.phase == "Paused", lambda: rig.ask("resume"))
    if kind == "held":
        begin = rig.world.clock.now() + (60 if strategy == "blue-green" else 100)
        rig.judge.verdict = lambda now: Verdict.BLIND if 0 < now - begin < 500 else Verdict.PASS
    if isinstance(rig, FlagRig) and kind == "bad":
        rig.fails_from(2)
    if isinstance(rig, FlagRig) and kind == "late":
        rig.when(in_step(2), lambda: rig.ask("abort", reason="graphs look wrong"))
    spec = rig.spec() if strategy == "flag" else wanted(rig, strategy)
    return rig, replace(spec, limits=replace(spec.limits, total=Limits().total))
