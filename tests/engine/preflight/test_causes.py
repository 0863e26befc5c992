"""Whoever is refused hears every cause at once, and the container is found by what it runs."""

from typing import Any

import pytest

from deliver.engine.preflight.causes import refusal
from deliver.engine.preflight.places import container_of
from deliver.model.errors import GateRefused, InputError, Locked
from deliver.model.release import Outcome
from deliver.plugins.interfaces import Finding
from tests.engine.rig import GOOD, Rig


def of(**images: str) -> dict[str, Any]:
    containers = [{"name": name.replace("_", "-"), "image": image} for name, image in images.items()]
    return {"metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": containers}}}}


@pytest.mark.parametrize(
    ("images", "released", "found"),
    [
        ({"proxy": "envoyproxy/envoy:v1.30", "app": "ghcr.io/acme/web:1.0"}, "ghcr.io/acme/web:2.0", "app"),
        ({"cache": "redis", "app": "acme/web:1.0"}, "docker.io/library/redis:7.2", "cache"),
        ({"cache": "redis:7", "app": "acme/web:1.0"}, "docker.io/acme/web@sha256:" + 64 * "a", "app"),
        ({"helper": "localhost:5000/helper:1", "app": "localhost:5000/web:1"}, "localhost:5000/web:2", "app"),
        ({"proxy": "envoyproxy/envoy:v1.30", "app": "old.example/acme/web:1.0"}, "new.example/apps/web:2.0", "app"),
        ({"web": "other.example/web:1", "app": "ghcr.io/acme/web:1"}, "ghcr.io/acme/web:2", "app"),
    ],
)
def test_the_container_is_found_by_the_repository_of_the_image(images: dict[str, str], released: str, found: str):
    assert container_of(of(**images), "", released) == found


def test_where_two_containers_run_the_repository_both_are_named():
    with pytest.raises(InputError) as unclear:
        container_of(of(proxy="envoyproxy/envoy:v1", web="acme/web:1", worker="acme/web:1"), "", "acme/web:2")
    assert unclear.value.hint == "name it with --container web or --container worker or, for all of them, --container all"


def test_where_none_runs_it_all_are_named_and_a_wrong_name_gets_the_right_one():
    pair = of(proxy="envoyproxy/envoy:v1", web="acme/web:1")
    with pytest.raises(InputError, match=r"proxy \(envoyproxy/envoy:v1\), web \(acme/web:1\)") as unclear:
        container_of(pair, "", "acme/shop:2")
    assert unclear.value.why == "none of them runs the repository of acme/shop:2"
    with pytest.raises(InputError) as wrong:
        container_of(pair, "app", "acme/web:2")
    assert wrong.value.hint == "--container web"


def test_several_containers_are_released_without_a_word():
    rig = Rig.make()
    web = rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]
    helper = {"name": "a-helper", "image": "envoyproxy/envoy:1.0.0"}
    rig.edit("deployments", "web", {"spec": {"template": {"spec": {"containers": [helper, web]}}}})
    rig.world.clock.wait(60)
    release = rig.run(rig.spec())
    assert (release.outcome, release.snapshot.container) == (Outcome.PROMOTED, "web")
    assert [one["image"] for one in rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"]] == [helper["image"], GOOD]


def test_all_causes_come_at_once_and_what_no_option_mends_first():
    rig = Rig.make(replicas=1)
    rig.remove("services", "web")
    rig.edit("deployments", "web", {"spec": {"paused": True}})
    with pytest.raises(GateRefused) as refused:
        rig.propose(rig.spec(weights=[10], options={"surge": 0}, container="app"))
    said = f"{refused.value.what} {refused.value.why}"
    assert said.startswith("no Service in shop selects")
    for cause in ("is paused", "has no container `app`", "weight 10 cannot be had with 1 stable pod", "`--weight 50`"):
        assert cause in said


def test_the_gravest_cause_gives_the_exit_code_and_none_gives_none():
    causes = [Finding("a", "input", "wrong"), Finding("b", "refuse", "bad", "mend it"), Finding("c", "warn", "odd")]
    assert isinstance(refusal(causes), GateRefused)
    assert isinstance(refusal([*causes, Finding("d", "locked", "busy")]), Locked)
    assert isinstance(refusal(causes[:1]), InputError)
    assert refusal(causes[2:]) is None
    alone = InputError("weights must rise")
    assert refusal(causes[2:], [alone]) is alone, "with its own reason and hint"
