"""discover(): Prometheus, the metrics of a Deployment's pods, and in words how each was chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deliver.analysis.bounds import per_second
from deliver.cluster.port import Cluster
from deliver.discovery import counter_behaviour, latency, prometheus, requests
from deliver.discovery.latency import Timed
from deliver.discovery.requests import Counter
from deliver.discovery.series_queries import LONG, YOUNG, Asking
from deliver.discovery.types import Ask, Chosen, Discovered, Family, Question
from deliver.discovery.workload import Workload
from deliver.engine.runtime import analysis_factory
from deliver.model.errors import DeliverError
from deliver.model.spec import Analysis, PluginSpec
from deliver.plugins.interfaces import MetricProvider, MetricsError
from deliver.text.durations import show_duration

MINUTES = 300.0  # seconds of the traffic of now


def discover(cluster: Cluster, workload: Workload, ask: Ask, provider: Mapping[str, Any] | None = None, *, now: float = 0.0) -> Discovered:
    """provider: options of `prometheus`, None to look for it. now: unix seconds, by which pods are young; 0 = none is.

    Raises InputError where a choice is somebody's and nobody can be asked.
    """

    def provide(options: Mapping[str, Any]) -> MetricProvider:
        made: MetricProvider = analysis_factory.provider_of(cluster, Analysis(provider=PluginSpec("prometheus", options)))
        return made

    pods = [pod for pod in workload.pods if pod.ready]
    if not pods:
        return Discovered(provider, told=("metrics: no pod is ready, so there are no series to look at",), there=True)
    if provider is not None:
        found = _known(provide, provider, workload, ask)
        return found if found.rate else _before(provide, [provider], workload, ask, found, now)
    located = prometheus.locate(cluster, workload.target.namespace, pods, provide, ask)
    answering = [place.options for place in located.answering]
    if located.place is None:
        found = Discovered(told=located.told, there=located.there, answers=bool(answering))
    else:
        found = _known(provide, located.place.options, workload, ask, located.told)
    return found if found.rate else _before(provide, answering, workload, ask, found, now)


def youngest(workload: Workload, now: float) -> float | None:
    """Age of the oldest ready pod, seconds, while even that may not have been scraped yet; None when they are old enough."""
    age = max((now - pod.since for pod in workload.pods if pod.ready), default=YOUNG)
    return age if now and age < YOUNG else None


def _known(
    provide: Callable[[Mapping[str, Any]], MetricProvider],
    provider: Mapping[str, Any],
    workload: Workload,
    ask: Ask,
    told: tuple[str, ...] = (),
) -> Discovered:
    """By this provider, whatever it has."""
    try:
        return replace(metrics(provide(provider), workload, ask, provider, told), there=True, answers=True)
    except (MetricsError, DeliverError) as error:
        if getattr(error, "exit_code", None) and not isinstance(error, MetricsError):
            raise
        return Discovered(provider, told=(*told, f"metrics: {error}"), there=True)


def _before(
    provide: Callable[[Mapping[str, Any]], MetricProvider],
    providers: Sequence[Mapping[str, Any]],
    workload: Workload,
    ask: Ask,
    found: Discovered,
    now: float,
) -> Discovered:
    """Pods that are younger than their first samples have no series yet, or no requests in them: those that ran before them had."""
    if youngest(workload, now) is None:
        return found
    for provider in providers:
        try:
            asked = provide(provider)
            if pods := Asking(asked, workload.target.namespace, workload.pods).earlier():
                earlier = metrics(asked, replace(workload, pods=pods), ask, provider, past=LONG)
                if earlier.metrics:
                    return replace(earlier, there=True, answers=True, earlier=True)
        except MetricsError:
            continue
    return found


def metrics(
    asked: MetricProvider,
    workload: Workload,
    ask: Ask,
    provider: Mapping[str, Any] | None = None,
    told: tuple[str, ...] = (),
    *,
    past: float = 0.0,
) -> Discovered:
    """The metrics that this provider has of the pods. Raises MetricsError, and InputError as above."""
    asking = Asking(asked, workload.target.namespace, workload.pods, past=past)
    names = asking.names()
    if not names:
        return Discovered(provider, told=(*told, "metrics: Prometheus has no series of these pods; are they scraped?"))
    families = asking.counters(names)
    counter, why = _counter(families, workload, asking, ask)
    timed, slow = _latency(asking.histograms(names), counter, ask)
    found = ([_errors(counter, asking)] if counter else []) + ([timed] if timed else [])
    lines = [*(chosen.why for chosen in found), *why, *slow]
    return Discovered(provider, tuple(found), (*told, *lines), _rate(counter, asking, workload))


def _rate(counter: Counter | None, asking: Asking, workload: Workload) -> float:
    """Of all pods, by those that were looked at: the higher one of some minutes and of an hour, so that a pause decides nothing."""
    if counter is None:
        return 0.0
    series = asking.fetch.whole(counter.selector, LONG).series
    rate = max(counter.rate, *(counter_behaviour.rate(series, seconds) for seconds in (MINUTES, LONG)))
    return rate * sum(pod.ready for pod in workload.pods) / len(asking.pods)


def _counter(families: Sequence[Family], workload: Workload, asking: Asking, ask: Ask) -> tuple[Counter | None, list[str]]:
    found = requests.find(families, workload.restarts, asking.pod_label, workload.probed)
    chosen = requests.choose(found.counters)
    picked = ask(chosen) if isinstance(chosen, Question) else chosen
    if picked is None:
        rest = [f"{name} {why}" for name, why in sorted(found.rejected.items())]
        return None, [f"errors: no series of these pods counts requests by status{'; ' if rest else ''}{'; '.join(rest[:3])}"]
    others = [one.total for one in found.counters if one is not picked and one.requests]
    return picked, [f"errors: not taken: {', '.join(others)}"] if others else []


def _errors(counter: Counter, asking: Asking) -> Chosen:
    entry = {"name": "errors", "bad": counter.bad, "total": counter.total}
    seen = (
        f"{counter.requests} requests of {len(asking.pods)} pods in {show_duration(round(counter.seconds))}, {counter.failed} of them bad"
    )
    what = f"counted by {counter.who}" if counter.known else "looks like a request counter"
    return Chosen(entry, f"errors: {counter.total} ({what}); bad is {counter.status.words}; {seen}")


def _latency(families: Sequence[Family], counter: Counter | None, ask: Ask) -> tuple[Chosen | None, list[str]]:
    chosen = latency.choose(latency.find(families, counter), counter)
    timed: Timed | None = ask(chosen) if isinstance(chosen, Question) else chosen
    if timed is None:
        return None, ["latency: no histogram of request times"]
    bound = latency.bound(timed)
    if bound is None:
        few = f"had {timed.count} requests, too few to choose a bound" if timed.count < latency.FEW else "has no bound that can be written"
        why = f"latency: {timed.base} {few}; all bounds that tell something are judged, of {_bounds(timed)}"
        return Chosen({"name": "latency", "histogram": str(timed.base)}, why), []
    kind = ", a native histogram" if timed.native else ", in milliseconds" if per_second(timed.base.name) != 1 else ""
    entry = {"name": "latency", "histogram": str(timed.base), "slower_than": latency.written(bound)}
    share = f"{100 * timed.bounds[bound]:.2g} % of {timed.count} requests took longer than {latency.written(bound)}"
    why = f"latency: {timed.base}{kind}; {share}"
    return Chosen(entry, why), []


def _bounds(timed: Timed) -> str:
    some = sorted(timed.bounds)[:12]
    return ", ".join(f"{bound:g}s" for bound in some)
