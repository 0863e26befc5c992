"""Users: the lab's load generator against a Service, half on fresh connections, half on connections that stay open."""

import json
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Second:
    """What came of the requests that ended in one second. at: unix seconds of its end."""

    at: float
    versions: dict[str, int]
    statuses: dict[str, int]
    failed: int


@dataclass(frozen=True)
class Traffic:
    """The whole run. failed: requests without a whole answer, with the causes in errors."""

    requests: int
    failed: int
    errors: dict[str, int]
    statuses: dict[str, int]
    versions: dict[str, int]
    seconds: tuple[Second, ...]
    p99: float

    def lost_none(self) -> None:
        assert self.requests > 0
        assert self.failed == 0, f"{self.failed} of {self.requests} requests had no whole answer: {self.errors}"

    def all_well(self) -> None:
        """No transport failure, and every answer a 200."""
        self.lost_none()
        assert self.statuses.keys() == {"200"}, f"not every answer was 200: {self.statuses}"

    def share(self, version: str, begin: float, end: float) -> float:
        """Percent of the requests that version answered, between two moments."""
        within = [second.versions for second in self.seconds if begin < second.at <= end]
        whole = sum(sum(versions.values()) for versions in within)
        return 100 * sum(versions.get(version, 0) for versions in within) / whole if whole else 0.0


class Load:
    """A context: `with Load(url) as load: ...`, afterwards `load.traffic`."""

    def __init__(self, url: str, rps: float = 50, fresh: float = 0.5, duration: float = 600) -> None:
        shown = [f"-url={url}", f"-rps={rps:g}", f"-fresh={fresh:g}", f"-duration={duration:g}s", "-timeout=2s", "-timeline"]
        self.command = ["load", *shown]
        self._lines: list[tuple[float, dict[str, Any]]] = []

    def begin(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self.begin()
        return self

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self._lines.append((time.time(), json.loads(line)))

    @property
    def seconds(self) -> tuple[Second, ...]:
        """So far."""
        told = [(at, line) for at, line in list(self._lines) if line.get("second")]
        return tuple(Second(at, line["by_version"] or {}, line["by_status"] or {}, line["failed"]) for at, line in told)

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._reader.join(5)

    @property
    def traffic(self) -> Traffic:
        """After its end."""
        _, total = self._lines[-1]
        assert "second" not in total, "the load generator was cut off before its last line"
        return Traffic(
            total["requests"],
            total["failed"],
            total.get("by_error", {}),
            total["by_status"],
            total["by_version"],
            self.seconds,
            total["latency_ms"]["p99"],
        )


class Crowd(Protocol):
    """begin and end it, then ask what became of its requests."""

    def begin(self) -> None: ...

    def end(self) -> None: ...

    @property
    def traffic(self) -> Traffic: ...


class Users:
    """Two crowds of the same size: one on fresh connections, one on four connections that stay open."""

    def __init__(self, fresh: Crowd, kept: Crowd) -> None:
        self.fresh, self.kept = fresh, kept

    def __enter__(self) -> Self:
        for crowd in (self.fresh, self.kept):
            crowd.begin()
        return self

    def __exit__(self, *_: object) -> None:
        for crowd in (self.fresh, self.kept):
            crowd.end()

    def lost_none(self) -> None:
        for crowd in (self.fresh, self.kept):
            crowd.traffic.lost_none()

    def all_well(self) -> None:
        for crowd in (self.fresh, self.kept):
            crowd.traffic.all_well()

    @property
    def versions(self) -> set[str]:
        return set(self.fresh.traffic.versions) | set(self.kept.traffic.versions)

    def share(self, version: str, begin: float, end: float) -> float:
        """Percent of all requests between two moments."""
        crowds = [self.fresh.traffic, self.kept.traffic]
        return sum(crowd.share(version, begin, end) for crowd in crowds) / len(crowds)

    def reached(self, version: str, after: float) -> int:
        """Requests on fresh connections that the version answered in seconds that began after that moment.

        after: unix seconds out of the JSON, which has whole seconds; they are rounded down, so one is added.
        """
        return _answers(self.fresh, version, after)

    def kept_away(self, version: str, off: float, ended: float) -> None:
        """From "traffic is off" on no fresh connection reached that version, whoever's pods ran it; from the end on no open one did."""
        assert self.reached(version, off) == 0, f"{self.reached(version, off)} answers of {version} after traffic was said to be off"
        assert _answers(self.kept, version, ended) == 0, f"open connections were answered by {version} after the release had ended"


def _answers(crowd: Crowd, version: str, after: float) -> int:
    return sum(second.versions.get(version, 0) for second in crowd.traffic.seconds if second.at - 1 > after + 1)
