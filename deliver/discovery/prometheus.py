"""Finds Prometheus in the cluster: looks at Services, and asks those that may be one what they know of the pods."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.cluster.port import Cluster
from deliver.discovery import prometheus_services
from deliver.discovery.prometheus_services import Place
from deliver.discovery.series_queries import Asking
from deliver.discovery.types import Ask, Choice, Question
from deliver.model.errors import ClusterError, DeliverError, Forbidden
from deliver.model.objects import Object
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import MetricProvider, MetricsError

LOOK = 10.0  # seconds for a list of Services
EACH = 5.0  # seconds for one place to answer
MOST = 10  # places that are asked
Provide = Callable[[Mapping[str, Any]], MetricProvider]


@dataclass(frozen=True)
class Located:
    """place None: none knows the pods. told: in lines, what was found or why not. answering: those that answered, the nearest first.

    there: some place may be one, whether it answered or not.
    """

    place: Place | None
    told: tuple[str, ...]
    answering: tuple[Place, ...] = ()
    there: bool = False


@dataclass(frozen=True)
class _Asked:
    place: Place
    names: tuple[str, ...]
    why: str
    answered: bool = True


def candidates(cluster: Cluster) -> tuple[list[Place], str]:
    """(places, why the Services themselves could not be looked at)."""
    try:
        services = cluster.list("services", "", deadline=LOOK)
    except Forbidden:
        return list(prometheus_services.usual()), "no right to list Services of all namespaces; asked at usual addresses"
    except ClusterError as error:
        return list(prometheus_services.usual()), f"Services cannot be listed ({error.what}); asked at usual addresses"
    return prometheus_services.of(services, _operated(cluster)), ""


def locate(cluster: Cluster, namespace: str, pods: Sequence[PodSeen], provide: Provide, ask: Ask) -> Located:
    """The one that knows these pods. With the same series in two of them the one nearer to the pods; else whoever asks decides."""
    found, trouble = candidates(cluster)
    first = (f"Prometheus: {trouble}",) if trouble else ()
    asked = [_asked(place, namespace, pods, provide) for place in found[:MOST]]
    knowing = [one for one in asked if one.names]
    if not knowing:
        answering = tuple(one.place for one in asked if one.answered)
        return Located(None, (*first, *_nowhere(asked, trouble)), answering, there=bool(answering or (found and not trouble)))
    best = knowing[0]
    if len({one.names for one in knowing}) > 1:
        choices = tuple(Choice(_words(one), f"--prometheus {one.place.address}", one) for one in knowing)
        best = ask(Question("Which Prometheus knows these pods best", choices))
    others = [one.place.address for one in knowing if one is not best]
    also = f"; the same series are at {', '.join(others)}" if others else ""
    by = f", found by {best.place.by}" if best.place.by else ""
    text = f"Prometheus: {best.place.address} ({best.place.what}{by}) knows the pods{also}"
    return Located(best.place, (*first, text), (best.place,), there=True)


def _asked(place: Place, namespace: str, pods: Sequence[PodSeen], provide: Provide) -> _Asked:
    try:
        return _Asked(place, Asking(provide(place.options), namespace, pods, timeout=EACH).names(), "has no series of these pods")
    except (MetricsError, DeliverError) as error:
        text = str(error).removeprefix(f"Prometheus at {place.address}: ")
        return _Asked(
            place,
            (),
            f"{text}{'; it wants a tenant: --prometheus-header X-Scope-OrgID=NAME with --prometheus' if 'org id' in text else ''}",
            answered=False,
        )


def _nowhere(asked: Sequence[_Asked], trouble: str) -> tuple[str, ...]:
    """One line for each place that looked right; for guessed addresses none, for most of them never existed."""
    if not asked or trouble:
        return ("Prometheus: none found in the cluster",) if not trouble else ("Prometheus: none of them answers",)
    return tuple(f"Prometheus: {one.place.address}: {one.why}" for one in asked)


def _words(one: _Asked) -> str:
    return f"{one.place.address} ({one.place.what}), {len(one.names)} kinds of series of these pods"


def _operated(cluster: Cluster) -> list[Object]:
    """Resources of the Prometheus operator. Most clusters do not have it, and few let everybody look."""
    try:
        return cluster.list("prometheuses", "", deadline=LOOK)
    except ClusterError:
        return []
