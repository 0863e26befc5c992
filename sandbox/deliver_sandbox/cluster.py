"""The Cluster port of deliver.cluster.port on the embedded API, in-process."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deliver.cluster.port import Access, Watch
from deliver.model.errors import ClusterError, Unreachable
from deliver.model.names import FENCE, MANAGER
from deliver.model.objects import Object
from deliver_sandbox.api import Api, Write
from deliver_sandbox.controllers.kubelet import Kubelet
from deliver_sandbox.errors import ApiError, as_model, not_found
from deliver_sandbox.faults import Call, Fault, Killed, Script
from deliver_sandbox.feed import SandboxFeed
from deliver_sandbox.store import copy

VERSION = "v1.37.2"
WATCH_LAG = 0.005
_DEADLINE = 15.0
_DEFAULTS: Mapping[str, Any] = {"subresource": "", "fence": "", "body": None}


class SandboxCluster:
    """One driver's way to the cluster. actor: its name in the call log. script: what goes wrong. calls: what it did, newest last.

    allow: answers `allowed`, and refuses calls with Forbidden when it says no.
    """

    def __init__(
        self, api: Api, kubelet: Kubelet, *, actor: str = MANAGER, calls: list[Call] | None = None, script: Script | None = None
    ) -> None:
        self.api, self.kubelet, self.actor = api, kubelet, actor
        self.calls: list[Call] = calls if calls is not None else []
        self.script = script if script is not None else Script()
        self.allow: Callable[[str, str, str, str, str], bool] = lambda verb, kind, namespace, name, subresource: True
        self.feeds: list[SandboxFeed] = []
        self.namespace = "shop"
        self._write = Write(manager=MANAGER)
        self.dead = False

    def as_actor(self, actor: str) -> "SandboxCluster":
        """The same cluster for another driver, with the same call log and faults."""
        other = SandboxCluster(self.api, self.kubelet, actor=actor, calls=self.calls, script=self.script)
        other.allow = self.allow
        return other

    def rehearsing(self) -> "SandboxCluster":
        """With a call log and a script of its own: what is rehearsed is no write, and no fault is meant for it."""
        other = SandboxCluster(self.api, self.kubelet, actor=self.actor)
        other.allow, other._write = self.allow, Write(manager=MANAGER, dry_run=True)
        return other

    def get(self, kind: str, namespace: str, name: str, *, deadline: float | None = None) -> Object:
        return copy(self._do("get", kind, namespace, name, deadline, lambda: self.api.get(kind, namespace, name)))

    def list(self, kind: str, namespace: str, *, selector: str = "", field: str = "", deadline: float | None = None) -> list[Object]:
        """namespace: "" for all of them."""

        def listed() -> Any:
            return self.api.list(kind, namespace, selector, field, everywhere=not namespace)

        return [copy(obj) for obj in self._do("list", kind, namespace, "", deadline, listed)]

    def create(self, kind: str, namespace: str, body: Object, *, deadline: float | None = None) -> Object:
        name = (body.get("metadata") or {}).get("name", "")
        more = {"body": body, "fence": _fence(body)}

        def work() -> Object:
            chance = self.api.random.getstate() if self._write.dry_run else None
            made = self.api.create(kind, namespace, body, self._write)
            if chance is not None:
                self.api.random.setstate(chance)  # a world goes on as if nothing had been rehearsed
            return made

        return copy(self._do("create", kind, namespace, name, deadline, work, more))

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        body: Object,
        *,
        deadline: float | None = None,
    ) -> Object:
        more = {"body": body, "fence": _fence(body)}

        def work() -> Object:
            return self.api.patch(kind, namespace, name, body, "application/merge-patch+json", "", self._write)

        return copy(self._do("patch", kind, namespace, name, deadline, work, more))

    def delete(self, kind: str, namespace: str, name: str, *, uid: str, version: str = "", deadline: float | None = None) -> None:
        conditions = {key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value}
        options = {"propagationPolicy": "Background", "preconditions": conditions}
        self._do("delete", kind, namespace, name, deadline, lambda: self.api.delete(kind, namespace, name, options), {"body": options})

    def follow(self, namespace: str, watches: Sequence[Watch], wake: Callable[[], None]) -> SandboxFeed:
        def read(kind: str, space: str) -> list[Object]:
            found: list[Object] = self._do("watch", kind, space, "", None, lambda: self.api.list(kind, space))
            return found

        feed = SandboxFeed(self.api, namespace, watches, wake, read, WATCH_LAG)
        self.feeds.append(feed)
        return feed

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, lines: int = 20) -> str:
        def work() -> str:
            self.api.get("pods", namespace, pod)
            for run in self.kubelet.named(pod):
                return "\n".join((run.previous if previous else run.logs)[-lines:])
            raise not_found("pods", pod)

        text: str = self._do("get", "pods", namespace, pod, None, work, {"subresource": "log"})
        return text

    def allowed(self, verb: str, kind: str, namespace: str, name: str = "", subresource: str = "") -> bool:
        return self.allow(verb, kind, namespace, name, subresource)

    def version(self) -> str:
        text: str = self._do("get", "version", "", "", None, lambda: VERSION)
        return text

    def proxy(self, namespace: str, kind: str, name: str, port: str | int, scheme: str = "") -> Access:
        """An address that nothing answers: in-process, metrics and checks are asked through World, not through HTTP."""
        return Access(url=f"http://sandbox.invalid/{namespace}/{kind}/{name}:{port}", headers=dict)

    def _do(
        self, verb: str, kind: str, namespace: str, name: str, deadline: float | None, work: Callable[[], Any], more: Mapping[str, Any] = {}
    ) -> Any:
        if self.dead:
            raise Killed("a process that was killed makes no call, not even to let go of its lock")
        call = Call(len(self.calls) + 1, self.api.clock.now(), verb, kind, namespace, name, actor=self.actor, **more)
        self.calls.append(call)
        outcome, changed = "killed", False
        try:
            fault = self.script.before(call)
            if fault is not None and not fault.applied:
                self._fail(fault, deadline)
            if not self.allow(verb, kind, namespace, name, call.subresource):
                raise ApiError(403, "Forbidden", f'{kind} "{name}" is forbidden: User "{self.actor}" cannot {verb} resource "{kind}"')
            with self.api.lock:
                before = self.api.store.version
                result = work()
                changed = self.api.store.version != before
            if fault is not None:
                self._fail(fault, deadline)
            self.script.after(call)
            outcome = "ok"
            return result
        except Killed:
            self.dead = True
            raise
        except ApiError as error:
            mapped = as_model(error)
            outcome = type(mapped).__name__
            raise mapped from error
        except ClusterError as error:
            outcome = type(error).__name__
            raise
        finally:
            self.calls[call.seq - 1] = call._replace(outcome=outcome, changed=changed)

    def _fail(self, fault: Fault, deadline: float | None) -> None:
        """Raise what the fault says, after the time that the caller would have waited; never longer than its deadline."""
        wait = min(fault.seconds, _DEADLINE if deadline is None else deadline)
        if wait > 0:
            self.api.clock.wait(wait)
        raise fault.error()


def _fence(body: object) -> str:
    """The fence annotation that a write carries, in whatever kind of patch."""
    if isinstance(body, Mapping):
        notes = (body.get("metadata") or {}).get("annotations") or {}
        return str(notes.get(FENCE) or "")
    if isinstance(body, Sequence):
        for item in body:
            if isinstance(item, Mapping) and str(item.get("path", "")).endswith("deliver.dev~1fence"):
                return str(item.get("value", ""))
    return ""


__all__ = ("SandboxCluster", "Unreachable")
