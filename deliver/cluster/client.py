"""The port over a real API server. The only public entry: connect()."""

import copy
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deliver.cluster.connection import Place, load, locate
from deliver.cluster.credentials import Credentials
from deliver.cluster.failures import CONTROL_IN_TEXT, Call, without_secrets
from deliver.cluster.informer import Informer
from deliver.cluster.paths import group_of, path, title, typed
from deliver.cluster.plugin_calls import CredentialsFailed
from deliver.cluster.port import Access, Watch
from deliver.cluster.reflector import narrowed
from deliver.cluster.retries import Retries, guarded
from deliver.cluster.schema import fitting
from deliver.cluster.timing import Deadline, Timing
from deliver.cluster.transport import Transport
from deliver.model.errors import Forbidden, Gone, InputError, Unreachable
from deliver.model.names import MANAGER
from deliver.model.objects import Object

Objects = list[Object]  # the class's own `list` hides the builtin

_USUAL = Timing()
_PAGE = 500  # objects asked for at once, as kubectl does
_LOG_BYTES = 256 * 1024
_REHEARSED = 6.0  # seconds for a write that is a dry run: a preflight does not wait for a webhook as long as a release would


def connect(kubeconfig: str | None = None, context: str | None = None, *, deadline: float = 15.0) -> "KubernetesCluster":
    """The cluster that kubectl would use. deadline: seconds for a call with its retries, where the call gives none.

    Reads files and runs the credential plugin; no call to the API server yet. Raises InputError (exit code 2) with a hint.
    """
    files = locate(kubeconfig, os.environ)
    place = load(files, context)
    cluster = KubernetesCluster(place, lambda: load(files, place.context if files else None), timing=Timing(deadline=deadline))
    cluster.sign_in()
    return cluster


class KubernetesCluster:
    """Implements deliver.cluster.port.Cluster; its methods say what they do there. Thread-safe.

    namespace: the context's own, else "default". clock: monotonic seconds.
    """

    def __init__(
        self,
        place: Place,
        reload: Callable[[], Place],
        *,
        timing: Timing = _USUAL,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.namespace, self.context = place.namespace, place.context
        self._timing, self._clock, self._chance = timing, clock, chance
        self._credentials = Credentials(place, reload, clock, timing=timing)
        self._transport = Transport(self._credentials, timing)
        self._retries = Retries(timing, sleep, chance)
        self._written: dict[str, str] = {"fieldManager": MANAGER}  # query of a create and of a patch

    @property
    def server(self) -> str:
        return without_secrets(self._transport.server)

    @property
    def acts_as(self) -> str:
        """Whom the kubeconfig's `as` names, "" for nobody else than who signs in."""
        return str(self._credentials.place.login.acting)

    def sign_in(self) -> None:
        """Runs the credential plugin, if there is one. Raises InputError."""
        self._credentials.sign_in()

    def close(self) -> None:
        """Ends the connections that are kept for the next call, which opens new ones."""
        self._credentials.pool.clear()

    def get(self, kind: str, namespace: str, name: str, *, deadline: float | None = None) -> Object:
        return fitting(kind, self._json(Call("GET", path(kind, namespace, name), f"read {title(kind, namespace, name)}"), deadline))

    def list(self, kind: str, namespace: str, *, selector: str = "", field: str = "", deadline: float | None = None) -> Objects:
        query = {"labelSelector": selector, "fieldSelector": field}
        return self._listing(kind, namespace, query, self._deadline(deadline))[0]

    def create(self, kind: str, namespace: str, body: Object, *, deadline: float | None = None) -> Object:
        name = (body.get("metadata") or {}).get("name", "")
        call = Call(
            "POST",
            path(kind, namespace),
            f"create {title(kind, namespace, name)}",
            self._written,
            typed(kind, dict(body)),
            writes=True,
            repeatable=bool(name),  # with generateName a second try would make a second object
        )
        answer = self._json(call, deadline)
        if "dryRun" in self._written and isinstance(answer.get("metadata"), dict):
            answer["metadata"].setdefault("resourceVersion", "0")  # what was never stored has none
        return fitting(kind, answer)

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        body: Object,
        *,
        deadline: float | None = None,
    ) -> Object:
        call = Call(
            "PATCH",
            path(kind, namespace, name),
            f"change {title(kind, namespace, name)}",
            self._written,
            body,
            "application/merge-patch+json",
            writes=True,
            repeatable=guarded(body),
        )
        return fitting(kind, self._json(call, deadline))

    def rehearsing(self) -> "KubernetesCluster":
        dry = copy.copy(self)
        vars(dry).update(_written={**self._written, "dryRun": "All"}, _timing=replace(self._timing, deadline=_REHEARSED))
        return dry

    def delete(self, kind: str, namespace: str, name: str, *, uid: str, version: str = "", deadline: float | None = None) -> None:
        conditions = {key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": conditions}
        call = Call(
            "DELETE", path(kind, namespace, name), f"delete {title(kind, namespace, name)}", body=options, writes=True, repeatable=bool(uid)
        )
        self._json(call, deadline)

    def follow(self, namespace: str, watches: Sequence[Watch], wake: Callable[[], None]) -> Informer:
        def listing(watch: Watch, seconds: float) -> tuple[Objects, str]:
            return self._listing(watch.kind, namespace, narrowed(watch.selector, watch.name), self._deadline(seconds))

        return Informer(listing, self._transport, namespace, watches, wake, clock=self._clock, chance=self._chance)

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, lines: int = 20) -> str:
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(_LOG_BYTES)}
        if previous:
            query["previous"] = "true"
        call = Call("GET", path("pods", namespace, pod, "log"), f"read the log of {title('pods', namespace, pod)}", query)
        end = self._deadline(None)
        raw = self._retries.run(call, end, lambda: self._transport.raw(call, end))
        return CONTROL_IN_TEXT.sub(" ", raw.decode("utf-8", "replace"))

    def allowed(self, verb: str, kind: str, namespace: str, name: str = "", subresource: str = "") -> bool:
        attributes = {"verb": verb, "group": group_of(kind), "resource": kind, "namespace": namespace}
        attributes |= {"name": name, "subresource": subresource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        call = Call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "ask for the own permissions", body=review)
        return bool((self._json(call, None).get("status") or {}).get("allowed"))

    def version(self) -> str:
        return str(self._json(Call("GET", "/version", "read the API server's version"), None).get("gitVersion", ""))

    def proxy(self, namespace: str, kind: str, name: str, port: str | int, scheme: str = "") -> Access:
        if kind not in ("services", "pods"):
            raise InputError(f"there is no proxy to {kind}", why="the API server's proxy leads to services and pods")
        target = ":".join(str(part) for part in ((scheme, name, port) if scheme else (name, port)))
        return Access(self._transport.server + path(kind, namespace, target, "proxy"), self._headers, self._credentials.send)

    def _headers(self) -> Mapping[str, str]:
        try:
            header = self._credentials.header(self._timing.read)
        except CredentialsFailed as error:
            raise Forbidden("cannot use the API server's proxy", status=401, why=without_secrets(str(error))) from None
        return {"Authorization": header} if header else {}

    def _listing(self, kind: str, namespace: str, query: Mapping[str, str], end: Deadline) -> tuple[Objects, str]:
        """The objects and the resourceVersion they were true at, page by page; begun anew when the pages' snapshot expires."""
        try:
            return self._pages(kind, namespace, query, end)
        except Gone:
            return self._pages(kind, namespace, query, end)

    def _pages(self, kind: str, namespace: str, query: Mapping[str, str], end: Deadline) -> tuple[Objects, str]:
        items: Objects = []
        asked = {**{key: value for key, value in query.items() if value}, "limit": str(_PAGE)}
        while True:
            page = self._run(Call("GET", path(kind, namespace), f"list {title(kind, namespace)}", dict(asked)), end)
            found, metadata = page.get("items") or [], page.get("metadata") or {}
            if not isinstance(found, Sequence) or not isinstance(metadata, Mapping):
                raise Unreachable(f"no usable answer about {kind}", why="it is not a list")
            items += [typed(kind, fitting(kind, item)) for item in found]
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion", ""))
            asked["continue"] = metadata["continue"]

    def _json(self, call: Call, seconds: float | None) -> dict[str, Any]:
        return self._run(call, self._deadline(seconds))

    def _run(self, call: Call, end: Deadline) -> dict[str, Any]:
        return self._retries.run(call, end, lambda: self._transport.json(call, end))

    def _deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self._timing.deadline if seconds is None else seconds, self._clock)
