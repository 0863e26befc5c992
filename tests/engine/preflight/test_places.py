"""Which containers get the new image: one, some or all that run its repository, init containers among them."""

from typing import Any

import pytest

from deliver.engine.preflight.places import containers_of, staying
from deliver.model.codec import decode, encode
from deliver.model.errors import InputError
from deliver.model.places import Place, places_of
from deliver.model.release import Outcome, Release
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.interrupted import PLACES
from tests.engine.invariants import back
from tests.engine.rig import GOOD, TARGET, Rig, in_step

OLD = "registry/web:1.0.0"
BAD = "registry/web:2.0.0-errors"


def of(init: dict[str, str], **images: str) -> dict[str, Any]:
    def listed(those: dict[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "image": image} for name, image in those.items()]

    spec = {"initContainers": listed(init), "containers": listed(images)}
    return {"metadata": {"name": "web"}, "spec": {"template": {"spec": spec}}}


SHOP = of({"migrate": "acme/web:1", "wait": "busybox:1"}, worker="acme/web:1", web="acme/web:1", proxy="envoyproxy/envoy:v1")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("all", ("worker", "web", "migrate")),
        ("web", ("web",)),
        ("migrate,web", ("web", "migrate")),
        ("migrate", ("migrate",)),
        ("web, proxy", ("web", "proxy")),
    ],
)
def test_all_or_the_named_ones_are_released(wanted: str, found: tuple[str, ...]):
    assert containers_of(SHOP, wanted, "acme/web:2") == found


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(InputError) as wrong:
        containers_of(SHOP, "web,migrat", "acme/web:2")
    assert str(wrong.value) == "Deployment web has no container `migrat`"
    assert wrong.value.why == "its containers: worker, web, proxy, migrate (init), wait (init)"
    with pytest.raises(InputError) as nowhere:
        containers_of(SHOP, "all", "acme/shop:2")
    assert str(nowhere.value) == "no container of Deployment web runs the repository of acme/shop:2"


def test_a_container_that_is_called_all_is_meant_by_its_name():
    assert containers_of(of({}, all="acme/web:1", web="acme/web:1"), "all", "acme/web:2") == ("all",)


def test_an_init_container_is_never_guessed_and_never_forgotten():
    shop = of({"migrate": "acme/web:1"}, web="acme/web:1")
    assert containers_of(shop, "", "acme/web:2") == ("web",)
    (said,) = staying(shop, ("web",), "acme/web:2")
    assert (said.level, said.message) == ("warn", "container migrate (init) stays on acme/web:1: the new image is of the same repository")
    (said,) = staying(SHOP, ("web",), "acme/web:2")
    assert said.message.startswith("containers worker and migrate (init) stay on acme/web:1: ")
    assert not staying(SHOP, ("web", "worker", "migrate"), "acme/web:2")
    assert not staying(of({"migrate": "acme/web:2"}, web="acme/web:1"), ("web",), "acme/web:2"), "it has the new image already"


def shop() -> Rig:
    """Deployment web whose containers web and worker and whose init container migrate run one image."""
    rig = Rig.make()
    web = rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]
    more = {"initContainers": [{"name": "migrate", "image": OLD}], "containers": [web, {"name": "worker", "image": OLD}]}
    rig.edit("deployments", "web", {"spec": {"template": {"spec": more}}})
    rig.world.clock.wait(60)
    return rig


def images(rig: Rig, deployment: str = "web") -> dict[str, str]:
    return {place.container: place.image for place in places_of(rig.get("deployments", deployment)["spec"]["template"])}


def everywhere(image: str) -> dict[str, str]:
    return dict.fromkeys(("worker", "web", "migrate"), image)


def test_all_places_are_promoted_together_and_the_record_lists_each():
    rig = shop()
    seen: list[dict[str, str]] = []
    rig.when(in_step(1), lambda: seen.append(images(rig, "web-candidate")))
    release = rig.run(rig.spec(container="all"))
    assert release.outcome is Outcome.PROMOTED
    assert [images(rig), *seen] == [everywhere(GOOD)] * 2
    assert release.snapshot.places == (Place("web", OLD), Place("worker", OLD), Place("migrate", OLD, init=True))
    assert sentence(release.journal[0], release).endswith(f"{OLD} -> {GOOD} in web, worker and migrate (init)")
    back = rig.verb("rollback")
    assert (back.outcome, images(rig)) == (Outcome.ROLLED_BACK, everywhere(OLD))


def test_what_is_taken_back_is_as_it_was():
    rig = shop()
    before = rig.before()
    rig.when(in_step(2), lambda: rig.ask("abort"))
    release = rig.run(rig.spec(container="web,migrate"))
    assert (release.outcome, rig.before()) == (Outcome.ROLLED_BACK, before)
    assert release.snapshot.containers == ("web", "migrate")


def test_an_image_that_somebody_changes_in_one_of_the_places_is_seen():
    rig = shop()
    template = {"spec": {"containers": [{"name": "worker", "image": BAD}]}}

    def edit() -> None:
        rig.world.api.patch(
            "deployments", "shop", "web-candidate", {"spec": {"template": template}}, "application/strategic-merge-patch+json", ""
        )

    rig.when(in_step(1), edit)
    release = rig.run(rig.spec(container="all"))
    assert release.outcome is Outcome.ROLLED_BACK
    assert f"the candidate's image was changed to {BAD} in container worker" in release.reason


def test_places_that_run_the_image_already_do_not_hide_the_one_that_does_not():
    rig = shop()
    rig.run(rig.spec(container="web"))
    rig.world.clock.wait(60)
    assert "unchanged" in {one.rule for one in rig.propose(rig.spec(container="web")).findings}
    assert "unchanged" not in {one.rule for one in rig.propose(rig.spec(container="all")).findings}


def test_a_record_of_before_there_were_places_has_one():
    rig = Rig.make()
    release = rig.run()
    data = encode(release)
    del data["snapshot"]["places"]
    old = decode(Release, data)
    assert old.snapshot.containers == old.snapshot.serving == (release.snapshot.container,)
    assert old.new_template == release.new_template
    assert old.spec.target == TARGET


@pytest.mark.parametrize("place", ["step 1", "rolled"])
@pytest.mark.parametrize("lost", [False, True])
def test_what_a_dead_driver_left_is_taken_back_in_all_places(place: str, lost: bool):
    rig = shop()
    before = rig.before()
    rig.when(PLACES[place], lambda: rig.world.cluster.script.faults.append(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run(rig.spec(container="all"))
    rig.world.cluster.script.clear()
    if lost:
        rig.remove("configmaps", "deliver-web")
    back(rig, before)


def test_another_driver_finishes_it_in_all_places():
    rig = shop()
    rig.when(in_step(2), lambda: rig.world.cluster.script.faults.append(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run(rig.spec(container="all"))
    rig.world.cluster.script.clear()
    rig.world.clock.wait(60)
    assert (rig.verb("resume").outcome, images(rig)) == (Outcome.PROMOTED, everywhere(GOOD))


def test_an_image_of_the_init_container_alone_is_not_put_into_the_one_that_serves():
    """An init container brings the application, a runtime serves it (kubernetes/kubernetes issue 78572)."""
    shop = of({"app": "acme/web:1"}, runtime="acme/jdk:21")
    with pytest.raises(InputError) as asked:
        containers_of(shop, "", "acme/web:2")
    assert asked.value.what == "acme/web:2 is of the repository of app (init), and runtime runs acme/jdk:21"
    assert asked.value.hint == "--container app releases it there"
    assert containers_of(shop, "app", "acme/web:2") == ("app",)
    assert containers_of(shop, "", "acme/jdk:22") == ("runtime",)
