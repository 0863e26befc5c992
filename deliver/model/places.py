"""Places: the containers of a pod template whose image a release replaces, init containers among them. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALL = "all"  # as an answer to "which container": every one that runs the repository of the image


@dataclass(frozen=True)
class Place:
    """A container, by its name, and the image that it had before the release. init: it only prepares the pod."""

    container: str
    image: str
    init: bool = False

    def __str__(self) -> str:
        return f"{self.container} (init)" if self.init else self.container


def places_of(template: Mapping[str, Any]) -> tuple[Place, ...]:
    """Every container: those that serve first, then those that only prepare the pod."""
    kinds = (("containers", False), ("initContainers", True))
    return tuple(Place(one["name"], one.get("image", ""), init) for kind, init in kinds for one in template["spec"].get(kind) or ())


def places_named(template: Mapping[str, Any], names: Iterable[str]) -> tuple[Place, ...]:
    """Those of these names that are there."""
    wanted = set(names)
    return tuple(place for place in places_of(template) if place.container in wanted)


def image_at(template: Mapping[str, Any], name: str) -> str:
    """The image of that container; "" where it is not there."""
    return next((place.image for place in places_of(template) if place.container == name), "")


def with_image(template: Mapping[str, Any], names: Iterable[str], image: str) -> dict[str, Any]:
    """A pod template with the image of these containers replaced, as `kubectl set image` does."""
    wanted, spec = set(names), template["spec"]
    changed = {
        kind: [{**one, "image": image} if one["name"] in wanted else one for one in spec[kind]]
        for kind in ("containers", "initContainers")
        if spec.get(kind)
    }
    return {**template, "spec": {**spec, **changed}}


def named(places: Sequence[Place]) -> str:
    """In words: `web, worker and migrate (init)`."""
    *most, last = map(str, places)
    return f"{', '.join(most)} and {last}" if most else last


def split_names(text: str) -> Iterator[str]:
    """Names that are written with commas between them."""
    return (name for part in text.split(",") if (name := part.strip()))
