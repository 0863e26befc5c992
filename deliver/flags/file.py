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

from deliver.cluster.port import Access
from deliver.flags.format import DocumentBackend
from deliver.flags.ofrep import Instance
from deliver.flags.options import FileOptions
from deliver.model.errors import Conflict, Forbidden, NotFound, Rejected, Unreachable
from deliver.model.objects import Object
from deliver.plugins.interfaces import Finding, Writer

LARGEST = 16 * 1024 * 1024
ATTEMPTS = 8
_LATER = (1_000_000, 1_000_000_000, 2_000_000_000)  # nanoseconds; some file systems count whole or every other second


class FlagdFile(DocumentBackend[FileOptions, bytes]):
    name: ClassVar[str] = "flagd-file"
    summary: ClassVar[str] = "flagd's JSON in a local file, confirmed by OFREP"
    Options: ClassVar[type[BaseModel]] = FileOptions

    @property
    def _where(self) -> str:
        return f"file {self.options.file}"

    def _get(self) -> bytes:
        with _with_file_errors(self.options.file):
            return Path(self.options.file).read_bytes()

    def _text(self, holder: bytes) -> str:
        if len(holder) > LARGEST:
            raise Rejected(f"{self._where} is larger than {LARGEST // 1024 // 1024} MiB", status=422)
        try:
            return holder.decode()
        except UnicodeDecodeError:
            raise Rejected(f"{self._where} is not a valid flagd document", status=422, why="it is not UTF-8 text") from None

    def _change(self, write: Writer, flag: str, text: Callable[[bytes], str]) -> bytes:
        """Read, decide and replace while nobody else of ours does; the lock of the release is asked last. Whoever saves the file meanwhile
        is not written over: it is read again.
        """
        with _alone(self.options.file):
            for _ in range(ATTEMPTS):
                old = self._get()
                new = text(old)
                if new.encode() == old:
                    return old
                write.confirm()
                if self._get() == old:
                    replace_file(self.options.file, new)
                    return self._get()
        raise Conflict(f"{self._where} keeps changing under our writes", status=409)

    def _place_findings(self, holder: bytes, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        folder = Path(os.path.realpath(self.options.file)).parent
        if os.access(folder, os.W_OK):
            return []
        text = f"{self._where} cannot be changed: no new file can be made in {folder}"
        return [Finding("read-only", "input", text, "the file is replaced by a new one, so its directory must be writable")]

    def _instances(self) -> Sequence[Instance]:
        return [Instance(url.partition("://")[2], Access(url, dict)) for url in self.options.instances]


def replace_file(file: str, text: str) -> None:
    """The file has this text, whole, with the same mode and owner and a later time of change, or it is untouched."""
    path = Path(os.path.realpath(file))
    with _with_file_errors(file):
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
    with _with_file_errors(file):
        handle = os.open(Path(os.path.realpath(file)).parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _with_file_errors(file: str) -> Iterator[None]:
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
