"""What a release of a Deployment is refused for, before anything is written."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.model.errors import GateRefused, InputError
from deliver.model.release import Outcome
from tests.engine.rig import Rig


def refused(rig: Rig, **more: Any) -> str:
    before, calls = rig.before(), len(rig.world.cluster.calls)
    with pytest.raises((GateRefused, InputError)) as caught:
        rig.run(rig.spec(**more))
    assert not [call for call in rig.world.cluster.calls[calls:] if call.changed]
    assert rig.before() == before
    return caught.value.what


def test_refused_while_a_rollout_is_in_progress():
    rig = Rig.make()
    rig.set_image("web", "registry/web:1.2.0")
    assert "rollout" in refused(rig)


def test_refused_when_a_stable_pod_is_missing():
    rig = Rig.make()
    rig.world.kubelet.change(rig.world.cluster.list("pods", "shop")[0]["metadata"]["name"], ready=False)
    rig.world.clock.wait(10)
    assert "not fully available: 3 of 4 pods" in refused(rig)


def test_refused_when_the_service_leads_to_others_too():
    rig = Rig.make()
    pod = {
        "metadata": {"name": "stranger", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "x", "image": "registry/web:1.0.0"}]},
    }
    rig.world.api.create("pods", "shop", pod)
    assert "also selects pods of other workloads: stranger" in refused(rig)


@pytest.mark.parametrize(
    ("spec", "words"),
    [({"publishNotReadyAddresses": True}, "publishNotReadyAddresses"), ({"sessionAffinity": "ClientIP"}, "sessionAffinity ClientIP")],
)
def test_refused_services(spec: dict[str, Any], words: str):
    rig = Rig.make()
    rig.edit("services", "web", {"spec": spec})
    assert words in refused(rig)


def test_session_affinity_can_be_allowed():
    rig = Rig.make()
    rig.edit("services", "web", {"spec": {"sessionAffinity": "ClientIP"}})
    assert rig.run(rig.spec(allow_affinity=True)).outcome is Outcome.PROMOTED


def test_session_affinity_does_not_matter_to_a_switch_of_all_users():
    rig = Rig.make()
    rig.edit("services", "web", {"spec": {"sessionAffinity": "ClientIP"}})
    spec = replace(rig.spec(), strategy="blue-green", options={"preview_bake": "10s", "bake": "20s", "hold": "0s"})
    assert "session-affinity" not in {finding.rule for finding in rig.propose(spec).findings}
    assert rig.run(spec).outcome is Outcome.PROMOTED


def test_refused_when_the_quota_is_too_small():
    rig = Rig.make()
    rig.world.api.create("resourcequotas", "shop", {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": "6"}}})
    rig.world.clock.wait(5)
    assert "ResourceQuota pods has 2 pods left, the release needs 5" in refused(rig)


def test_refused_when_nothing_leads_to_the_pods():
    rig = Rig.make(services=())
    assert "no Service in shop selects the pods of web" in refused(rig)


def test_an_autoscaler_of_kedas_that_could_shrink_the_stable_side_is_refused_with_the_way_that_works():
    rig = Rig.make(hpa=True)
    rig.edit("horizontalpodautoscalers", "web", {"metadata": {"labels": {"scaledobject.keda.sh/name": "web"}}})
    rig.world.api.store.put("horizontalpodautoscalers", rig.get("horizontalpodautoscalers", "web") | {"status": {"currentReplicas": 4}})
    (keda,) = [finding for finding in rig.propose().findings if finding.rule == "keda"]
    assert keda.level == "refuse"
    assert keda.message == "HorizontalPodAutoscaler web is KEDA's, which puts its minReplicas (1) back at once"
    assert keda.hint == "raise `minReplicaCount` of ScaledObject web to 4 for the release: 4 pods serve now, and must not become fewer"
    rig.edit("horizontalpodautoscalers", "web", {"spec": {"minReplicas": 4}})
    assert not [finding for finding in rig.propose().findings if finding.rule == "keda"]
