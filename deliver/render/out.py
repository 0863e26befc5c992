"""Writing that never fails the release: a closed pipe, a dead terminal or a terminal without the character costs output only."""

import contextlib
import functools
import os
import threading
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TextIO, TypeVar


class Out:
    """A stream that may be gone. After the first failed write it stays quiet."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.dead = stream is None

    def line(self, text: str) -> None:
        self.write(text + "\n")

    def write(self, text: str) -> None:
        if self.dead or self.stream is None:
            return
        try:
            self.stream.write(self._encodable(text))
            self.stream.flush()
        except (OSError, ValueError) as error:  # EPIPE, EIO of a lost terminal; "I/O operation on closed file"
            self.dead = True
            if isinstance(error, OSError):
                self._discard()

    def _encodable(self, text: str) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            return text.encode(encoding, "replace").decode(encoding)
        return text

    def _discard(self) -> None:
        """What is left in the buffer would raise once more at exit and make the exit code 120 (docs.python.org, SIGPIPE note)."""
        with contextlib.suppress(OSError, ValueError):
            if self.stream is not None:
                fd = self.stream.fileno()
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, fd)
                os.close(null)


class Guarded(Protocol):
    lock: threading.RLock
    out: Out


S = TypeVar("S", bound=Guarded)
P = ParamSpec("P")


def never_raises(method: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
    """For reporter methods: one at a time, and a bug in the display must not stop a release on its way."""

    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with self.lock:
            try:
                method(self, *args, **kwargs)
            except Exception as error:  # said, and the release goes on
                self.out.line(f"(display error, the release goes on: {type(error).__name__}: {error})")

    return functools.update_wrapper(guarded, method)
