"""Which containers get the new image, and which ones stay on the old one though it is of the same repository. Pure."""

from collections.abc import Sequence

from deliver.model.errors import InputError
from deliver.model.names import repository
from deliver.model.objects import Object
from deliver.model.places import ALL, Place, named, places_named, places_of, split_names
from deliver.plugins.interfaces import STAYING, Finding


def containers_of(deployment: Object, wanted: str, image: str = "") -> tuple[str, ...]:
    """Names of the containers whose image is released, one that serves first.

    wanted: names with commas between them, or `all` that run the repository of `image`; "": the only one that serves and runs it.
    Raises InputError when that is not clear.
    """
    template, target = deployment["spec"]["template"], deployment["metadata"]["name"]
    there = places_of(template)
    names, asked = [place.container for place in there], list(split_names(wanted))
    if asked == [ALL] and ALL not in names:
        return _all(target, there, image)
    if missing := [name for name in asked if name not in names]:
        known = _running(there, image) or there
        raise InputError(
            f"Deployment {target} has no container {' and none '.join(f'`{name}`' for name in missing)}",
            why=f"its containers: {', '.join(map(str, there))}",
            hint=f"--container {known[0].container}",
        )
    if asked:
        return tuple(place.container for place in places_named(template, asked))
    return (_only(target, [place for place in there if not place.init], there, image),)


def container_of(deployment: Object, wanted: str, image: str = "") -> str:
    """The one whose image is the version: the first that serves."""
    return containers_of(deployment, wanted, image)[0]


def staying(deployment: Object, chosen: Sequence[str], image: str) -> list[Finding]:
    """Places of the image's repository that keep the old version, in one line."""
    there = places_of(deployment["spec"]["template"])
    here = repository(image) if image else ""
    left = [place for place in there if here and repository(place.image) == here and place.container not in chosen and place.image != image]
    if not left:
        return []
    olds = sorted({place.image for place in left})
    many, verb = ("s", "stay") if len(left) > 1 else ("", "stays")
    text = f"container{many} {named(left)} {verb} on {' and '.join(olds)}: the new image is of the same repository"
    return [Finding(STAYING, "warn", text, "`--container all` releases them together")]


def _all(target: str, there: Sequence[Place], image: str) -> tuple[str, ...]:
    found = _running(there, image) if image else [place for place in there if not place.init]
    if not found:
        runs = ", ".join(f"{place} ({place.image})" for place in there)
        raise InputError(
            f"no container of Deployment {target} runs the repository of {image}",
            why=f"its containers: {runs}",
            hint=f"name it with --container {there[0].container}",
        )
    return tuple(place.container for place in found)


def _only(target: str, serving: Sequence[Place], there: Sequence[Place], image: str) -> str:
    """The container that is meant where nobody named one. An init container is never guessed."""
    if len(serving) == 1:
        elsewhere = [place for place in _running(there, image) if place.init]
        if elsewhere and repository(serving[0].image) != repository(image):
            raise InputError(
                f"{image} is of the repository of {named(elsewhere)}, and {serving[0]} runs {serving[0].image}",
                why="an init container is never guessed",
                hint=f"--container {elsewhere[0].container} releases it there",
            )
        return serving[0].container
    known = [place.container for place in _running(serving, image)]
    if len(known) == 1:
        return known[0]
    runs = ", ".join(f"{place.container} ({place.image})" for place in serving)
    why = f"{image} may be for each of {', '.join(known)}" if known else f"none of them runs the repository of {image}" if image else ""
    together = " or, for all of them, --container all" if len(_running(there, image)) > 1 else ""
    raise InputError(
        f"Deployment {target} has {len(serving)} containers: {runs}",
        why=why or "the new image is for one of them",
        hint="name it with " + " or ".join(f"--container {name}" for name in known or [place.container for place in serving]) + together,
    )


def _running(places: Sequence[Place], image: str) -> list[Place]:
    """Those that run this repository; else those whose image has the same name in another registry."""
    here = repository(image) if image else ""
    exact = [place for place in places if here and repository(place.image) == here]
    moved = [place for place in places if here and repository(place.image).rpartition("/")[2] == here.rpartition("/")[2]]
    return exact or moved
