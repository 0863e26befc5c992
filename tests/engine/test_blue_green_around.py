"""Blue-green beside what else there is: limits that are too short for it, and what nodes have left behind."""

import copy
from typing import Any

import pytest

from deliver.model.names import HASH
from deliver.model.release import Outcome
from deliver.model.verdict import Verdict
from tests.engine.rig import Rig
from tests.engine.test_blue_green import spec

# ---------------------------------------------------------------- how long it may take


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hold": "30h"}, "the release takes at least 30 h"),
        (
            {"approve": True, "approve_timeout": "26h", "on_unanswered": "rollback"},
            "the release, with the time to approve it, may take 26 h",
        ),
    ],
)
def test_it_is_said_beforehand_when_it_cannot_be_done_in_its_time(options: dict[str, Any], says: str):
    """Else a person would find it held in the middle of its hold, a day later; or an unanswered approval never rolled back."""
    [found] = [one for one in Rig.make().propose(spec(**options)).findings if one.rule == "too-long"]
    assert found.level == "warn"
    assert found.message.startswith(says)
    assert found.message.endswith("and is held after 24 h (`limits.total`)")


def test_nothing_is_said_of_one_that_has_time_enough():
    assert "too-long" not in {one.rule for one in Rig.make().propose(spec(approve=True, approve_timeout="2h")).findings}


# ---------------------------------------------------------------- what stands around


@pytest.mark.parametrize("template", ["the present one", "an older one"])
@pytest.mark.parametrize("outcome", [Outcome.PROMOTED, Outcome.ROLLED_BACK])
def test_a_pod_that_a_node_left_behind_failed_is_not_waited_for(outcome: Outcome, template: str):
    """Evicted, or shut down with its node: it was replaced long ago, and stands there until its ReplicaSet goes."""
    rig = Rig.make()
    left_behind(rig, {} if template == "the present one" else {HASH: "5f6d7c8b9"})
    if outcome is Outcome.ROLLED_BACK:
        rig.judge.verdict = Verdict.FAIL
    assert rig.run(spec()).outcome is outcome


def left_behind(rig: Rig, labels: dict[str, str]) -> None:
    """One more pod of the Deployment's, that its node has ended."""
    pod = copy.deepcopy(rig.world.cluster.list("pods", "shop")[0])
    meta = pod["metadata"]
    kept = {"name": "web-left-behind", "labels": {**meta["labels"], **labels}, "ownerReferences": meta["ownerReferences"]}
    if labels:
        older = copy.deepcopy(rig.world.cluster.list("replicasets", "shop")[0])
        older["metadata"] = {key: older["metadata"][key] for key in ("labels", "ownerReferences")} | {"name": "web-older"}
        older["spec"] |= {"replicas": 0, "selector": {"matchLabels": {"app": "web", **labels}}}
        older["spec"]["template"]["metadata"]["labels"] |= labels
        older["spec"]["template"]["spec"]["containers"][0]["image"] = "registry/web:0.9.0"
        uid = rig.world.api.create("replicasets", "shop", {**older, "status": {}})["metadata"]["uid"]
        kept["ownerReferences"] = [{**meta["ownerReferences"][0], "name": "web-older", "uid": uid}]
    rig.world.api.create("pods", "shop", {**pod, "metadata": kept, "status": {}})
    status = {"phase": "Failed", "reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."}
    rig.world.api.patch("pods", "shop", kept["name"], {"status": status}, "application/merge-patch+json", "status")
    rig.world.clock.wait(30.0)
