"""A file of another tool's objects into deliver.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deliver.importing import argo, flagger
from deliver.importing.objects import Object, group, title
from deliver.importing.pieces import Note, Pieces, document, written


@dataclass(frozen=True)
class Converted:
    """text: "" when nothing could be taken over. notes: what was not, and what works differently."""

    text: str
    notes: tuple[Note, ...]


def convert(
    objects: Sequence[Object], *, deployment: str = "", namespace: str = "", prometheus: str = "", args: Mapping[str, str] | None = None
) -> Converted:
    pieces = Pieces()
    argo.take(objects, args or {}, pieces)
    flagger.take(objects, pieces)
    for other in objects:
        if group(other) not in (argo.GROUP, flagger.GROUP):
            pieces.lost(title(other), "it is no object of Argo Rollouts or Flagger")
    if not pieces.sources:
        return Converted("", tuple(pieces.notes))
    data = document(pieces, deployment, namespace, prometheus)
    return Converted(written(data, pieces.sources, pieces.notes), tuple(pieces.notes))
