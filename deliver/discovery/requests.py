"""Chooses the counter of the requests that users send to the pods. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deliver.analysis.selectors import Matcher, Selector, escape
from deliver.discovery import counter_behaviour, status
from deliver.discovery.catalog import COUNTERS, KnownCounter
from deliver.discovery.status import StatusLabel
from deliver.discovery.types import Choice, Family, Question

# labels that say which way a request went, and their value for one that comes in
INWARD = {"reporter": "destination", "direction": "inbound", "kind": "server", "span_kind": "server", "side": "server"}
OUTWARD = {"source", "outbound", "client", "producer"}
ROUTES = ("path", "route", "uri", "handler", "http_route", "url", "endpoint", "http_target")
NOT_USERS = {"/metrics", "/healthz", "/health", "/readyz", "/livez", "/ready", "/live", "/ping", "/actuator/health", "/actuator/prometheus"}
UNKNOWN_RANK = 9  # of a counter that only looks like one
ADMIN = re.compile(r"xds|sds|prometheus|agent|zipkin|admin|ads_cluster|rtds|stats")
RATE_SECONDS = 60.0  # seconds of samples behind a rate
SAME_REQUESTS = 0.1  # two counters that differ by less count the same requests


@dataclass(frozen=True)
class RequestCounter:
    """A counter that may count the users' requests."""

    selector: Selector
    status: StatusLabel
    requests: int  # of the stable pods within `seconds`
    failed: int  # of these
    seconds: float
    rate: float  # requests a second, over RATE_SECONDS
    by: KnownCounter  # what is known of it; a stand-in for one that only looks like a counter of requests

    @property
    def total(self) -> str:
        return str(self.selector)

    @property
    def bad(self) -> str:
        return str(self.selector.where(self.status.bad))

    @property
    def known(self) -> bool:
        return self.by.rank < UNKNOWN_RANK


@dataclass(frozen=True)
class CounterSearch:
    counters: tuple[RequestCounter, ...]  # that may count requests
    rejected: Mapping[str, str]  # name -> why that one does not


def find_counters(families: Sequence[Family], restarts: Mapping[str, int], pod_label: str, probed: Collection[str] = ()) -> CounterSearch:
    """restarts: by pod. probed: paths that the kubelet requests."""
    counters: list[RequestCounter] = []
    rejected: dict[str, str] = {}
    for family in families:
        got = [one for part, where in _parts(family) for one in _counters(part, where, restarts, pod_label, probed)]
        reasons = [one for one in got if isinstance(one, str)]
        counters += [one for one in got if isinstance(one, RequestCounter)]
        if reasons and len(reasons) == len(got):
            rejected[family.name] = reasons[0]
    return CounterSearch(tuple(counters), rejected)


def choose_counter(counters: Sequence[RequestCounter]) -> RequestCounter | Question | None:
    """Counters with traffic go before those without, known names before look-alikes. Of several that count the same requests the one
    with the lowest rank is taken: it sees most of what goes wrong. Otherwise it is a question.
    """
    busy = [one for one in counters if one.requests] or list(counters)
    named = [one for one in busy if one.known] or busy
    if not named:
        return None
    best = sorted(named, key=lambda one: (one.by.rank, one.total, one.status.label))
    most = max(one.requests for one in named)
    same = all(one.requests >= most * (1 - SAME_REQUESTS) for one in named) and len({one.selector.name for one in named}) == len(named)
    if len(best) == 1 or (same and most):
        return best[0]
    return Question("Which of these counts the requests that users send", tuple(Choice(_words(one), options_for(one), one) for one in best))


def options_for(counter: RequestCounter) -> str:
    """Options that choose this counter without a question."""
    return f"--requests '{counter.total}' --errors '{counter.bad}'"


def _words(one: RequestCounter) -> str:
    return (
        f"{one.total}, bad: {one.status.words} ({one.requests} requests in {one.seconds:.0f} s, {one.failed} bad; counted by {one.by.who})"
    )


def _parts(family: Family) -> Iterator[tuple[Family, tuple[Matcher, ...]]]:
    """The family's incoming requests, without those that the pods send; each cluster of Envoy by itself."""
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
) -> Iterator[RequestCounter | str]:
    """Each way to read the status of this counter, or why it has none."""
    if family.native:
        yield "a native histogram has no counter with a status"
        return
    if not family.series:
        yield "counts only what the pods send to others"
        return
    found = status.find_status_labels(family)
    if not found:
        yield "has no label whose values look like a status"
        return
    seen = counter_behaviour.behaviour_of(family.series, restarts, pod_label)
    if not seen.counts:
        yield "falls without a restart: a gauge, not a counter" if seen.falls else "has fractions: not a count of requests"
        return
    routes = _routes(family, probed)
    users = family.where(*routes)
    selector = Selector(family.name, (*where, *routes))
    times = [at for one in users.series for at, _ in one.points]
    for one in found:
        yield RequestCounter(
            selector,
            one,
            requests=round(counter_behaviour.behaviour_of(users.series, {}, pod_label).grown),
            failed=round(counter_behaviour.behaviour_of(users.where(one.bad).series, {}, pod_label).grown),
            seconds=max(times) - min(times) if times else 0.0,
            rate=counter_behaviour.rate_per_second(users.series, RATE_SECONDS),
            by=COUNTERS.get(family.name) or KnownCounter(family.name, "a counter that looks like one", rank=UNKNOWN_RANK),
        )


def _routes(family: Family, probed: Collection[str]) -> tuple[Matcher, ...]:
    """Matchers that leave out the kubelet's probes and Prometheus' scrapes, where a label shows them: they are no users."""
    for label in ROUTES:
        values = family.values(label)
        away = sorted(values & {*NOT_USERS, *probed})
        if away and values - set(away) - {""}:
            return (Matcher(label, "!~", "|".join(escape(path) for path in away)),)
    return ()
