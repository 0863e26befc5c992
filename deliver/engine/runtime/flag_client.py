"""Client of one feature flag: makes the back end that the plan names, and translates actions (SET_SHARE, KILL_FLAG, ...) into its calls."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.cluster.port import Cluster, Watch
from deliver.engine.core.flag_state import foreign_write, killed_by, serves
from deliver.engine.runtime import proxy_access
from deliver.engine.runtime.flag_undo import flag_undo_note, undo_whole
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.model.action import Action, Verb
from deliver.model.errors import ClusterError, NotFound, Rejected
from deliver.model.frozen import replace
from deliver.model.names import FENCE, UNDO
from deliver.model.objects import Object
from deliver.model.observation import Ack, FlagState, PodSeen
from deliver.model.plan import FlagPlan, Side
from deliver.model.release import Release, RouteChange
from deliver.plugins import registry
from deliver.plugins.flags import FlagBackend, FlagGone, FlagReach, Mark, Undone, undoes

FLAG_VERBS = (Verb.SET_SHARE, Verb.KILL_FLAG, Verb.RESTORE_FLAG, Verb.RELEASE_FLAG, Verb.NOTE_UNDO, Verb.CLEAR_UNDO)


GONE = FlagState(None, "gone", "", "it is not there any more")
"""A flag that somebody has removed."""


@dataclass(frozen=True)
class FlagWritten:
    """What an action on the flag came to. revision: the flag's new one, "" where it stays what it was. left: of an undo.

    theirs: what somebody else had made of it before our kill went over it, see Release.flag_theirs.
    """

    revision: str = ""
    left: tuple[str, ...] = ()
    theirs: FlagState | None = None


@dataclass(frozen=True)
class FlagClient:
    """One flag in one back end."""

    flag: str
    backend: FlagBackend

    def watches(self) -> Sequence[Watch]:
        return self.backend.watches()

    def read(self) -> FlagState:
        return self.backend.read(self.flag)

    def confirm(self, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        return self.backend.confirm(self.flag, revision, percent, pods)

    def look(self) -> FlagState:
        """As `read`; a flag that is not there gives the treatment to nobody."""
        try:
            return self.backend.read(self.flag)
        except FlagGone as error:
            return replace(GONE, off=f"{error.what}: whoever asks for it gets the default of their code")

    def do(self, action: Action, release: Release, write: GuardedWriter) -> FlagWritten:
        """Raises ClusterError, or Superseded."""
        mark = Mark(release.id, release.step, write.fence)
        before = release.snapshot.flag
        match action.verb:
            case Verb.SET_SHARE:
                return FlagWritten(self.backend.set(write, self.flag, action.share, mark, if_revision=action.revision))
            case Verb.KILL_FLAG:
                theirs = self._theirs(release)
                return FlagWritten(self._kill(write, mark, release), theirs=theirs)
            case Verb.RESTORE_FLAG if before is not None:
                undone = self._undo(write, mark, release, before)
                return FlagWritten(undone.revision, undone.left)
            case Verb.RELEASE_FLAG:
                self.backend.release(write, self.flag)
                return FlagWritten(self.backend.read(self.flag).revision)
            case Verb.NOTE_UNDO:
                _note(write, release, flag_undo_note(release))
            case Verb.CLEAR_UNDO:
                _note(write, release, None)
        return FlagWritten()

    def _theirs(self, release: Release) -> FlagState | None:
        """What somebody else has made of the flag, before our kill goes over it, of a back end that cannot keep that aside itself."""
        if undoes(self.backend):
            return None
        try:
            found = self.backend.read(self.flag)
        except ClusterError:
            return None  # a kill waits for no look
        return found if foreign_write(release, found) and not killed_by(release.id, found) else None

    def _kill(self, write: GuardedWriter, mark: Mark, release: Release) -> str:
        """A flag that is not there gives it to nobody. One that no kill can be made of any more becomes what it was: then nobody had it."""
        before = release.snapshot.flag
        try:
            return self.backend.kill(write, self.flag, mark)
        except FlagGone:
            return GONE.revision
        except (NotFound, Rejected) as error:
            if before is None or not serves(before, 0.0):
                raise
            try:
                if undoes(self.backend):  # what others have switched off stays off here too
                    return self.backend.undo(write, self.flag, before.document, mark).revision
                return self.backend.restore(write, self.flag, before.document, mark)
            except ClusterError:
                raise error from None

    def _undo(self, write: GuardedWriter, mark: Mark, release: Release, before: FlagState) -> Undone:
        try:
            if not undoes(self.backend):
                return undo_whole(self.backend, write, self.flag, before, release.flag_theirs, release.flag_revision, mark)
            return self.backend.undo(write, self.flag, before.document, mark)
        except FlagGone:
            return Undone(GONE.revision, (f"flag `{self.flag}` was removed by somebody: it stays removed",))


FlagClientFactory = Callable[[Cluster, str, FlagPlan], FlagClient]


def make_flag_client(cluster: Cluster, namespace: str, plan: FlagPlan) -> FlagClient:
    """Out of the back end that is installed under the plan's name."""
    plugin: Any = registry.load("deliver.flags", plan.backend.kind)
    return FlagClient(plan.flag, plugin(plugin.Options.model_validate(dict(plan.backend.options)), reach(cluster, namespace)))


def reach(cluster: Cluster, namespace: str) -> FlagReach:
    return FlagReach(
        namespace=namespace,
        get=lambda kind, name: cluster.get(kind, namespace, name),
        list=lambda kind, selector: cluster.list(kind, namespace, selector=selector),
        pod=lambda name, port: cluster.proxy(namespace, "pods", name, port),
        service=lambda address: proxy_access.service(cluster, address, namespace),
        environ=os.environ,
        clock=time.time,
    )


def with_flag_state(release: Release, action: Action, done: FlagWritten, now: float) -> Release:
    """What the release knows after a write to the flag: what it is now, and that whatever was read before is old."""
    if action.verb in (Verb.NOTE_UNDO, Verb.CLEAR_UNDO):
        return release
    side = Side.BOTH if action.verb in (Verb.SET_SHARE, Verb.RELEASE_FLAG) else Side.STABLE
    known = done.revision or release.flag_revision
    release = replace(release, flag_revision=known, shift=RouteChange(side, known, written=now))
    if action.verb is Verb.RESTORE_FLAG:
        return replace(release, flag_undone=known, flag_left=done.left)
    if action.verb is Verb.KILL_FLAG:  # a second kill goes over our first: what the first one met is what counts
        return replace(release, flag_undone="", flag_theirs=done.theirs or release.flag_theirs)
    return release


def _note(write: GuardedWriter, release: Release, text: str | None) -> None:
    """What it takes to put the flag back without the record, on the Deployment whose pods read it."""

    def build(now: Object) -> Object | None:
        annotations = now["metadata"].get("annotations") or {}
        if annotations.get(UNDO) == text and (text is not None or FENCE not in annotations):
            return None
        return {"metadata": {"annotations": {UNDO: text} | ({FENCE: None} if text is None else {})}}

    # one that was made again from an exported manifest may carry it too
    uid = release.snapshot.uid if text is not None else ""
    write.change("deployments", release.spec.target.deployment, build, uid=uid)
