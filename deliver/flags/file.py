"""flagd's document in a local file: what a daemon or a provider in file mode reads.

A reader never meets half a document: the new text goes to a temporary file in the same directory, to the disk, and then takes the name. Its
time of change is later than the old one's: flagd's Python provider takes a file that looks older for one it knows.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from deliver.cluster.port import Access, Watch
from deliver.flags.document import Document, parse
from deliver.flags.format import Confirmation, Editor, killable, marked, ready, restorable
from deliver.flags.http import Caller
from deliver.flags.ofrep import Instance
from deliver.flags.options import FileOptions
from deliver.flags.rollout import STEP
from deliver.model.errors import Forbidden, NotFound, Rejected, Unreachable
from deliver.model.seen import Ack, FlagState, PodSeen
from deliver.plugins.flags import Capabilities, FlagReach, Mark
from deliver.plugins.interfaces import Finding, Object, Writer

LARGEST = 16 * 1024 * 1024
_LATER = (1_000_000, 1_000_000_000, 2_000_000_000)  # nanoseconds; some file systems count whole or every other second


class FlagdFile:
    name: ClassVar[str] = "flagd-file"
    summary: ClassVar[str] = "flagd's JSON in a local file, confirmed by OFREP"
    Options: ClassVar[type[BaseModel]] = FileOptions
    capabilities: ClassVar[Capabilities] = Capabilities(step=STEP, conditional=True, monotone=True, ack="instance")

    def __init__(self, options: FileOptions, reach: FlagReach, caller: Caller | None = None) -> None:
        self.options, self.reach = options, reach
        self._confirmation = Confirmation(options, reach, caller)
        self._edit = Editor(self._confirmation.names, reach.clock)
        self._good: Document | None = None

    def watches(self) -> Sequence[Watch]:
        return ()

    def read(self, flag: str) -> FlagState:
        return self._document().state(flag, self._edit.names)

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        try:
            state = self.read(flag)
        except (NotFound, Rejected) as error:
            return [Finding("no-flag", "input", f"{error.what}: {error.why}" if error.why else error.what, error.hint)]
        found = marked(state, self._where)
        folder = Path(os.path.realpath(self.options.file)).parent
        if not os.access(folder, os.W_OK):
            text = f"{self._where} cannot be changed: no new file can be made in {folder}"
            found.append(Finding("read-only", "input", text, "the file is replaced by a new one, so its directory must be writable"))
        asked = self._instances() or (self._confirmation.pods(ready(pods)) if self.options.port else [])
        return found or self._confirmation.findings(flag, asked)

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        def text() -> str | None:
            document = self._document()
            there = document.state(flag, self._edit.names).revision
            new = self._edit.set(document.flag(flag), percent, mark, there, if_revision)
            return None if new is None else document.with_flag(flag, new)

        return self._change(write, flag, text)

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        def text() -> str:
            document = killable(self._document, self._good, flag, self._edit.names)
            new = self._edit.kill(document.flag(flag), mark)
            return document.text if new is None else document.with_flag(flag, new)

        return self._change(write, flag, text)

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        return self._change(write, flag, lambda: restorable(self._document, self._good).with_raw(flag, document))

    def release(self, write: Writer, flag: str) -> None:
        def text() -> str | None:
            document = self._document()
            new = self._edit.release(document.flag(flag))
            return None if new is None else document.with_flag(flag, new)

        self._change(write, flag, text)

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        document, asked = self._document(), self._instances()
        if document.state(flag, self._edit.names).revision != revision:
            return Ack(0, max(1, len(asked or pods)), "the flag was changed since", missing=(self._where,))
        if asked:
            return self._confirmation.of(flag, document.flag(flag), percent, asked)
        return self._confirmation.by_pods(flag, document.flag(flag), percent, pods)

    # -- parts

    @property
    def _where(self) -> str:
        return f"file {self.options.file}"

    def _instances(self) -> list[Instance]:
        return [Instance(url.partition("://")[2], Access(url, dict)) for url in self.options.instances]

    def _document(self) -> Document:
        self._good = parse(read_text(self.options.file), self._where)
        return self._good

    def _change(self, write: Writer, flag: str, text: Callable[[], str | None]) -> str:
        """Read, decide and replace while nobody else of ours does; the lock of the release is asked last."""
        with _alone(self.options.file):
            new = text()
            if new is not None and new != read_text(self.options.file):
                write.confirm()
                replace_file(self.options.file, new)
            return self._document().state(flag, self._edit.names).revision


def read_text(file: str) -> str:
    """Raises NotFound, Forbidden or Rejected."""
    with _told(file):
        raw = Path(file).read_bytes()
    if len(raw) > LARGEST:
        raise Rejected(f"file {file} is larger than {LARGEST // 1024 // 1024} MiB", status=422)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Rejected(f"file {file} is not a valid flagd document", status=422, why="it is not UTF-8 text") from None


def replace_file(file: str, text: str) -> None:
    """The file has this text, whole, with the same mode and owner and a later time of change, or it is untouched."""
    path = Path(os.path.realpath(file))
    with _told(file):
        before = path.stat() if path.exists() else None
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".deliver", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(text.encode())
                new.flush()
                if before is not None:
                    _like(new.fileno(), before)
                os.fsync(new.fileno())
            if before is not None:
                _later(name, before.st_mtime_ns)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
        _sync(path.parent)


def _like(handle: int, before: os.stat_result) -> None:
    os.fchmod(handle, before.st_mode & 0o7777)
    with suppress(PermissionError):  # another owner's file: ours can be read by the same people
        os.fchown(handle, before.st_uid, before.st_gid)


def _later(name: str, old: int) -> None:
    for more in _LATER:
        if Path(name).stat().st_mtime_ns > old:
            return
        os.utime(name, ns=(old + more, old + more))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(file: str) -> Iterator[None]:
    """One writer of ours at a time. The directory itself is locked, so no lock file is left behind."""
    with _told(file):
        handle = os.open(Path(os.path.realpath(file)).parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _told(file: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"no file {file}", status=404, hint="name the right `file`") from None
    except PermissionError as error:
        raise Forbidden(f"file {file} may not be read or replaced", status=403, why=error.strerror or "") from None
    except IsADirectoryError:
        raise Rejected(f"{file} is a directory", status=422, hint="name the file in it") from None
    except OSError as error:
        raise Unreachable(f"file {file} cannot be read or replaced", why=error.strerror or type(error).__name__) from None
