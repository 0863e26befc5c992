"""The series that Prometheus has of a Deployment's pods: could a release be judged by them, and what would be missed? Never raises."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deliver.analysis import native_histogram
from deliver.analysis.selectors import PodLabels, Selector
from deliver.discovery import counter_behaviour, requests
from deliver.discovery.catalog import COUNTERS
from deliver.discovery.counter_behaviour import CounterBehaviour
from deliver.discovery.series_queries import WINDOW, SeriesQueries
from deliver.discovery.types import Family, Question
from deliver.discovery.workload import Workload
from deliver.doctor.line import DoctorLine
from deliver.formatting.durations import show_duration
from deliver.metrics.queries import counter, has_series, pods_with_series
from deliver.metrics.scrape_delay import YOUNG_PODS, cadence
from deliver.model.errors import InputError
from deliver.model.names import candidate_name
from deliver.plugins.interfaces import MetricProvider, MetricsError, Series

DEFAULT_STALENESS = 60.0  # `max_staleness`, where nobody has set it
OTHER_NAMES = (
    PodLabels("exported_namespace", "exported_pod"),
    PodLabels("namespace", "exported_pod"),
    PodLabels("kubernetes_namespace", "kubernetes_pod_name"),
    PodLabels("namespace", "pod_name"),
    PodLabels("k8s_namespace_name", "k8s_pod_name"),
)
"""Labels for namespace and pod in other scrape configurations."""
ELSEWHERE = (
    ("istio_requests_total", 'reporter="source",destination_workload_namespace="{namespace}",destination_workload="{name}"', "Istio"),
    ("nginx_ingress_controller_requests", 'exported_namespace="{namespace}"', "ingress-nginx"),
    ("nginx_ingress_controller_requests", 'namespace="{namespace}"', "ingress-nginx"),
    ("traefik_service_requests_total", 'exported_service=~"{namespace}-.*"', "Traefik"),
)
"""(metric, matchers, who counts it): counters on the way to the pods, which also count requests that no pod answered."""


def series_lines(
    provider: MetricProvider, workload: Workload, metrics: Sequence[Any], stale: float = DEFAULT_STALENESS
) -> Iterator[DoctorLine]:
    """metrics: as in deliver.yaml, not validated yet; () = discover them. stale: `max_staleness`, seconds."""
    try:
        queries = SeriesQueries(provider, workload.target.namespace, workload.pods)
        if not queries.pods:
            yield DoctorLine("series", "warn", "no pod is ready, so there is nothing to look at", "come back when the pods are ready")
            return
        now = queries.fetch.now()
        yield from _pods_with_series(queries, workload, now)
        families = _families(queries, workload, metrics)
    except (MetricsError, InputError) as error:
        yield DoctorLine("series", "fail", str(error), getattr(error, "hint", "") or "see `analysis` in deliver.yaml")
        return
    if not families:
        hint = "does the application count its requests by status? --errors and --requests name the counter"
        yield DoctorLine("counters", "warn", "no series of these pods counts requests by status", hint)
        return
    samples = [one for family in families.values() for one in family.series]
    yield freshness_line(samples, stale, now)
    yield scrape_interval_line(samples, stale, now)
    for name, family in families.items():
        yield counter_line(name, counter_behaviour.behaviour_of(family.series, workload.restarts, queries.pod_label))
    yield _crash_line(queries, workload, families)


def freshness_line(samples: Sequence[Series], stale: float, now: float) -> DoctorLine:
    """samples: of the counters that a release would be judged by. now: unix seconds by the provider's clock."""
    age = now - max((one.points[-1][0] for one in samples if one.points), default=0.0)
    if age <= stale:
        return DoctorLine("freshness", "done", f"the newest sample is {max(age, 0):.0f} s old")
    hint = "are the pods still scraped? `up` in Prometheus says so; a remote store may be late: raise `max_staleness`"
    return DoctorLine("freshness", "fail", f"the newest sample is {age:.0f} s old; above {stale:.0f} s it counts as none", hint)


def scrape_interval_line(samples: Sequence[Series], stale: float, now: float) -> DoctorLine:
    """The scrape interval, measured from the samples: the shortest time in which a breach can be seen."""
    found = cadence(samples, now)
    if not found.known:
        return DoctorLine("scrape interval", "warn", "no series has two samples yet", "come back in a minute or two")
    gap, late = found.interval, f", shown {found.delay:.0f} s late" if found.delay >= 1 else ""
    text = f"{gap:.0f} s between two samples{late}; a step takes {found.step:.0f} s at the least"
    if 2 * gap <= stale:
        return DoctorLine("scrape interval", "done", text)
    hint = f"set `max_staleness` to {show_duration(3 * round(gap))} at least, or scrape more often; a bake should be ten intervals long"
    return DoctorLine("scrape interval", "warn", f"{text}: one that is missed makes a look blind", hint)


def counter_line(name: str, seen: CounterBehaviour) -> DoctorLine:
    """Is it a counter, and does it grow?"""
    what = f"counter {name}"
    if seen.falls:
        hint = "a counter only falls when its process restarts: take the one that ends in _total, no gauge and no rate"
        return DoctorLine(what, "fail", f"it fell {seen.falls} times and no pod restarted: a gauge, or a recording rule of a rate", hint)
    if seen.fractional:
        return DoctorLine(what, "fail", "it has fractions: no count of requests, but a rate or a sum of times", "take the counter itself")
    if not seen.grown:
        hint = "without requests every look is blind: send traffic, or judge by health checks"
        return DoctorLine(what, "warn", f"it has not grown in {show_duration(WINDOW)}", hint)
    resets = f", restarted {seen.resets} times" if seen.resets else ""
    return DoctorLine(what, "done", f"only rises, by {seen.grown:.0f} in up to {show_duration(WINDOW)}{resets}")


def _pods_with_series(queries: SeriesQueries, workload: Workload, now: float) -> Iterator[DoctorLine]:
    """Does each ready pod have series?"""
    ready = [pod for pod in workload.pods if pod.ready]
    labels, namespace = queries.fetch.labels, queries.fetch.namespace
    known = pods_with_series(queries.fetch, [pod.name for pod in ready])
    missing = [pod for pod in ready if pod.name not in known]
    if not missing:
        yield DoctorLine("series", "done", f"all {len(ready)} ready pods have series with {labels.namespace} and {labels.pod}")
        return
    text = f"{len(missing)} of {len(ready)} ready pods have no series with {labels.namespace}={namespace} and {labels.pod}=their name"
    if all(now - pod.since < YOUNG_PODS for pod in missing):
        yield DoctorLine("series", "warn", text, "they are young: come back when they have been scraped")
    elif len(missing) < len(ready):
        yield DoctorLine("series", "warn", f"{text}: {missing[0].name}", "its scrape fails, or the pod is on a node that is not scraped")
    else:
        yield DoctorLine("series", "fail", text, _other_names(queries) or "are the pods scraped? look for their targets in Prometheus")


def _other_names(queries: SeriesQueries) -> str:
    for other in OTHER_NAMES:
        if _has_series(queries, f"{{{other.inside(queries.fetch.namespace, queries.fetch.pods)}}}"):
            return f"other labels name them: set `pod_label: {other.pod}` and `namespace_label: {other.namespace}` under `prometheus`"
    return ""


def _families(queries: SeriesQueries, workload: Workload, metrics: Sequence[Any]) -> dict[str, Family]:
    """Name -> counter of all requests: of the file's metrics, or of the counter that discovery would take."""
    named = {str(one.get("name", "?")): one for one in metrics if isinstance(one, Mapping)}
    found = {name: _counter_family(queries, selector) for name, one in named.items() if (selector := _requests(one))}
    if found or named:
        return {name: family for name, family in found.items() if family.series}
    seen = requests.find_counters(queries.counters(queries.names()), workload.restarts, queries.pod_label, workload.probed)
    chosen = requests.choose_counter(seen.counters)
    counter = chosen.choices[0].value if isinstance(chosen, Question) else chosen
    return {counter.total: queries.selected(counter.selector)} if counter else {}


def _counter_family(queries: SeriesQueries, selector: Selector) -> Family:
    """The counter's series; for a native histogram, those of its count."""
    family = queries.selected(selector)
    if family.series or not selector.name.endswith("_count"):
        return family
    whole = queries.selected(replace(selector, name=selector.name.removesuffix("_count")))
    return Family(whole.name, native_histogram.to_classic(whole.series, math.inf)[1])


def _requests(metric: Mapping[str, Any]) -> Selector | None:
    """metric: an entry of deliver.yaml that nobody has validated yet. Raises InputError for a selector that is none."""
    total, histogram = (one if isinstance(one, str) else "" for one in (metric.get("total"), metric.get("histogram")))
    return counter(total, "" if total else histogram) if total or histogram else None


def _crash_line(queries: SeriesQueries, workload: Workload, families: Mapping[str, Family]) -> DoctorLine:
    """Who counts the errors of a crash? A dead pod takes its last counts with it; a request that no pod answers is in no pod's counter."""
    what, target = "errors of a crash", workload.target
    proxies = sorted({known.who for family in families.values() if (known := COUNTERS.get(family.name)) and known.rank < 2})
    if proxies:
        return DoctorLine(what, "done", f"counted by {proxies[0]}, also when the application is gone")
    for name, inside, who in ELSEWHERE:
        filled = inside.format(namespace=target.namespace, name=target.deployment)
        if _has_series(queries, f"{name}{{{filled}}}"):
            text = f"not in the pods' own counters; {who} counts them ({name})"
            return DoctorLine(what, "todo", text, _by(name, filled.replace(target.deployment, candidate_name(target.deployment))))
    text = "not seen: only the pods' own counters are there, and a request that no pod answers is in none of them"
    hint = "a crash itself is seen by pod state and readiness at once; its requests are counted by a mesh, an ingress or the clients"
    return DoctorLine(what, "todo", text, hint)


def _by(name: str, inside: str) -> str:
    if name != "istio_requests_total":
        return "it cannot tell the candidate from the stable side by pod; watch it beside the release"
    bad = f'sum(rate({name}{{{inside},response_code=~"5..|0"}}[1m]))'
    return f"a metric `query: {bad} / sum(rate({name}{{{inside}}}[1m]))` with `max: 0.05` judges by it"


def _has_series(queries: SeriesQueries, selector: str) -> bool:
    try:
        return has_series(queries.fetch, selector)
    except MetricsError:
        return False
