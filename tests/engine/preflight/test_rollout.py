"""How long a roll-out takes at the least, and who else has a say in when its pods are ready."""

from typing import Any

import pytest

from deliver.engine.preflight.rollout import injected_gate_findings, rollout_findings, rollout_time, rounds
from deliver.model.spec import Limits
from deliver_sandbox import fixtures
from tests.engine.rig import Rig


def deployment(replicas: int = 4, surge: Any = "25%", missing: Any = "25%", delay: int = 0, **spec: Any) -> dict[str, Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": missing}}
    made = fixtures.deployment(replicas=replicas, strategy=strategy, **spec)
    made["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["initialDelaySeconds"] = delay
    return made


@pytest.mark.parametrize(
    ("replicas", "surge", "missing", "lots"),
    [(4, "25%", "25%", 2), (4, 1, 0, 4), (10, "25%", "25%", 2), (1, "25%", "25%", 1), (3, "100%", 0, 1)],
)
def test_how_many_lots_of_pods_one_after_another(replicas: int, surge: Any, missing: Any, lots: int):
    assert rounds(deployment(replicas, surge, missing)) == lots


def test_each_lot_takes_its_start_and_all_but_the_last_their_min_ready_seconds():
    assert rollout_time(deployment(surge=1, missing=0, delay=5, minReadySeconds=20)) == 4 * 5 + 3 * 20
    assert rollout_time(deployment()) == 0.0


def said(made: dict[str, Any], ready: float = 300.0) -> dict[str, str]:
    return {one.rule: one.message for one in rollout_findings(made, (), Rig.make().propose().release.plan, Limits(ready=ready))}


def test_plan_says_how_long_and_by_which_settings():
    text = said(deployment(surge=1, missing=0, delay=5, minReadySeconds=20))["roll-out"]
    assert text.startswith("the roll-out at the end takes at least 1 m 20 s: `minReadySeconds` 20 and `initialDelaySeconds` 5, ")
    assert text.endswith("4 lots of pods one after another")
    assert said(deployment()) == {}


def test_a_pod_that_cannot_be_ready_in_the_time_that_it_is_given():
    assert "is given 1 m (`limits.ready`)" in said(deployment(delay=60), ready=60.0)["ready-time"]


def test_gates_that_the_running_pods_have_and_the_template_has_not():
    pod = {"spec": {"readinessGates": [{"conditionType": "target-health.elbv2.k8s.aws/x"}]}}
    (found,) = injected_gate_findings(deployment(), [pod])
    assert "target-health.elbv2.k8s.aws/x" in found.message
    assert found.level == "warn"
    made = deployment()
    made["spec"]["template"]["spec"]["readinessGates"] = pod["spec"]["readinessGates"]
    assert injected_gate_findings(made, [pod]) == []
