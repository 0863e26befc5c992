"""The places of an image in a pod template."""

from typing import Any

from deliver.model.places import Place, image_at, named, places_named, places_of, split_names, with_image

TEMPLATE: dict[str, Any] = {
    "spec": {
        "initContainers": [{"name": "migrate", "image": "web:1"}, {"name": "wait", "image": "busybox:1"}],
        "containers": [
            {"name": "web", "image": "web:1", "env": []},
            {"name": "worker", "image": "web:1"},
            {"name": "proxy", "image": "envoy:1"},
        ],
    }
}


def test_those_that_serve_come_first():
    assert [str(place) for place in places_of(TEMPLATE)] == ["web", "worker", "proxy", "migrate (init)", "wait (init)"]
    assert places_named(TEMPLATE, ("migrate", "web", "nobody")) == (Place("web", "web:1"), Place("migrate", "web:1", init=True))
    assert (image_at(TEMPLATE, "wait"), image_at(TEMPLATE, "nobody")) == ("busybox:1", "")


def test_an_image_is_written_in_these_places_and_nowhere_else():
    after = with_image(TEMPLATE, ("web", "migrate"), "web:2")
    assert [place.image for place in places_of(after)] == ["web:2", "web:1", "envoy:1", "web:2", "busybox:1"]
    assert after["spec"]["containers"][0]["env"] == []
    assert with_image(after, ("web", "migrate"), "web:1") == TEMPLATE
    assert "initContainers" not in with_image({"spec": {"containers": []}}, ("web",), "web:2")["spec"]


def test_they_are_named_in_words():
    assert named(places_named(TEMPLATE, ("web",))) == "web"
    assert named(places_named(TEMPLATE, ("web", "worker", "migrate"))) == "web, worker and migrate (init)"
    assert list(split_names(" web, migrate ,")) == ["web", "migrate"]
