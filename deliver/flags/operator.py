"""The OpenFeature Operator's FeatureFlag resource: .spec.flagSpec.flags.KEY. flagd watches it through the API server.

Only the one flag is patched. An operator before flag metadata drops our marks; then who serves the change is told by evaluation alone.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from deliver.cluster.port import Watch
from deliver.flags.document import Document, parse
from deliver.flags.format import Confirmation, Editor, killable, marked, ready
from deliver.flags.http import Caller
from deliver.flags.options import ResourceOptions
from deliver.flags.rollout import STEP, Flag
from deliver.model.errors import NotFound, Rejected
from deliver.model.names import FENCE
from deliver.model.seen import Ack, FlagState, PodSeen
from deliver.plugins.flags import Capabilities, FlagReach, Mark
from deliver.plugins.interfaces import Finding, Object, Writer

KIND = "featureflags"


class OpenFeatureOperator:
    name: ClassVar[str] = "openfeature-operator"
    summary: ClassVar[str] = "a FeatureFlag resource of the OpenFeature Operator, confirmed by OFREP"
    Options: ClassVar[type[BaseModel]] = ResourceOptions
    capabilities: ClassVar[Capabilities] = Capabilities(step=STEP, conditional=True, monotone=True, ack="instance")

    def __init__(self, options: ResourceOptions, reach: FlagReach, caller: Caller | None = None) -> None:
        self.options, self.reach = options, reach
        self._confirmation = Confirmation(options, reach, caller)
        self._edit = Editor(self._confirmation.names, reach.clock)
        self._good: Document | None = None

    def watches(self) -> Sequence[Watch]:
        return (Watch(KIND, name=self.options.resource),)

    def read(self, flag: str) -> FlagState:
        return self._document(self._get()).state(flag, self._edit.names)

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        try:
            state = self.read(flag)
        except (NotFound, Rejected) as error:
            return [Finding("no-flag", "input", f"{error.what}: {error.why}" if error.why else error.what, error.hint)]
        found = marked(state, self._where)
        if not found and self.options.port:
            found += self._confirmation.findings(flag, self._confirmation.pods(ready(pods)))
        return found

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        def edit(document: Document) -> Flag | None:
            there = document.state(flag, self._edit.names).revision
            return self._edit.set(document.flag(flag), percent, mark, there, if_revision)

        return self._change(write, flag, lambda obj: edit(self._document(obj)))

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        def edit(obj: Object) -> Flag | None:
            document = killable(lambda: self._document(obj), self._good, flag, self._edit.names)
            dead = self._edit.kill(document.flag(flag), mark)
            return document.flag(flag) if dead is None else dead

        return self._change(write, flag, edit)

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        revision = self._change(write, flag, lambda obj: dict(json.loads(document)))
        if self.read(flag).document != document:
            raise Rejected(f"flag `{flag}` in {self._where} is not what it was before, although it was put back", status=422)
        return revision

    def release(self, write: Writer, flag: str) -> None:
        self._change(write, flag, lambda obj: self._edit.release(self._document(obj).flag(flag)))

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        document = self._document(self._get())
        if document.state(flag, self._edit.names).revision != revision:
            return Ack(0, max(1, len(pods)), "the flag was changed since", missing=(self._where,))
        return self._confirmation.by_pods(flag, document.flag(flag), percent, pods)

    # -- parts

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

    def _document(self, obj: Object) -> Document:
        """The flags as a text of flagd's format, keys sorted: the API server keeps no order."""
        spec = (obj.get("spec") or {}).get("flagSpec") or {}
        self._good = parse(json.dumps({"flags": spec.get("flags"), **_set_parts(spec)}, sort_keys=True), self._where)
        return self._good

    def _change(self, write: Writer, flag: str, edit: Callable[[Object], Flag | None]) -> str:
        """Patch the one flag to what `edit` makes of what stands (None: it stays); the revision that was read back."""

        def patch(obj: Object) -> Object | None:
            new = edit(obj)
            flags = ((obj.get("spec") or {}).get("flagSpec") or {}).get("flags") or {}
            old = flags.get(flag)
            if new is None or new == old:
                return None
            change = difference(old if isinstance(old, Mapping) else {}, new)
            return {"metadata": {"annotations": {FENCE: None}}, "spec": {"flagSpec": {"flags": {flag: change}}}}

        return self._document(write.change(KIND, self.options.resource, patch)).state(flag, self._edit.names).revision


def _set_parts(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in ("metadata", "$evaluators") if key in spec}


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that makes `new` of `old`."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := difference(before, value):
                patch[key] = inner
        elif value != before or key not in old:
            patch[key] = value
    return patch
