"""Metrics without a Prometheus: each look asks the pods' /metrics through the API server's proxy, and remembers what it saw."""

import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field
from urllib3.exceptions import HTTPError

from deliver.analysis.selectors import Selector, parse
from deliver.plugins.interfaces import Answer, MetricsError, Reach, Series

_LINE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+\d+)?")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_COUNT = re.compile(r"(?:count|sum)\((.*)\)", re.DOTALL)
KEEP = 900.0  # seconds

Key = tuple[tuple[str, str], ...]


class PodScrapeOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int = Field(default=8080, ge=1, le=65535, description="port of the pods' metrics")
    path: str = Field(default="/metrics", pattern=r"^/\S*$", description="their path")


class PodScrape:
    """Knows the pods by the matchers that deliver adds to each selector. Free PromQL needs a server that speaks it."""

    name: ClassVar[str] = "pod-scrape"
    summary: ClassVar[str] = "the pods' own /metrics, through the API server's proxy; no Prometheus needed"
    Options: ClassVar[type[BaseModel]] = PodScrapeOptions

    def __init__(self, options: PodScrapeOptions, reach: Reach) -> None:
        self._options, self._reach = options, reach
        self._seen: dict[Key, list[tuple[float, float]]] = {}

    def now(self, timeout: float) -> float:
        return time.time()

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        wanted = parse(selector)
        self._scrape(wanted, timeout)
        since = time.time() - window
        matching = ((dict(key), points) for key, points in self._seen.items() if _matches(wanted, dict(key)))
        found = ((labels, tuple(point for point in points if point[0] >= since)) for labels, points in matching)
        return Answer(selector, tuple(Series(labels, points) for labels, points in found if points))

    def value(self, query: str, timeout: float) -> Answer:
        found = _COUNT.fullmatch(query.strip())
        if found is None:
            raise MetricsError("pod-scrape answers count(SELECTOR) and sum(SELECTOR); other PromQL needs a Prometheus", bad_query=True)
        series = self.raw(found[1], KEEP, timeout).series
        total = sum(one.points[-1][1] for one in series) if query.startswith("sum") else float(len(series))
        return Answer(query, (Series({}, ((time.time(), total),)),) if series else ())

    def _scrape(self, wanted: Selector, timeout: float) -> None:
        of = {matcher.label: matcher.value for matcher in wanted.matchers if matcher.label in ("namespace", "pod")}
        until, pods = time.monotonic() + timeout, [pod for pod in of.get("pod", "").split("|") if pod]
        for pod in pods:
            left = until - time.monotonic()
            if left <= 0:
                raise MetricsError(f"no time left for {pod}: the pods before took all of it")
            at, text = time.time(), self._get(of.get("namespace", ""), pod, left)
            for labels, value in exposition(text):
                key = tuple(sorted({**labels, "namespace": of.get("namespace", ""), "pod": pod}.items()))
                points = self._seen.setdefault(key, [])
                points[:] = [point for point in points if at - point[0] <= KEEP] + [(at, value)]

    def _get(self, namespace: str, pod: str, timeout: float) -> str:
        access = self._reach.pod(namespace, pod, self._options.port, "")
        url, headers = access.url + self._options.path, dict(access.headers())
        try:
            if access.send is not None:  # through the API server's proxy, with the kubeconfig's own certificates and identity
                reply = access.send("GET", url, headers=headers, timeout=timeout)
                status, text = reply.status, reply.read(decode_content=True).decode("utf-8", "replace")
            else:
                plain = httpx.get(url, headers=headers, timeout=timeout)
                status, text = plain.status_code, plain.text
        except (httpx.HTTPError, HTTPError) as error:
            raise MetricsError(f"pod {pod} cannot be asked: {type(error).__name__}") from None
        if status != 200:
            raise MetricsError(f"pod {pod} answered {status}")
        return text


def exposition(text: str) -> Iterator[tuple[Mapping[str, str], float]]:
    """Prometheus' text format: each sample with its labels."""
    for line in text.splitlines():
        found = _LINE.fullmatch(line.strip()) if not line.startswith("#") else None
        if found is None:
            continue
        try:
            value = float(found["value"])
        except ValueError:
            continue
        if math.isfinite(value):
            yield {"__name__": found["name"], **dict(_LABEL.findall(found["labels"] or ""))}, value


def _matches(wanted: Selector, labels: Mapping[str, str]) -> bool:
    if labels.get("__name__") != wanted.name:
        return False
    return all(_holds(matcher.op, matcher.value, labels.get(matcher.label, "")) for matcher in wanted.matchers)


def _holds(op: str, value: str, label: str) -> bool:
    same = label == value if op in ("=", "!=") else re.fullmatch(value, label) is not None
    return same if op in ("=", "=~") else not same
