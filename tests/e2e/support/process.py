"""The real console script in a process of its own, as a user or a pipeline runs it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from tests.e2e.support.pace import REAL, Pace, patience

SCRIPT = Path(sys.executable).with_name("deliver")
CI_WORDS = ("CI", "GITHUB_", "GITLAB_", "DELIVER_", "FORCE_COLOR", "NO_COLOR")


def clean_environ() -> dict[str, str]:
    """Without what would change deliver's output or answers."""
    return {key: value for key, value in os.environ.items() if not key.startswith(CI_WORDS)}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str
    took: float

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return self.out + self.err

    def __str__(self) -> str:
        return f"exit {self.code} after {self.took:.1f} s\n--- stdout\n{self.out[-6000:]}\n--- stderr\n{self.err[-6000:]}"


class Process(Protocol):
    """What Running needs of a subprocess.Popen."""

    stdout: IO[str] | None
    stderr: IO[str] | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...


Spawn = Callable[[Sequence[str], Mapping[str, str], Path], Process]


def script(arguments: Sequence[str], environ: Mapping[str, str], cwd: Path) -> Process:
    """The console script."""
    return subprocess.Popen(
        [str(SCRIPT), *arguments],
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class Running:
    """A deliver that runs. lines: (unix seconds of arrival, stdout line). more: seconds that it may take longer than a test grants."""

    def __init__(self, process: Process, pace: Pace, more: float = 0.0) -> None:
        self.pace, self.begin, self.more = pace, pace.now(), more
        self.process = process
        self.lines: list[tuple[float, str]] = []
        self.errors: list[str] = []
        self._news = threading.Condition()
        self._readers = [threading.Thread(target=self._read_out, daemon=True), threading.Thread(target=self._read_err, daemon=True)]
        for reader in self._readers:
            reader.start()

    def _read_out(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                with self._news:
                    self.lines.append((self.pace.now(), line))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _read_err(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            self.errors.extend(lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines so far, each with `arrived`."""
        return [{"arrived": at, **json.loads(line)} for at, line in list(self.lines) if line.startswith("{")]

    def wait_for(self, what: str, wanted: Callable[[dict[str, Any]], bool], timeout: float = 90) -> dict[str, Any]:
        """The first event that is wanted; needs `-o jsonl`."""
        deadline, seen = time.monotonic() + patience(self.pace, timeout + self.more), 0
        while True:
            events = self.events
            for event in events[seen:]:
                if wanted(event):
                    return event
            seen = len(events)
            with self._news:
                if len(self.lines) == seen and self.process.poll() is not None and not self._readers[0].is_alive():
                    raise AssertionError(f"deliver ended before {what}: {self._told()}")
                self._news.wait(0.05)
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout:g} s: {what}: {self._told()}")

    def _told(self) -> Result:
        code = self.process.poll()
        return Result(
            -999 if code is None else code, "".join(line for _, line in self.lines), "".join(self.errors), self.pace.now() - self.begin
        )

    def signal(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)
        self._join()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(10)

    def end(self, timeout: float = 120) -> Result:
        """Waits for its own end."""
        try:
            self.process.wait(patience(self.pace, timeout + self.more))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"deliver did not end within {timeout:g} s: {self._told()}") from None
        self._join()
        return self._told()


class Deliver:
    """Runs deliver with one environment in one folder."""

    def __init__(self, environ: Mapping[str, str], cwd: Path, spawn: Spawn = script, pace: Pace = REAL, more: float = 0.0) -> None:
        self.environ, self.cwd, self.spawn, self.pace, self.more = dict(environ), cwd, spawn, pace, more
        self.started: list[Running] = []

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> Running:
        running = Running(self.spawn(args, self.environ | dict(env or {}), self.cwd), self.pace, self.more)
        self.started.append(running)
        return running

    def __call__(self, *args: str, env: Mapping[str, str] | None = None, timeout: float = 150) -> Result:
        return self.start(*args, env=env).end(timeout)

    def stop_all(self) -> None:
        for running in self.started:
            running.kill()
