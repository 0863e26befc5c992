"""What the Deployment controller promises while it rolls, stands paused, or is stuck."""

from typing import Any

import pytest

from deliver_sandbox import fields
from deliver_sandbox.controllers.replicaset import is_active, is_ready
from deliver_sandbox.fixtures import deployment, world
from deliver_sandbox.images import Behaviour
from deliver_sandbox.store import Change
from deliver_sandbox.world import World


def image(tag: str, name: str = "web") -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": name, "image": f"registry/web:{tag}"}]}}}}


def set_image(made: World, tag: str) -> None:
    made.api.patch("deployments", "shop", "web", image(tag), "application/strategic-merge-patch+json")


def web(made: World) -> dict[str, Any]:
    return made.api.get("deployments", "shop", "web")


def condition(made: World, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in web(made)["status"]["conditions"] if item["type"] == kind)
    return found


def sets(made: World) -> dict[str, int]:
    """image tag -> replicas of its ReplicaSet."""
    found = made.api.list("replicasets", "shop")
    return {one["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]: one["spec"]["replicas"] for one in found}


class Counting:
    """Least ready pods, and most pods asked for by all ReplicaSets, looked at after every change."""

    def __init__(self, made: World) -> None:
        self.made, self.ready, self.most = made, 10**9, 0
        made.store.listen(self._see)

    def _see(self, change: Change) -> None:
        if change.kind == "pods":
            self.ready = min(self.ready, sum(is_ready(pod) and is_active(pod) for pod in self.made.store.every("pods", "shop")))
        if change.kind == "replicasets":
            self.most = max(self.most, sum(item["spec"]["replicas"] for item in self.made.store.every("replicasets", "shop")))


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable"), [(4, "25%", "25%"), (10, 3, 0), (10, 0, 2), (1, "25%", "25%"), (3, "100%", 0)]
)
def test_a_rollout_keeps_within_its_bounds_at_every_moment(replicas: int, surge: Any, unavailable: Any) -> None:
    made = world(replicas=replicas)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    made.api.patch("deployments", "shop", "web", {"spec": {"strategy": strategy}})
    counting = Counting(made)
    set_image(made, "1.1.0")
    made.clock.wait(120.0)
    above = surge if isinstance(surge, int) else -(-int(surge[:-1]) * replicas // 100)
    below = unavailable if isinstance(unavailable, int) else int(unavailable[:-1]) * replicas // 100
    assert counting.ready >= replicas - below
    assert counting.most <= replicas + above
    assert sets(made) == {"1.0.0": 0, "1.1.0": replicas}
    assert condition(made, "Progressing")["reason"] == "NewReplicaSetAvailable"


def test_a_bad_image_stops_the_rollout_with_the_old_pods_in_place() -> None:
    made = world(replicas=4)
    counting = Counting(made)
    set_image(made, "2.0.0-unready")
    made.clock.wait(300.0)
    assert counting.ready >= 3
    assert condition(made, "Progressing")["reason"] == "ReplicaSetUpdated"


def test_the_progress_deadline_passes_when_nothing_becomes_ready() -> None:
    made = world(replicas=4)
    made.api.patch("deployments", "shop", "web", {"spec": {"progressDeadlineSeconds": 60}})
    set_image(made, "2.0.0-unready")
    made.clock.wait(50.0)
    assert condition(made, "Progressing")["status"] == "True"
    made.clock.wait(20.0)
    late = condition(made, "Progressing")
    assert (late["status"], late["reason"]) == ("False", "ProgressDeadlineExceeded")


def test_a_paused_deployment_scales_but_does_not_roll_and_goes_on_when_it_is_resumed() -> None:
    made = world(replicas=2)
    made.api.patch("deployments", "shop", "web", {"spec": {"paused": True}})
    set_image(made, "1.1.0")
    made.api.patch("deployments", "shop", "web", {"spec": {"replicas": 3}})
    made.clock.wait(60.0)
    assert sets(made) == {"1.0.0": 3}
    assert web(made)["status"]["availableReplicas"] == 3
    assert web(made)["status"]["observedGeneration"] == web(made)["metadata"]["generation"]
    made.api.patch("deployments", "shop", "web", {"spec": {"paused": None}})
    made.clock.wait(60.0)
    assert sets(made) == {"1.0.0": 0, "1.1.0": 3}


def test_pausing_and_putting_image_and_flag_back_leaves_pods_and_hash_as_they_were() -> None:
    made = world(replicas=2)
    before = {pod["metadata"]["uid"] for pod in made.api.list("pods", "shop")}
    made.api.patch("deployments", "shop", "web", {"spec": {"paused": True}})
    set_image(made, "1.1.0")
    made.clock.wait(30.0)
    set_image(made, "1.0.0")
    made.api.patch("deployments", "shop", "web", {"spec": {"paused": None}})
    made.clock.wait(30.0)
    assert {pod["metadata"]["uid"] for pod in made.api.list("pods", "shop")} == before


def test_going_back_to_an_old_image_takes_its_replica_set_and_a_new_revision() -> None:
    made = world(replicas=2)
    names: dict[str, str] = {}
    for step, tag in enumerate(("1.0.0", "1.1.0", "1.0.0"), 1):
        set_image(made, tag)
        made.clock.wait(30.0)
        assert web(made)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == str(step)
        live = next(one for one in made.api.list("replicasets", "shop") if one["spec"]["replicas"])
        assert names.setdefault(tag, live["metadata"]["name"]) == live["metadata"]["name"]


def test_old_replica_sets_beyond_the_history_limit_are_deleted() -> None:
    made = world(replicas=1)
    made.api.patch("deployments", "shop", "web", {"spec": {"revisionHistoryLimit": 1}})
    for tag in ("1.1.0", "1.2.0", "2.0.0-few-errors"):
        set_image(made, tag)
        made.clock.wait(30.0)
    assert set(sets(made)) == {"1.2.0", "2.0.0-few-errors"}


def test_recreate_has_no_pod_of_both_versions_at_once() -> None:
    made = world(replicas=2)
    made.api.patch("deployments", "shop", "web", {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
    mixed = []

    def see(change: Change) -> None:
        pods = [pod for pod in made.store.every("pods", "shop") if (pod.get("status") or {}).get("phase") == "Running"]
        if len({pod["spec"]["containers"][0]["image"] for pod in pods}) > 1:
            mixed.append(change)

    made.store.listen(see)
    set_image(made, "1.1.0")
    made.clock.wait(60.0)
    assert not mixed
    assert sets(made) == {"1.0.0": 0, "1.1.0": 2}


def test_min_ready_seconds_delays_availability() -> None:
    made = world(replicas=1)
    made.api.create("deployments", "shop", {**deployment("slow", replicas=1, minReadySeconds=20)})
    made.clock.wait(10.0)
    status = made.api.get("deployments", "shop", "slow")["status"]
    assert (status["readyReplicas"], status.get("availableReplicas", 0)) == (1, 0)
    made.clock.wait(20.0)
    assert made.api.get("deployments", "shop", "slow")["status"]["availableReplicas"] == 1


def test_scaling_in_the_middle_of_a_rollout_shares_out_in_proportion() -> None:
    slow = {"registry/web:1.1.0": Behaviour(start=30.0)}
    made = world(replicas=10, images=slow)
    set_image(made, "1.1.0")
    made.clock.wait(5.0)
    middle = sets(made)
    made.api.patch("deployments", "shop", "web", {"spec": {"replicas": 20}})
    made.clock.wait(1.0)
    grown = sets(made)
    assert middle["1.1.0"] > 0
    assert grown["1.0.0"] > middle["1.0.0"]
    assert grown["1.1.0"] > middle["1.1.0"]
    made.clock.wait(600.0)
    assert sets(made) == {"1.0.0": 0, "1.1.0": 20}


def test_a_quota_that_is_too_small_is_told_as_replica_failure_and_ends_when_there_is_room() -> None:
    made = world(replicas=2)
    made.api.create("resourcequotas", "shop", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "3"}}})
    made.api.patch("deployments", "shop", "web", {"spec": {"replicas": 4}})
    made.clock.wait(10.0)
    failure = condition(made, "ReplicaFailure")
    assert failure["reason"] == "FailedCreate"
    assert "is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3" in failure["message"]
    made.api.patch("resourcequotas", "shop", "q", {"spec": {"hard": {"pods": "10"}}})
    made.clock.wait(120.0)
    assert web(made)["status"]["availableReplicas"] == 4
    assert "ReplicaFailure" not in [item["type"] for item in web(made)["status"]["conditions"]]


def test_deleting_a_deployment_takes_its_replica_sets_and_pods_with_it() -> None:
    made = world(replicas=2)
    made.api.delete("deployments", "shop", "web", {"propagationPolicy": "Background"})
    made.clock.wait(30.0)
    assert not made.api.list("replicasets", "shop")
    assert not made.api.list("pods", "shop")


def test_orphaned_replica_sets_live_on_and_foreground_deletion_waits_for_the_pods() -> None:
    made = world(replicas=1)
    made.api.delete("deployments", "shop", "web", {"propagationPolicy": "Orphan"})
    made.clock.wait(30.0)
    (left,) = made.api.list("replicasets", "shop")
    made.api.delete("replicasets", "shop", left["metadata"]["name"], {"propagationPolicy": "Foreground"})
    made.clock.wait(0.5)
    assert made.api.list("replicasets", "shop")
    made.clock.wait(30.0)
    assert not made.api.list("replicasets", "shop")
    assert not made.api.list("pods", "shop")


def test_an_autoscaler_holds_its_minimum_at_once_and_scales_down_only_after_five_minutes_of_low_load() -> None:
    made = world(replicas=4, hpa=True)
    made.api.patch("horizontalpodautoscalers", "shop", "web", {"spec": {"minReplicas": 6}})
    made.clock.wait(5.0)
    assert web(made)["spec"]["replicas"] == 6
    made.api.patch("horizontalpodautoscalers", "shop", "web", {"spec": {"minReplicas": 1}})
    made.load["shop", "web"] = 1.0
    made.clock.wait(240.0)
    assert web(made)["spec"]["replicas"] >= 4
    made.clock.wait(120.0)
    assert web(made)["spec"]["replicas"] == 1


def test_an_ingress_with_rules_has_no_field_that_is_not_known() -> None:
    rule = {"host": "shop.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web"}}}]}}
    assert fields.prune("ingresses", {"metadata": {"name": "web"}, "spec": {"rules": [rule]}}) == []
