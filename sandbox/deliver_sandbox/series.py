"""The sandbox's time series: scraped rows of pods as labelled series, with the labels that the lab's Prometheus gives them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from deliver_sandbox.controllers.kubelet import Kubelet
from deliver_sandbox.counters import LE, Row
from deliver_sandbox.traffic import ON, Traffic

Labels = dict[str, str]
Points = list[tuple[float, float]]
LOOKBACK = 300.0
"""Seconds for which a sample stands for its series (Prometheus' --query.lookback-delta)."""


@dataclass(frozen=True)
class Match:
    """One label matcher. op: = != =~ !~ (regular expressions match the whole value)."""

    label: str
    op: str
    value: str

    def __call__(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.label, "")
        if self.op in ("=", "!="):
            return (value == self.value) is (self.op == "=")
        return (pattern(self.value).fullmatch(value) is not None) is (self.op == "=~")


@lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """Raises re.error."""
    return re.compile(text)


@dataclass
class One:
    """A series with its samples up to now, oldest first. over: unix seconds of its stale marker, 0 = none."""

    labels: Labels
    points: Points
    over: float = 0.0


class SeriesStore:
    """lag: seconds before a sample can be seen. frozen: no scrape since then (unix seconds) is there, 0 = scraping. nan: values are NaN."""

    def __init__(self, traffic: Traffic, kubelet: Kubelet) -> None:
        self.traffic, self.kubelet = traffic, kubelet
        self.lag, self.frozen, self.nan = 0.0, 0.0, False

    def select(self, name: str, matches: list[Match], start: float, end: float) -> list[One]:
        """Series of that metric, "" for all, with samples in (start, end]."""
        self.traffic.settle()
        last = min(end, self.traffic.api.clock.now() - self.lag, self.frozen or float("inf"))
        found = []
        for uid, rows in self.traffic.rows.items():
            base = self._labels(uid)
            part = _between(rows, start, last)
            if part and all(match(base) for match in matches if match.label in ("namespace", "pod")):
                found += [
                    One(labels, points, self._over(uid, part, each))
                    for each in ((name,) if name else NAMES)
                    if not (each == "up" and uid.endswith(ON))
                    for labels, points in _series(each, base, part, born=self.traffic.scraping.born)
                    if all(match(labels) for match in matches)
                ]
        if self.nan:
            for one in found:
                one.points = [(at, float("nan")) for at, _ in one.points]
        return found

    def _labels(self, uid: str) -> Labels:
        run = self.traffic.pods[uid.removesuffix(ON)]
        variant = {"variant": "on" if uid.endswith(ON) else "off"} if self.traffic.varied else {}
        return {
            **variant,
            "instance": f"{run.ip}:8080",
            "job": "pods",
            "namespace": run.namespace,
            "pod": run.name,
            "pod_template_hash": run.name.rsplit("-", 2)[-2] if run.name.count("-") > 1 else "",
            "version": run.image.partition("@")[0].rpartition(":")[2],
        }

    def _over(self, uid: str, rows: list[Row], name: str) -> float:
        """A pod that is gone leaves a stale marker an interval after its last sample, a scrape that failed one at once."""
        if not rows[-1].up and name != "up":
            return rows[-1].at
        return rows[-1].at + self.traffic.scraping.every if self.traffic.pods[uid.removesuffix(ON)].ended else 0.0


def _between(rows: list[Row], start: float, end: float) -> list[Row]:
    from bisect import bisect_right

    low = bisect_right(rows, start, key=lambda row: row.at)
    high = bisect_right(rows, end, key=lambda row: row.at)
    return rows[low:high]


def _series(name: str, base: Labels, rows: list[Row], *, born: bool) -> Iterator[tuple[Labels, Points]]:
    """The series of that name out of a pod's rows. born: without the time before its first event."""
    if name == "up":
        yield (
            {**{k: v for k, v in base.items() if k not in ("version", "variant")}, "__name__": name},
            [(row.at, float(row.up)) for row in rows],
        )
        return
    full = {**base, "__name__": name}
    live = [row for row in rows if row.up]
    if name == "http_requests_total":
        for code, read in (("200", _good), ("500", _bad)):
            if points := [(row.at, float(read(row))) for row in live if read(row) or not born]:
                yield {**full, "code": code}, points
        return
    live = [row for row in live if row.buckets[-1] or not born]
    if live and name == "http_request_duration_seconds_bucket":
        for i, le in enumerate(LE):
            yield {**full, "le": le}, [(row.at, float(row.buckets[i])) for row in live]
    elif live and name in _PLAIN:
        read_plain = _PLAIN[name]
        yield full, [(row.at, read_plain(row)) for row in live]


def _good(row: Row) -> int:
    return row.good


def _bad(row: Row) -> int:
    return row.bad


_PLAIN: Mapping[str, Callable[[Row], float]] = {
    "http_request_duration_seconds_count": lambda row: float(row.buckets[-1]),
    "http_request_duration_seconds_sum": lambda row: row.total,
}
NAMES = ("up", "http_requests_total", "http_request_duration_seconds_bucket", *_PLAIN)
"""Of all that a pod is scraped for."""
