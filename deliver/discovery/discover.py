"""discover: Prometheus, the metrics of a Deployment's pods, and in words why each was chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deliver.analysis.bounds import units_per_second
from deliver.cluster.port import Cluster
from deliver.discovery import counter_behaviour, latency, prometheus, requests
from deliver.discovery.latency import LatencyHistogram
from deliver.discovery.requests import RequestCounter
from deliver.discovery.series_queries import LONG_WINDOW, SeriesQueries
from deliver.discovery.types import Ask, DiscoveredEntry, Discovery, Family, Question
from deliver.discovery.workload import Workload
from deliver.engine.runtime import analysis_factory
from deliver.formatting.durations import show_duration
from deliver.metrics.scrape_delay import YOUNG_PODS
from deliver.model.spec import Analysis, PluginSpec
from deliver.plugins.interfaces import MetricProvider, MetricsError

MINUTES = 300.0  # seconds of the traffic of now


def discover(cluster: Cluster, workload: Workload, ask: Ask, provider: Mapping[str, Any] | None = None, *, now: float = 0.0) -> Discovery:
    """provider: options of `prometheus`; None = look for it. now: unix seconds, for the age of pods; 0 = treat no pod as young.

    Raises InputError if a person has to choose and nobody can be asked.
    """

    def provide(options: Mapping[str, Any]) -> MetricProvider:
        made: MetricProvider = analysis_factory.provider_of(cluster, Analysis(provider=PluginSpec("prometheus", options)))
        return made

    pods = [pod for pod in workload.pods if pod.ready]
    if not pods:
        return Discovery(provider, notes=("metrics: no pod is ready, so there are no series to look at",), there=True)
    if provider is not None:
        found = _discover_by(provide, provider, workload, ask)
        return found if found.rate else _discover_earlier_pods(provide, [provider], workload, ask, found, now)
    located = prometheus.locate(cluster, workload.target.namespace, pods, provide, ask)
    answering = [place.options for place in located.answering]
    if located.place is None:
        found = Discovery(notes=located.notes, there=located.there, answers=bool(answering))
    else:
        found = _discover_by(provide, located.place.options, workload, ask, located.notes)
    return found if found.rate else _discover_earlier_pods(provide, answering, workload, ask, found, now)


def age_if_young(workload: Workload, now: float) -> float | None:
    """Age of the oldest ready pod in seconds while it may not have been scraped yet; None when the pods are old enough."""
    age = max((now - pod.since for pod in workload.pods if pod.ready), default=YOUNG_PODS)
    return age if now and age < YOUNG_PODS else None


def _discover_by(
    provide: Callable[[Mapping[str, Any]], MetricProvider],
    provider: Mapping[str, Any],
    workload: Workload,
    ask: Ask,
    notes: tuple[str, ...] = (),
) -> Discovery:
    """What this provider has; an error becomes a note."""
    try:
        return replace(discover_metrics(provide(provider), workload, ask, provider, notes), there=True, answers=True)
    except MetricsError as error:
        return Discovery(provider, notes=(*notes, f"metrics: {error}"), there=True)


def _discover_earlier_pods(
    provide: Callable[[Mapping[str, Any]], MetricProvider],
    providers: Sequence[Mapping[str, Any]],
    workload: Workload,
    ask: Ask,
    found: Discovery,
    now: float,
) -> Discovery:
    """For pods that may not have been scraped yet: the metrics of the pods that ran before them."""
    if age_if_young(workload, now) is None:
        return found
    for provider in providers:
        try:
            asked = provide(provider)
            if pods := SeriesQueries(asked, workload.target.namespace, workload.pods).earlier():
                earlier = discover_metrics(asked, replace(workload, pods=pods), ask, provider, past=LONG_WINDOW)
                if earlier.metrics:
                    return replace(earlier, there=True, answers=True, earlier=True)
        except MetricsError:
            continue
    return found


def discover_metrics(
    asked: MetricProvider,
    workload: Workload,
    ask: Ask,
    provider: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    *,
    past: float = 0.0,
) -> Discovery:
    """The metrics that this provider has of the pods. past: seconds within which a series counts; 0 = it has to be there now.

    Raises MetricsError, and InputError as `discover`.
    """
    queries = SeriesQueries(asked, workload.target.namespace, workload.pods, past=past)
    names = queries.names()
    if not names:
        return Discovery(provider, notes=(*notes, "metrics: Prometheus has no series of these pods; are they scraped?"))
    families = queries.counters(names)
    counter, why = _counter(families, workload, queries, ask)
    timed, slow = _latency_entry(queries.histograms(names), counter, ask)
    found = ([_errors_entry(counter, queries)] if counter else []) + ([timed] if timed else [])
    lines = [*(chosen.why for chosen in found), *why, *slow]
    return Discovery(provider, tuple(found), (*notes, *lines), _rate(counter, queries, workload))


def _rate(counter: RequestCounter | None, queries: SeriesQueries, workload: Workload) -> float:
    """Requests a second of all ready pods: the higher rate of some minutes and of an hour, so that a pause does not decide."""
    if counter is None:
        return 0.0
    series = queries.fetch.all_kinds(counter.selector, LONG_WINDOW).series
    rate = max(counter.rate, *(counter_behaviour.rate_per_second(series, seconds) for seconds in (MINUTES, LONG_WINDOW)))
    return rate * sum(pod.ready for pod in workload.pods) / len(queries.pods)


def _counter(families: Sequence[Family], workload: Workload, queries: SeriesQueries, ask: Ask) -> tuple[RequestCounter | None, list[str]]:
    found = requests.find_counters(families, workload.restarts, queries.pod_label, workload.probed)
    chosen = requests.choose_counter(found.counters)
    picked = ask(chosen) if isinstance(chosen, Question) else chosen
    if picked is None:
        rest = [f"{name} {why}" for name, why in sorted(found.rejected.items())]
        return None, [f"errors: no series of these pods counts requests by status{'; ' if rest else ''}{'; '.join(rest[:3])}"]
    others = [one.total for one in found.counters if one is not picked and one.requests]
    return picked, [f"errors: not taken: {', '.join(others)}"] if others else []


def _errors_entry(counter: RequestCounter, queries: SeriesQueries) -> DiscoveredEntry:
    entry = {"name": "errors", "bad": counter.bad, "total": counter.total}
    seen = (
        f"{counter.requests} requests of {len(queries.pods)} pods in {show_duration(round(counter.seconds))}, {counter.failed} of them bad"
    )
    what = f"counted by {counter.by.who}" if counter.known else "looks like a request counter"
    return DiscoveredEntry(entry, f"errors: {counter.total} ({what}); bad is {counter.status.words}; {seen}")


def _latency_entry(families: Sequence[Family], counter: RequestCounter | None, ask: Ask) -> tuple[DiscoveredEntry | None, list[str]]:
    chosen = latency.choose_histogram(latency.find_histograms(families, counter), counter)
    timed: LatencyHistogram | None = ask(chosen) if isinstance(chosen, Question) else chosen
    if timed is None:
        return None, ["latency: no histogram of request times"]
    bound = latency.choose_bound(timed)
    if bound is None:
        few = (
            f"had {timed.count} requests, too few to choose a bound"
            if timed.count < latency.FEWEST_REQUESTS
            else "has no bound that can be written"
        )
        some = ", ".join(f"{bound:g}s" for bound in sorted(timed.bounds)[:12])
        why = f"latency: {timed.base} {few}; all bounds that tell something are judged, of {some}"
        return DiscoveredEntry({"name": "latency", "histogram": str(timed.base)}, why), []
    kind = ", a native histogram" if timed.native else ", in milliseconds" if units_per_second(timed.base.name) != 1 else ""
    entry = {"name": "latency", "histogram": str(timed.base), "slower_than": latency.bound_text(bound)}
    fraction = f"{100 * timed.bounds[bound]:.2g} % of {timed.count} requests took longer than {latency.bound_text(bound)}"
    why = f"latency: {timed.base}{kind}; {fraction}"
    return DiscoveredEntry(entry, why), []
