"""Pods whose readiness somebody else gives, who looks at the very Services that a candidate is kept out of at first."""

from collections.abc import Callable
from typing import Any

import pytest

from deliver.model.journal import Event
from deliver.model.release import Outcome, Release
from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.api import MERGE
from tests.engine import blue_green
from tests.engine.rig import Rig, in_step

GATE = "target-health.example.com/web"


def gated(*, strict: bool = False, replicas: int = 4) -> Rig:
    """A load balancer's controller looks each second, and says so of the pods that it finds. strict: and takes it back of the others."""
    rig = Rig.make(replicas=replicas)
    api = rig.world.api

    def found() -> set[str]:
        slices = api.list("endpointslices", "shop")
        return {end["targetRef"]["name"] for one in slices for end in one["endpoints"] or () if "targetRef" in end}

    def give() -> None:
        there = found()
        for pod in api.list("pods", "shop"):
            name, status = pod["metadata"]["name"], pod.get("status") or {}
            known = {one["type"]: one for one in status.get("conditions") or ()}
            ready = known.get("ContainersReady", {}).get("status") == "True"
            wanted = "True" if name in there and ready else "False" if strict else known.get(GATE, {}).get("status", "False")
            if known.get(GATE, {}).get("status") != wanted and pod["spec"].get("readinessGates"):
                conditions = [one for type_, one in known.items() if type_ != GATE]
                conditions.append({"type": GATE, "status": wanted, "lastTransitionTime": None})
                api.patch("pods", "shop", name, {"status": {"conditions": conditions}}, MERGE, "status")
        rig.world.clock.after(1.0, give)

    body = {"spec": {"template": {"spec": {"readinessGates": [{"conditionType": GATE}]}}}}
    api.patch("deployments", "shop", "web", body, MERGE)
    give()
    rig.world.clock.wait(60.0)
    assert api.get("deployments", "shop", "web")["status"]["availableReplicas"] == replicas
    return rig


@pytest.mark.parametrize("strict", [False, True])
def test_a_canary_of_gated_pods_is_promoted(strict: bool):
    rig = gated(strict=strict)
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert rig.world.traffic.tally.lost() == 0


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("strict", [False, True])
def test_a_canary_of_gated_pods_is_taken_back(step: int, strict: bool):
    rig = gated(strict=strict)
    before = rig.before()

    def turn() -> None:
        rig.judge.verdict = Verdict.FAIL

    rig.when(in_step(step), turn)
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert rig.world.traffic.tally.lost() == 0


def test_a_gate_that_nobody_sets_is_named_while_it_is_waited_for_and_at_the_end():
    rig = gated()

    def stop() -> None:
        rig.world.clock.after = stop_giving(rig.world.clock.after)  # type: ignore[method-assign]  # the controller is gone

    rig.when(lambda release: release.phase == "Preparing", stop)
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert release.outcome is Outcome.ROLLED_BACK
    assert f"its containers are ready, readiness gate {GATE} is not set" in release.reason
    said = [sentence(one, release) for one in release.journal if one.event is Event.PODS_AWAITED]
    assert any(GATE in text for text in said)
    assert rig.world.traffic.tally.lost() == 0


def stop_giving(after: Callable[..., Any]) -> Callable[..., Any]:
    def without(delay: float, call: Callable[[], Any]) -> Any:
        return after(delay, (lambda: None) if getattr(call, "__name__", "") == "give" else call)

    return without


def test_plan_tells_of_the_gates():
    rig = gated()
    (found,) = [one for one in rig.propose().findings if one.rule == "readiness-gates"]
    assert GATE in found.message


@pytest.mark.parametrize("strict", [False, True])
def test_a_blue_green_release_of_gated_pods_is_promoted(strict: bool):
    """Alone the candidate would have no endpoint at the switch: both sides serve until its gates are set."""
    rig = gated(strict=strict)
    release = rig.run(blue_green.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert rig.world.traffic.tally.lost() == 0


@pytest.mark.parametrize("when", [in_step(1), in_step(2), lambda release: release.course == "finish"])
@pytest.mark.parametrize("strict", [False, True])
def test_a_blue_green_release_of_gated_pods_is_taken_back(strict: bool, when: Callable[[Release], bool]):
    rig = gated(strict=strict)
    before = rig.before()
    rig.when(when, lambda: rig.ask("abort"))
    release = rig.run(blue_green.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert release.outcome is Outcome.ROLLED_BACK, release.reason
    assert rig.before() == before
    assert rig.world.traffic.tally.lost() == 0
