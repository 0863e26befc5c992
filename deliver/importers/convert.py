"""Another tool's objects into a deliver.yaml for each target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deliver.importers import argo, flagger
from deliver.importers.deliver_yaml import Note, Pieces, document, written
from deliver.importers.objects import Manifest, group, kind, namespace, title

NAMED = 3  # of the objects that are none of ours


@dataclass(frozen=True)
class Converted:
    """text: "" when nothing could be taken over. notes: what was not, and what works differently."""

    text: str
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Part:
    """What is about one target: a Rollout or a Canary with its templates. name, namespace: of the Deployment, "" where nothing names it."""

    name: str
    namespace: str
    objects: tuple[Manifest, ...]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def parts(objects: Sequence[Manifest]) -> tuple[Part, ...]:
    """One a target, without what is none of ours; all of it, where there is one target or none."""
    ours = [obj for index, obj in enumerate(objects) if group(obj) in (argo.GROUP, flagger.GROUP) and obj not in objects[:index]]
    about = {argo.ROLLOUT: argo.deployment, flagger.CANARY: flagger.deployment}
    heads = [obj for obj in ours if kind(obj) in about]
    named = [(head, about[kind(head)](head), namespace(head)) for head in heads]
    if len(heads) < 2:
        return (Part(*(named[0][1:] if named else ("", "")), tuple(ours)),)
    rest = [obj for obj in ours if not any(obj is head for head in heads)]
    return tuple(Part(name, space, (head, *_of(head, rest))) for head, name, space in named)


def _of(head: Manifest, rest: Sequence[Manifest]) -> Sequence[Manifest]:
    """Its own templates; a Canary finds those that it names by itself."""
    mine = [obj for obj in rest if group(obj) == group(head)]
    if group(head) != argo.GROUP:
        return mine
    templates = [obj for obj in mine if kind(obj) in argo.TEMPLATES]
    return argo.used([head], templates)


def others(objects: Sequence[Manifest], parts: Sequence[Part]) -> tuple[Note, ...]:
    """What is said of objects that are in no part. Of either tool's each is named; a folder holds many that are none."""
    unused = [obj for obj in objects if group(obj) in (argo.GROUP, flagger.GROUP) and not any(obj in one.objects for one in parts)]
    notes = [Note(title(obj), "no Rollout or Canary here uses it", lost=True) for obj in unused]
    found = [title(obj) for obj in objects if group(obj) not in (argo.GROUP, flagger.GROUP)]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (*notes, *([Note(", ".join(found[:NAMED]) + more, "no object of Argo Rollouts or Flagger", lost=True)] if found else []))


def convert(
    objects: Sequence[Manifest], *, deployment: str = "", namespace: str = "", prometheus: str = "", args: Mapping[str, str] | None = None
) -> Converted:
    """Of one target. deployment, namespace, prometheus: before what the objects say."""
    pieces = Pieces()
    argo.take(objects, args or {}, pieces)
    flagger.take(objects, pieces)
    if not pieces.sources:
        return Converted("", tuple(pieces.notes))
    data = document(pieces, deployment, namespace, prometheus)
    return Converted(written(data, pieces.sources, pieces.notes), tuple(pieces.notes))
