"""Which counter counts the requests that users send to these pods: every one that may, and the one that is taken. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deliver.analysis.selectors import Matcher, Selector, escape
from deliver.discovery import counter_behaviour, status
from deliver.discovery.catalog import COUNTERS
from deliver.discovery.status import Status
from deliver.discovery.types import Choice, Family, Question

# labels that say which way a request went, and their value for one that comes in
INWARD = {"reporter": "destination", "direction": "inbound", "kind": "server", "span_kind": "server", "side": "server"}
OUTWARD = {"source", "outbound", "client", "producer"}
ROUTES = ("path", "route", "uri", "handler", "http_route", "url", "endpoint", "http_target")
NOT_USERS = {"/metrics", "/healthz", "/health", "/readyz", "/livez", "/ready", "/live", "/ping", "/actuator/health", "/actuator/prometheus"}
UNKNOWN_RANK = 9  # of a counter that only looks like one
ADMIN = re.compile(r"xds|sds|prometheus|agent|zipkin|admin|ads_cluster|rtds|stats")
RECENT = 60.0  # seconds that a rate is told of
ALIKE = 0.1  # two counters that differ by less count the same requests


@dataclass(frozen=True)
class Counter:
    """A counter that may be it. requests, failed: of the stable pods within `seconds`. rate: a second, of late. who: counts.

    histogram: of the same requests.
    """

    selector: Selector
    status: Status
    requests: int
    failed: int
    seconds: float
    rate: float
    who: str
    rank: int
    histogram: str = ""

    @property
    def total(self) -> str:
        return str(self.selector)

    @property
    def bad(self) -> str:
        return str(self.selector.where(self.status.bad))

    @property
    def known(self) -> bool:
        return self.rank < UNKNOWN_RANK


@dataclass(frozen=True)
class Found:
    """counters: that may be it. rejected: name -> why another one is not."""

    counters: tuple[Counter, ...]
    rejected: Mapping[str, str]


def find(families: Sequence[Family], restarts: Mapping[str, int], pod_label: str, probed: Collection[str] = ()) -> Found:
    """probed: paths that the kubelet asks for. restarts: of each pod."""
    counters: list[Counter] = []
    rejected: dict[str, str] = {}
    for family in families:
        got = [one for part, where in _parts(family) for one in _counters(part, where, restarts, pod_label, probed)]
        told = [one for one in got if isinstance(one, str)]
        counters += [one for one in got if isinstance(one, Counter)]
        if told and len(told) == len(got):
            rejected[family.name] = told[0]
    return Found(tuple(counters), rejected)


def choose(counters: Sequence[Counter]) -> Counter | Question | None:
    """One that has traffic goes before one without, one that is known by name before one that looks like it. Of several that count the
    same requests the one that sees most of what goes wrong is taken. What is left is a question.
    """
    busy = [one for one in counters if one.requests] or list(counters)
    named = [one for one in busy if one.known] or busy
    if not named:
        return None
    best = sorted(named, key=lambda one: (one.rank, one.total, one.status.label))
    most = max(one.requests for one in named)
    same = all(one.requests >= most * (1 - ALIKE) for one in named) and len({one.selector.name for one in named}) == len(named)
    if len(best) == 1 or (same and most):
        return best[0]
    return Question("Which of these counts the requests that users send", tuple(Choice(_words(one), how(one), one) for one in best))


def how(counter: Counter) -> str:
    """What to type to have it without being asked."""
    return f"--requests '{counter.total}' --errors '{counter.bad}'"


def _words(one: Counter) -> str:
    return f"{one.total}, bad: {one.status.words} ({one.requests} requests in {one.seconds:.0f} s, {one.failed} bad; counted by {one.who})"


def _parts(family: Family) -> Iterator[tuple[Family, tuple[Matcher, ...]]]:
    """The requests that come in, apart from those that the pods send; Envoy's clusters each by itself."""
    where = tuple(_inward(family))
    inner = family.where(*where)
    clusters = sorted(cluster for cluster in inner.values("envoy_cluster_name") if cluster and not ADMIN.search(cluster))
    if not clusters:
        yield inner, where
        return
    inbound = [cluster for cluster in clusters if cluster.startswith("inbound")]
    for cluster in inbound or [cluster for cluster in clusters if not cluster.startswith("outbound")]:
        matcher = Matcher("envoy_cluster_name", "=", cluster)
        yield inner.where(matcher), (*where, matcher)


def _inward(family: Family) -> Iterator[Matcher]:
    for label, inward in INWARD.items():
        values = family.values(label) - {""}
        if values and values <= {inward, *OUTWARD, "internal"} and (label == "reporter" or values != {inward}):
            yield Matcher(label, "=", inward)


def _counters(
    family: Family, where: tuple[Matcher, ...], restarts: Mapping[str, int], pod_label: str, probed: Collection[str]
) -> Iterator[Counter | str]:
    """Each way to read the status of this counter, or why it has none."""
    if family.native:
        yield "a native histogram has no counter that can be told by its status"
        return
    if not family.series:
        yield "counts only what the pods send to others"
        return
    found = status.find(family)
    if not found:
        yield "has no label whose values look like a status"
        return
    seen = counter_behaviour.of(family.series, restarts, pod_label)
    if not seen.counts:
        yield "falls without a restart: a gauge, not a counter" if seen.falls else "has fractions: not a count of requests"
        return
    routes = _routes(family, probed)
    users = family.where(*routes)
    known = COUNTERS.get(family.name)
    selector = Selector(family.name, (*where, *routes))
    times = [at for one in users.series for at, _ in one.points]
    for one in found:
        yield Counter(
            selector,
            one,
            requests=round(counter_behaviour.of(users.series, {}, pod_label).grown),
            failed=round(counter_behaviour.of(users.where(one.bad).series, {}, pod_label).grown),
            seconds=max(times) - min(times) if times else 0.0,
            rate=counter_behaviour.rate(users.series, RECENT),
            who=known.who if known else "a counter that looks like one",
            rank=known.rank if known else UNKNOWN_RANK,
            histogram=known.histogram if known else "",
        )


def _routes(family: Family, probed: Collection[str]) -> tuple[Matcher, ...]:
    """Without the kubelet's probes and Prometheus' own scrapes, where a label tells them: they are no users, and never fail with them."""
    for label in ROUTES:
        values = family.values(label)
        away = sorted(values & {*NOT_USERS, *probed})
        if away and values - set(away) - {""}:
            return (Matcher(label, "!~", "|".join(escape(path) for path in away)),)
    return ()
