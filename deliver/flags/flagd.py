"""flagd's document in a ConfigMap that the pods mount: the default back end.

One flag of the document is changed, every other byte stays. The fence is in the flag's own metadata and not on the ConfigMap, which
may hold flags of other targets, with other locks.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from deliver.cluster.port import Watch
from deliver.flags.document import nearest
from deliver.flags.format import DocumentBackend
from deliver.flags.http import FlagHttpClient
from deliver.flags.kubelet_sync import KubeletSync
from deliver.flags.mounts import findings
from deliver.flags.options import ConfigMapOptions
from deliver.model.errors import NotFound
from deliver.model.names import FENCE
from deliver.model.objects import Object
from deliver.model.observation import Ack, PodSeen
from deliver.plugins.flags import FlagReach
from deliver.plugins.interfaces import Finding, Writer

LARGEST = 1024 * 1024
ROOM = 4096  # bytes that our marks and weights may add
_GITOPS = ("argocd", "kustomize-controller", "helm-controller", "helm")


class Flagd(DocumentBackend[ConfigMapOptions, Object]):
    name: ClassVar[str] = "flagd"
    summary: ClassVar[str] = "flagd's JSON in a ConfigMap that the pods mount, confirmed by OFREP"
    Options: ClassVar[type[BaseModel]] = ConfigMapOptions

    def __init__(self, options: ConfigMapOptions, reach: FlagReach, caller: FlagHttpClient | None = None) -> None:
        super().__init__(options, reach, caller)
        self._refresh = KubeletSync(reach, options.configmap, options.key)

    def watches(self) -> Sequence[Watch]:
        return (Watch("configmaps", name=self.options.configmap),)

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        ack = super().confirm(flag, revision, percent, pods)
        return replace(ack, how=f"{ack.how}; {self._refresh.slow}") if ack.missing and self._refresh.slow else ack

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

    def _text(self, holder: Object) -> str:
        data, key = holder.get("data") or {}, self.options.key
        if key not in data:
            where = "as binaryData, which no text can be put into" if key in (holder.get("binaryData") or {}) else nearest("", data)
            raise NotFound(f"ConfigMap {self.options.configmap} has no key `{key}`", status=404, hint=f"name the right `key`; {where}")
        return str(data[key])

    def _change(self, write: Writer, flag: str, text: Callable[[Object], str]) -> Object:
        def patch(obj: Object) -> Object | None:
            new = text(obj)
            if new == obj["data"][self.options.key]:
                return None
            return {"metadata": {"annotations": {FENCE: None}}, "data": {self.options.key: new}}

        return write.change("configmaps", self.options.configmap, patch)

    def _place_findings(self, holder: Object, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        return [*_object_findings(holder, self.options.key), *findings(workload, pods, self.options.configmap, self.options.key)]

    def _written(self, write: Writer, revision: str) -> None:
        self._refresh.bump(write, revision.partition("-")[0])

    def _left(self, write: Writer) -> None:
        self._refresh.clear(write)


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
