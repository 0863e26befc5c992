"""SIGINT and SIGTERM while a release is driven: the first asks the driver to hold it safely, the second ends the process at once."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from deliver.engine.runtime.stop_signal import Stop
from deliver.render.style import is_tty

SHOW_CURSOR = "\x1b[?25h\n"  # the live view hid it, and has no time left to put it back


@contextmanager
def stoppable(say: str = "stopping: the release will be held safely") -> Iterator[Stop]:
    """Handlers are put back at the end. Outside of the main thread there is nothing to install and signals stay as they are."""
    stop = Stop()
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if seen:
            _write(SHOW_CURSOR if is_tty(sys.stderr) else "\n")
            os._exit(128 + number)  # not sys.exit: a driver that hangs in a call would keep the process
        seen.append(number)
        # In a thread: the code that the signal interrupted may hold the very lock that request() takes.
        threading.Thread(target=stop.request, args=(number,), daemon=True).start()
        _write(f"\n{say}; a second signal exits at once\n")

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    with handled(handle):
        yield stop


@contextmanager
def handled(handle: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """SIGINT and SIGTERM call it; what was there before is put back at the end. In the main thread alone."""
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(text: str) -> None:
    """Straight to the descriptor: the stream's lock may be held by the code that the signal interrupted."""
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno() if sys.stderr else 2, text.encode())
