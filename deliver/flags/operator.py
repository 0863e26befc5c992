"""The OpenFeature Operator's FeatureFlag resource: .spec.flagSpec.flags.KEY. flagd watches it through the API server.

Only the one flag is patched. An operator before flag metadata (0.9) drops our marks: then who serves the change is told by evaluation
alone, and what a kill keeps of somebody's own rules is found in an annotation of the resource.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from deliver.cluster.patch import merge_patch_to
from deliver.cluster.port import Watch
from deliver.flags import rollout
from deliver.flags.document import Document, parse
from deliver.flags.format import DocumentBackend
from deliver.flags.options import ResourceOptions
from deliver.flags.rollout import RELEASE, Flag, marks_of
from deliver.model.errors import NotFound, Rejected
from deliver.model.names import FENCE
from deliver.model.objects import Object
from deliver.plugins.flags import Mark
from deliver.plugins.interfaces import Writer

KIND = "featureflags"
KEPT = "deliver.dev/kept"


class OpenFeatureOperator(DocumentBackend[ResourceOptions, Object]):
    name: ClassVar[str] = "openfeature-operator"
    summary: ClassVar[str] = "a FeatureFlag resource of the OpenFeature Operator, confirmed by OFREP"
    Options: ClassVar[type[BaseModel]] = ResourceOptions

    def watches(self) -> Sequence[Watch]:
        return (Watch(KIND, name=self.options.resource),)

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        revision = super().restore(write, flag, document, mark)
        if self.read(flag).document != document:
            raise Rejected(f"flag `{flag}` in {self._where} is not what it was before, although it was put back", status=422)
        return revision

    @property
    def _where(self) -> str:
        return f"FeatureFlag {self.options.resource}"

    def _get(self) -> Object:
        try:
            return self.reach.get(KIND, self.options.resource)
        except NotFound as error:
            what = f"no FeatureFlag {self.options.resource} in namespace {self.reach.namespace}"
            hint = (
                "name the right `resource`: kubectl get featureflags; if that kind is not known, the OpenFeature Operator is not installed"
            )
            raise NotFound(what, status=404, why=error.why, hint=hint) from None

    def _text(self, holder: Object) -> str:
        """Keys sorted: the API server keeps no order."""
        spec = _flag_spec(holder)
        parts = {key: spec[key] for key in ("metadata", "$evaluators") if key in spec}
        return json.dumps({"flags": spec.get("flags"), **parts}, sort_keys=True)

    def _change(self, write: Writer, flag: str, text: Callable[[Object], str]) -> Object:
        """Only the one flag is patched: what others did to the rest meanwhile stays."""

        def patch(obj: Object) -> Object | None:
            old, new = (_flag_spec(obj).get("flags") or {}).get(flag), json.loads(text(obj))["flags"][flag]
            if new == old:
                return None
            change = merge_patch_to(old if isinstance(old, Mapping) else {}, new)
            return {"metadata": {"annotations": {FENCE: None, **_noted(obj, flag, new)}}, "spec": {"flagSpec": {"flags": {flag: change}}}}

        return write.change(KIND, self.options.resource, patch)

    def _standing(self, holder: Object, flag: str) -> Flag:
        found, kept = super()._standing(holder, flag), _notes(holder).get(flag)
        if not kept or marks_of(found).release:
            return found
        return {**found, "metadata": {**(found.get("metadata") or {}), RELEASE: "dropped", rollout.KEPT: kept}}

    def _restorable(self, holder: Object, flag: str) -> Document:
        """One flag is put back: whatever the others are, they are not written."""
        return parse('{"flags": {}}', self._where)


def _notes(obj: Object) -> dict[str, str]:
    """By flag, what kills have kept aside."""
    try:
        found = json.loads((obj["metadata"].get("annotations") or {}).get(KEPT, "{}"))
    except ValueError:
        return {}
    return {str(name): str(text) for name, text in found.items()} if isinstance(found, dict) else {}


def _noted(obj: Object, flag: str, new: Flag) -> dict[str, str | None]:
    """The annotation beside a new definition: what a kill keeps joins it, what carries no mark of ours any more leaves it."""
    kept, notes = (new.get("metadata") or {}).get(rollout.KEPT), _notes(obj)
    if kept:
        notes[flag] = str(kept)
    elif marks_of(new).release or flag not in notes:
        return {}
    else:
        del notes[flag]
    return {KEPT: json.dumps(notes, sort_keys=True) if notes else None}


def _flag_spec(obj: Object) -> Mapping[str, Any]:
    return (obj.get("spec") or {}).get("flagSpec") or {}
