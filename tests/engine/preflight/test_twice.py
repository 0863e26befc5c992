"""What cannot run twice is refused with the reason, and who knows better goes on."""

from typing import Any

import pytest

from deliver.engine.preflight.twice import node_ports, port_findings, twice_findings
from deliver.model.errors import GateRefused
from deliver.model.release import Outcome
from tests.engine.rig import Rig

ONE_NODE, ONE_POD, MANY = ("ReadWriteOnce",), ("ReadWriteOncePod",), ("ReadWriteMany",)


def with_volume(rig: Rig, *modes: str, **more: Any) -> None:
    """Deployment web writes to a claim with these access modes."""
    body = {"metadata": {"name": "data"}, "spec": {"accessModes": list(modes), "resources": {"requests": {"storage": "1Gi"}}}}
    rig.world.api.create("persistentvolumeclaims", "shop", body)
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data", **more}}]
    rig.edit("deployments", "web", {"spec": {"template": {"spec": {"volumes": volumes}}}})
    rig.world.clock.wait(60)


def refusal(rig: Rig) -> str:
    calls = len(rig.world.cluster.calls)
    with pytest.raises(GateRefused) as caught:
        rig.run(rig.spec(weights=[50]))
    assert not [call for call in rig.world.cluster.calls[calls:] if call.changed]
    return f"{caught.value.what} {caught.value.why} {caught.value.hint}"


def test_a_strategy_that_recreates_is_refused_and_goes_on_by_a_persons_word():
    rig = Rig.make()
    rig.edit("deployments", "web", {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
    rig.world.clock.wait(5)
    before = rig.before()["deployments/web"]["spec"]["strategy"]
    assert "strategy Recreate" in (said := refusal(rig))
    assert "--allow-twice" in said
    assert rig.run(rig.spec(allow_twice=True)).outcome is Outcome.PROMOTED
    assert rig.before()["deployments/web"]["spec"]["strategy"] == before


@pytest.mark.parametrize("modes", [ONE_NODE, ONE_POD])
def test_a_volume_that_one_node_can_have_is_refused(modes: tuple[str, ...]):
    rig = Rig.make(replicas=1)
    with_volume(rig, *modes)
    assert f"write to PersistentVolumeClaim data ({modes[0]})" in refusal(rig)


def test_a_volume_that_everybody_can_have_is_released():
    rig = Rig.make(replicas=1)
    with_volume(rig, *MANY)
    assert rig.run(rig.spec(weights=[50])).outcome is Outcome.PROMOTED


def deployment(replicas: int = 1, **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "web", "image": "x:1", "ports": [{"containerPort": 8080}]}], **spec}
    return {"metadata": {"name": "web"}, "spec": {"replicas": replicas, "template": {"spec": pod}}}


def claim(**more: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data", **more}}]}


@pytest.mark.parametrize(
    ("spec", "modes", "found"),
    [
        (deployment(**claim()), ONE_NODE, True),
        (deployment(2, **claim()), ONE_NODE, False),
        (deployment(2, **claim()), ONE_POD, True),
        (deployment(**claim(readOnly=True)), ONE_NODE, False),
        (deployment(**claim()), ("ReadWriteOnce", "ReadWriteMany"), False),
        (deployment(**claim()), (), False),
        (deployment(**claim()), None, True),
        (deployment(volumes=[{"name": "disk", "gcePersistentDisk": {"pdName": "d"}}]), (), True),
        (deployment(volumes=[{"name": "disk", "gcePersistentDisk": {"pdName": "d", "readOnly": True}}]), (), False),
        (deployment(volumes=[{"name": "tmp", "emptyDir": {}}, {"name": "set", "configMap": {"name": "x"}}]), (), False),
    ],
)
def test_what_one_node_or_one_pod_can_have(spec: dict[str, Any], modes: tuple[str, ...] | None, found: bool):
    assert bool(list(twice_findings(spec, lambda name: modes))) is found


def test_ports_of_the_node_need_as_many_nodes_as_pods():
    spec = deployment(hostNetwork=True)
    assert (ports := node_ports(spec)) == [8080]
    assert not list(port_findings(spec, ports, 3, 3))
    assert "there are 2 nodes" in next(iter(port_findings(spec, ports, 3, 2))).message
    assert "may not be read" in next(iter(port_findings(spec, ports, 3, None))).message
    plain = deployment()
    assert node_ports(plain) == []
    plain["spec"]["template"]["spec"]["containers"][0]["ports"][0]["hostPort"] = 80
    assert node_ports(plain) == [80]


def test_a_host_port_on_one_node_is_refused():
    rig = Rig.make(replicas=1)
    container = rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]
    ports = [{"containerPort": 8080, "hostPort": 80}]
    rig.edit("deployments", "web", {"spec": {"template": {"spec": {"containers": [{**container, "ports": ports}]}}}})
    rig.world.clock.wait(60)
    assert "port 80 of their node" in refusal(rig)
