"""What the back ends in flagd's format share: the verbs on one flag of a document, and the rules of who may change it.

A back end says where the document lives and how it is written. Everything else is here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from deliver.cluster.port import Watch
from deliver.flags import json_edit
from deliver.flags.confirmation import Confirmation, ready
from deliver.flags.document import Document, parse, problem_of
from deliver.flags.http import FlagHttpClient
from deliver.flags.ofrep import Instance
from deliver.flags.options import FlagdOptions
from deliver.flags.rollout import STEP, Flag, marks_of, share, unmarked, version_after, why_off, with_share
from deliver.flags.undo import sentences, with_kill, without_ours
from deliver.model.errors import Conflict, NotFound, Rejected, Superseded
from deliver.model.objects import Object
from deliver.model.observation import Ack, FlagState, PodSeen
from deliver.plugins.flags import Capabilities, FlagReach, Mark, Undone
from deliver.plugins.interfaces import Finding, Writer
from deliver.plugins.three_way_merge import same

OptionsT = TypeVar("OptionsT", bound=FlagdOptions)
HolderT = TypeVar("HolderT")
"""What is read where the document lives: an object of the cluster, the bytes of a file."""


class DocumentBackend(ABC, Generic[OptionsT, HolderT]):
    """FlagBackend of deliver.plugins.flags, but for its name, its summary, and the place of the document."""

    capabilities: ClassVar[Capabilities] = Capabilities(step=STEP, conditional=True, monotone=True, ack="instance")

    def __init__(self, options: OptionsT, reach: FlagReach, caller: FlagHttpClient | None = None) -> None:
        self.options, self.reach = options, reach
        self._confirmation = Confirmation(options, reach, caller, self._instances())
        self._names = self._confirmation.names
        self._good: Document | None = None

    # -- where the document lives

    @property
    @abstractmethod
    def _where(self) -> str:
        """How messages name the document."""

    @abstractmethod
    def _get(self) -> HolderT:
        """A live read. Raises NotFound."""

    @abstractmethod
    def _text(self, holder: HolderT) -> str:
        """The document in it. Raises NotFound or Rejected."""

    @abstractmethod
    def _change(self, write: Writer, flag: str, text: Callable[[HolderT], str]) -> HolderT:
        """Put there what `text` makes of what stands, if that is another text, on condition that nobody wrote since; what was read back."""

    def _place_findings(self, holder: HolderT, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        """What forbids a release in such a place, whatever the document says."""
        return []

    def _instances(self) -> Sequence[Instance]:
        """Who is asked for the flag; none: the pods."""
        return ()

    def _written(self, write: Writer, revision: str) -> None:
        """The flag carries our marks now."""

    def _left(self, write: Writer) -> None:
        """Nothing of ours stands in the flag any more."""

    # -- the verbs

    def watches(self) -> Sequence[Watch]:
        return ()

    def read(self, flag: str) -> FlagState:
        return self._document(self._get(), flag).state(flag, self._names)

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        try:
            holder = self._get()
            state = self._document(holder, flag).state(flag, self._names)
        except (NotFound, Rejected) as error:
            return [Finding("no-flag", "input", f"{error.what}: {error.why}" if error.why else error.what, error.hint)]
        found = [*self._place_findings(holder, workload, pods), *_marked(state, self._where)]
        return found or self._confirmation.findings(flag, self._confirmation.asked(ready(pods)))

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        def text(holder: HolderT) -> str:
            document = self._document(holder, flag)
            return document.with_flag(flag, self._with_share(document, flag, percent, mark, if_revision))

        revision = self._changed(write, flag, text)
        self._written(write, revision)
        return revision

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        def text(holder: HolderT) -> str:
            document = self._killable(holder, flag)
            there, old = marks_of(document.flag(flag)), document.flag(flag)
            dead = with_kill(old, self._names, mark, there.version)
            if there.version and there.release == mark.release and {**dead, "metadata": 0} == {**old, "metadata": 0}:
                return document.text
            return document.with_flag(flag, with_kill(old, self._names, mark, version_after(there, self.reach.clock())))

        revision = self._changed(write, flag, text)
        self._written(write, revision)
        return revision

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        revision = self._changed(write, flag, lambda holder: self._restorable(holder, flag).with_raw(flag, document))
        self._left(write)
        return revision

    def undo(self, write: Writer, flag: str, document: str, mark: Mark) -> Undone:
        before, left = json_edit.parse_strict(document), list[str]()

        def text(holder: HolderT) -> str:
            try:
                there = self._document(holder, flag)
            except Rejected:  # broken since: what the applications serve still is the one before it, and that is ours
                return self._restorable(holder, flag).with_raw(flag, document)
            after = _valid(flag, without_ours(before, self._standing(holder, flag), self._names), before)
            left[:] = sentences(flag, before, after)
            return there.with_raw(flag, document) if same(after, before) else there.with_flag(flag, after)

        try:
            return Undone(self._changed(write, flag, text), tuple(left))
        finally:  # also where the flag is gone: no pod is to keep a note of ours
            self._left(write)

    def release(self, write: Writer, flag: str) -> None:
        def text(holder: HolderT) -> str:
            document = self._document(holder, flag)
            return document.with_flag(flag, unmarked(document.flag(flag)))

        self._changed(write, flag, text)
        self._left(write)

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        document = self._document(self._get(), flag)
        asked = self._confirmation.asked([pod.name for pod in pods])
        if flag not in document.flags:
            return self._confirmation.of_nobody(flag, asked)
        if document.state(flag, self._names).revision != revision:
            return Ack(0, max(1, len(asked or pods)), "the flag was changed since", missing=(self._where,))
        return self._confirmation.of(flag, document.flag(flag), percent, asked)

    # -- parts

    def _document(self, holder: HolderT, flag: str) -> Document:
        document = parse(self._text(holder), self._where)
        if self._can_kill(document, flag):
            self._good = document
        return document

    def _standing(self, holder: HolderT, flag: str) -> Flag:
        """The flag's definition, with whatever a kill has kept aside. Raises FlagGone or Rejected."""
        return self._document(holder, flag).flag(flag)

    def _can_kill(self, document: Document, flag: str) -> bool:
        return flag in document.flags and self._names.safe in document.flags[flag]["variants"]

    def _with_share(self, document: Document, flag: str, percent: float, mark: Mark, if_revision: str) -> Flag:
        """As it stands where it says so already, by us. Raises Conflict when somebody else wrote."""
        old, there = document.flag(flag), marks_of(document.flag(flag))
        if there.release == mark.release and there.fence > mark.fence:
            raise Superseded("the flag carries a newer fence", why="another driver took the release over")
        if (there.release, there.step) == (mark.release, mark.step) and share(old, self._names)[0] == percent:
            return old
        if why := why_off(old):
            raise Rejected("the flag is switched off, and not by this release", status=422, why=why)
        if (revision := document.state(flag, self._names).revision) != if_revision:
            raise Conflict("the flag was changed by somebody else", status=409, why=f"revision {revision} stands there, not {if_revision}")
        return with_share(old, self._names, percent, mark, version_after(there, self.reach.clock()))

    def _changed(self, write: Writer, flag: str, text: Callable[[HolderT], str]) -> str:
        """The revision that was read back."""
        return self._document(self._change(write, flag, text), flag).state(flag, self._names).revision

    def _killable(self, holder: HolderT, flag: str) -> Document:
        """The document that a kill rewrites. It goes through whatever stands there, so what cannot be read, and a flag that has lost its
        variants, is taken from what was good before: that is what the applications, which refuse the broken one, serve still. One that is
        gone is served to nobody: FlagGone.
        """
        try:
            document, why = self._document(holder, flag), "its definition has lost its safe variant"
            document.flag(flag)
        except Rejected as error:
            document, why = None, f"{error.what}: {error.why}"
        if document and self._can_kill(document, flag):
            return document
        if self._good is None or not self._can_kill(self._good, flag):
            raise Rejected(
                f"flag `{flag}` cannot be killed by this process",
                status=422,
                why=f"{why}, and the one before is not known here",
                hint="put the definition right by hand: no targeting, the safe variant as defaultVariant",
            )
        if document is None:
            return self._good
        state = {"state": document.flag(flag)["state"]}  # what was switched off stays off
        return parse(document.with_flag(flag, {**self._good.flag(flag), **state}), self._where)

    def _restorable(self, holder: HolderT, flag: str) -> Document:
        """The document that the old definition is put back into: what stands; where that is broken, what was good before it."""
        try:
            return self._document(holder, flag)
        except Rejected:
            if self._good is None:
                raise
            return self._good


def _valid(name: str, flag: Flag, before: Flag) -> Flag:
    """A definition that can be served: somebody may have taken a variant away that the safe share needs."""
    for one in (flag, {**flag, "variants": before["variants"]}):
        if not problem_of({"flags": {name: one}}):
            return one
    return before


def _marked(state: FlagState, where: str) -> list[Finding]:
    """Another release is at it."""
    if not state.release:
        return []
    text = f"the flag in {where} carries the mark of release {state.release}"
    return [
        Finding("marked", "refuse", text, "that release runs still, or was left: `deliver status` and `deliver rollback` for its target")
    ]
