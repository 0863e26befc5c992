"""flagd's document in a ConfigMap that the pods mount: the default back end.

One flag of the document is changed, every other byte stays. The fence is in the flag's own metadata and not on the ConfigMap, which
may hold flags of other targets, with other locks.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from deliver.cluster.port import Watch
from deliver.flags.document import Document, nearest, parse
from deliver.flags.format import Confirmation, Editor, killable, marked, ready, restorable
from deliver.flags.http import Caller
from deliver.flags.mounts import findings
from deliver.flags.options import ConfigMapOptions
from deliver.flags.refresh import Refresh
from deliver.flags.rollout import STEP
from deliver.model.errors import NotFound, Rejected
from deliver.model.names import FENCE
from deliver.model.seen import Ack, FlagState, PodSeen
from deliver.plugins.flags import Capabilities, FlagReach, Mark
from deliver.plugins.interfaces import Finding, Object, Writer

LARGEST = 1024 * 1024
ROOM = 4096  # bytes that our marks and weights may add
_GITOPS = ("argocd", "kustomize-controller", "helm-controller", "helm")


class Flagd:
    name: ClassVar[str] = "flagd"
    summary: ClassVar[str] = "flagd's JSON in a ConfigMap that the pods mount, confirmed by OFREP"
    Options: ClassVar[type[BaseModel]] = ConfigMapOptions
    capabilities: ClassVar[Capabilities] = Capabilities(step=STEP, conditional=True, monotone=True, ack="instance")

    def __init__(self, options: ConfigMapOptions, reach: FlagReach, caller: Caller | None = None) -> None:
        self.options, self.reach = options, reach
        self._confirmation = Confirmation(options, reach, caller)
        self._edit = Editor(self._confirmation.names, reach.clock)
        self._refresh = Refresh(reach, options.configmap, options.key)
        self._good: Document | None = None

    def watches(self) -> Sequence[Watch]:
        return (Watch("configmaps", name=self.options.configmap),)

    def read(self, flag: str) -> FlagState:
        return self._document(self._get()).state(flag, self._edit.names)

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        try:
            obj = self._get()
            state = self._document(obj).state(flag, self._edit.names)
        except (NotFound, Rejected) as error:
            return [Finding("no-flag", "input", f"{error.what}: {error.why}" if error.why else error.what, error.hint)]
        found = [*_object_findings(obj, self.options.key), *findings(workload, pods, self.options.configmap, self.options.key)]
        found += marked(state, self._where)
        if not found and self.options.port:
            found += self._confirmation.findings(flag, self._confirmation.pods(ready(pods)))
        return found

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        def text(obj: Object) -> str | None:
            document = self._document(obj)
            there = document.state(flag, self._edit.names).revision
            new = self._edit.set(document.flag(flag), percent, mark, there, if_revision)
            return None if new is None else document.with_flag(flag, new)

        return self._bumped(write, flag, self._change(write, text))

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        def text(obj: Object) -> str:
            document = killable(lambda: self._document(obj), self._good, flag, self._edit.names)
            new = self._edit.kill(document.flag(flag), mark)
            return document.text if new is None else document.with_flag(flag, new)

        return self._bumped(write, flag, self._change(write, text))

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        now = self._change(write, lambda obj: restorable(lambda: self._document(obj), self._good).with_raw(flag, document))
        self._refresh.clear(write)
        return now.state(flag, self._edit.names).revision

    def release(self, write: Writer, flag: str) -> None:
        def text(obj: Object) -> str | None:
            document = self._document(obj)
            new = self._edit.release(document.flag(flag))
            return None if new is None else document.with_flag(flag, new)

        self._change(write, text)
        self._refresh.clear(write)

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        document = self._document(self._get())
        if document.state(flag, self._edit.names).revision != revision:
            return Ack(0, max(1, len(pods)), "the flag was changed since", missing=(self._where,))
        ack = self._confirmation.by_pods(flag, document.flag(flag), percent, pods)
        return replace(ack, how=f"{ack.how}; {self._refresh.slow}") if ack.missing and self._refresh.slow else ack

    # -- parts

    @property
    def _where(self) -> str:
        return f"ConfigMap {self.options.configmap} ({self.options.key})"

    def _get(self) -> Object:
        try:
            return self.reach.get("configmaps", self.options.configmap)
        except NotFound as error:
            hint = f"make it: kubectl -n {self.reach.namespace} create configmap {self.options.configmap} --from-file={self.options.key}"
            what = f"no ConfigMap {self.options.configmap} in namespace {self.reach.namespace}"
            raise NotFound(what, status=404, why=error.why, hint=hint) from None

    def _document(self, obj: Object) -> Document:
        data = obj.get("data") or {}
        if self.options.key not in data:
            where = (
                "as binaryData, which no text can be put into" if self.options.key in (obj.get("binaryData") or {}) else nearest("", data)
            )
            raise NotFound(
                f"ConfigMap {self.options.configmap} has no key `{self.options.key}`", status=404, hint=f"name the right `key`; {where}"
            )
        self._good = parse(data[self.options.key], self._where)
        return self._good

    def _change(self, write: Writer, text: Callable[[Object], str | None]) -> Document:
        """Write what `text` makes of what stands (None: it stays), and give what was read back."""

        def patch(obj: Object) -> Object | None:
            new = text(obj)
            if new is None or new == obj["data"][self.options.key]:
                return None
            return {"metadata": {"annotations": {FENCE: None}}, "data": {self.options.key: new}}

        return self._document(write.change("configmaps", self.options.configmap, patch))

    def _bumped(self, write: Writer, flag: str, document: Document) -> str:
        state = document.state(flag, self._edit.names)
        self._refresh.bump(write, state.revision.partition("-")[0])
        return state.revision


def _object_findings(obj: Object, key: str) -> list[Finding]:
    name, found = obj["metadata"]["name"], []
    if obj.get("immutable"):
        hint = "make one that can be changed, under another name, and mount that"
        found.append(Finding("immutable", "input", f"ConfigMap {name} is immutable, so no flag in it can change", hint))
    size = sum(len(one) + len(str(value).encode()) for part in ("data", "binaryData") for one, value in (obj.get(part) or {}).items())
    if size + ROOM > LARGEST:
        text = f"ConfigMap {name} holds {size} bytes; with what a release adds it may pass the 1 MiB that Kubernetes takes"
        found.append(Finding("too-large", "input", text, "give the flag a ConfigMap of its own"))
    owners = sorted({str(one.get("manager")) for one in obj["metadata"].get("managedFields") or () if _owns(one, key)})
    if owners:
        text = f"{owners[0]} applies key {key} of ConfigMap {name} from Git, and will put it back while the release runs"
        hint = "let it ignore that key (Argo CD: ignoreDifferences with RespectIgnoreDifferences), or give the flag a ConfigMap of its own"
        found.append(Finding("gitops", "warn", text, hint))
    return found


def _owns(entry: Object, key: str) -> bool:
    manager = str(entry.get("manager", "")).lower()
    return any(word in manager for word in _GITOPS) and f"f:{key}" in ((entry.get("fieldsV1") or {}).get("f:data") or {})
