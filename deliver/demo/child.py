"""The `deliver` that the visitor would type, as a process of its own on the sandbox."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from deliver.demo.halt import TICK, Halt

LONGEST = 120.0
"""Seconds after which a process counts as hanging and is killed."""
PATIENCE = 15.0
"""Seconds that a process may take to end once it is asked to."""
_OTHERS = ("DELIVER_", "GITHUB_", "GITLAB_", "KUBE")


def environment(environ: Mapping[str, str], kubeconfig: Path) -> dict[str, str]:
    """The visitor's, without what would turn the demo into another release or into annotations of their CI; past any proxy."""
    own = {key: value for key, value in environ.items() if not key.startswith(_OTHERS)}
    direct = ",".join(filter(None, (own.get("NO_PROXY") or own.get("no_proxy", ""), "127.0.0.1")))
    return own | {"KUBECONFIG": str(kubeconfig), "NO_PROXY": direct, "no_proxy": direct}


class Child:
    """A running `deliver`. stream: where its stdout and stderr go; None: nowhere yet, `said` has them after the end.

    It has a process group of its own, so that a Ctrl-C reaches it once, through close(): a second one would make it drop its release.
    """

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], folder: Path, stream: TextIO | None, halt: Halt) -> None:
        self._halt = halt
        self._file = (folder / f"output-{time.monotonic_ns()}").open("w+") if stream is None else None
        target = self._file if self._file is not None else _descriptor(stream)
        self.process = subprocess.Popen(  # noqa: S603  (our own interpreter and words of our own)
            [sys.executable, "-m", "deliver", *arguments],
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=target,
            process_group=0,
        )
        self.said = ""

    def until(self, holds: Callable[[], bool], timeout: float = 60.0) -> bool:
        """Wait for something in the cluster while the process runs; False when it ended, or the time was over, before."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.process.poll() is None:
            if holds():
                return True
            self._halt.sleep(2 * TICK)
        return False

    def kill(self) -> None:
        """SIGKILL: it has no chance to say or do anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """The exit code, -9 when it was killed."""
        if not self.until(lambda: False, LONGEST) and self.process.poll() is None:
            self.kill()
        code = self.process.wait()
        if self._file is not None:
            self._file.seek(0)
            self.said = self._file.read()
            self._file.close()
        return code

    def close(self) -> None:
        """Leave nothing behind. It holds its release first and gets the time for that, unless the visitor is in a hurry."""
        if self.process.poll() is None:
            self.process.send_signal(self._halt.number or signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end and not self._halt.hasty:
            time.sleep(TICK)
        if self.process.poll() is None:
            self.kill()
        if self._file is not None:
            self._file.close()


def _descriptor(stream: TextIO | None) -> int | None:
    """Inherited where the stream has none (a test that captures)."""
    try:
        return stream.fileno() if stream else None
    except (OSError, ValueError):
        return None


def program() -> str:
    """How the visitor calls this `deliver`: as they did, or by its name where that leads to it."""
    import shutil

    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m deliver"
    found = shutil.which("deliver")
    if found and Path(found).resolve() == called.resolve():
        return "deliver"
    return os.path.relpath(called) if called.is_absolute() and called.is_relative_to(Path.cwd()) else str(called)
