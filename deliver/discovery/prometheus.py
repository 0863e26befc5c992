"""Finds Prometheus in the cluster: Services that look like one are asked for series of the pods."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.cluster.port import Cluster
from deliver.discovery import prometheus_services
from deliver.discovery.prometheus_services import Place
from deliver.discovery.series_queries import SeriesQueries
from deliver.discovery.types import Ask, Choice, Question
from deliver.model.errors import ClusterError, DeliverError, Forbidden
from deliver.model.objects import Object
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import MetricProvider, MetricsError

LIST_TIMEOUT = 10.0  # seconds for a list of Services
PLACE_TIMEOUT = 5.0  # seconds for one place to answer
MAX_PLACES = 10  # places that are asked
Provide = Callable[[Mapping[str, Any]], MetricProvider]


@dataclass(frozen=True)
class PrometheusSearch:
    """The Prometheus that has series of the pods."""

    place: Place | None  # None: none has
    notes: tuple[str, ...]  # lines for a person: what was found, or why nothing
    answering: tuple[Place, ...] = ()  # all that answered, the nearest first
    there: bool = False  # some place may be a Prometheus, whether it answered or not


@dataclass(frozen=True)
class _PlaceAnswer:
    place: Place
    names: tuple[str, ...]
    why: str
    answered: bool = True


def candidates(cluster: Cluster) -> tuple[list[Place], str]:
    """(places to ask, why the Services could not be listed)."""
    try:
        services = cluster.list("services", "", deadline=LIST_TIMEOUT)
    except ClusterError as error:
        forbidden = isinstance(error, Forbidden)
        why = "no right to list Services of all namespaces" if forbidden else f"Services cannot be listed ({error.what})"
        return [*prometheus_services.USUAL], f"{why}; asked at usual addresses"
    return prometheus_services.find_places(services, _operator_resources(cluster)), ""


def locate(cluster: Cluster, namespace: str, pods: Sequence[PodSeen], provide: Provide, ask: Ask) -> PrometheusSearch:
    """The place with series of these pods. Of several with the same series the nearest one; with different series `ask` decides."""
    found, trouble = candidates(cluster)
    first = (f"Prometheus: {trouble}",) if trouble else ()
    asked = [_ask_place(place, namespace, pods, provide) for place in found[:MAX_PLACES]]
    knowing = [one for one in asked if one.names]
    if not knowing:
        answering = tuple(one.place for one in asked if one.answered)
        return PrometheusSearch(
            None, (*first, *_not_found_notes(asked, trouble)), answering, there=bool(answering or (found and not trouble))
        )
    best = knowing[0]
    if len({one.names for one in knowing}) > 1:
        choices = tuple(Choice(_words(one), f"--prometheus {one.place.address}", one) for one in knowing)
        best = ask(Question("Which Prometheus knows these pods best", choices))
    others = [one.place.address for one in knowing if one is not best]
    also = f"; the same series are at {', '.join(others)}" if others else ""
    by = f", found by {best.place.by}" if best.place.by else ""
    text = f"Prometheus: {best.place.address} ({best.place.what}{by}) knows the pods{also}"
    return PrometheusSearch(best.place, (*first, text), (best.place,), there=True)


def _ask_place(place: Place, namespace: str, pods: Sequence[PodSeen], provide: Provide) -> _PlaceAnswer:
    try:
        names = SeriesQueries(provide(place.options), namespace, pods, timeout=PLACE_TIMEOUT).names()
        return _PlaceAnswer(place, names, "has no series of these pods")
    except (MetricsError, DeliverError) as error:
        text = str(error).removeprefix(f"Prometheus at {place.address}: ")
        text += "; it wants a tenant: --prometheus-header X-Scope-OrgID=NAME with --prometheus" if "org id" in text else ""
        return _PlaceAnswer(place, (), text, answered=False)


def _not_found_notes(asked: Sequence[_PlaceAnswer], trouble: str) -> tuple[str, ...]:
    """A line for each place that looked right; none for guessed addresses."""
    if not asked or trouble:
        return ("Prometheus: none found in the cluster",) if not trouble else ("Prometheus: none of them answers",)
    return tuple(f"Prometheus: {one.place.address}: {one.why}" for one in asked)


def _words(one: _PlaceAnswer) -> str:
    return f"{one.place.address} ({one.place.what}), {len(one.names)} kinds of series of these pods"


def _operator_resources(cluster: Cluster) -> list[Object]:
    """Resources of the Prometheus operator. Most clusters do not have it, and few let everybody look."""
    try:
        return cluster.list("prometheuses", "", deadline=LIST_TIMEOUT)
    except ClusterError:
        return []
