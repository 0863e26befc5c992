"""Who was who: the pods of both sides, out of their series, by the names that Deployments give to pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deliver.analysis import selectors
from deliver.analysis.selectors import Matcher, Selector
from deliver.engine.core.exposure import exposed_by
from deliver.metrics.queries import all_requests
from deliver.metrics.scrape_delay import cadence
from deliver.model.errors import InputError
from deliver.model.names import candidate_name
from deliver.model.observation import PodSeen
from deliver.model.release import Release
from deliver.model.spec import Metric
from deliver.plugins.interfaces import Series
from deliver.replay.past_provider import Past

MARGIN = 180.0  # seconds before the stretch that are looked at: a pod that was there has a sample in their first half
SUFFIX = "[a-z0-9]{4,10}"
LONGEST = 58  # characters of a generated name, before what is made up


@dataclass(frozen=True)
class Sides:
    """Regular expressions of pods' names, as Prometheus takes them: the whole name."""

    stable: str
    candidate: str = ""


def of_release(release: Release) -> Sides:
    """Both Deployments' pods, by the hashes that the record has."""
    if not exposed_by(release).comparison(release).by_pods:
        raise InputError("a release of a flag cannot be replayed", why="both sides are the same pods", hint="see `deliver explain`")
    if not release.candidate_hash:
        raise InputError(f"{release.id} never had a candidate that ran", hint="`deliver history` lists the others")
    deployment = release.spec.target.deployment
    return Sides(_of(deployment, release.snapshot.hash), _of(release.candidate, release.candidate_hash))


def of_hash(deployment: str, hash: str) -> str:
    """Pods of one pod template, of the Deployment or of its candidate."""
    return f"{_of(deployment, hash)}|{_of(candidate_name(deployment), hash)}"


def _of(deployment: str, hash: str) -> str:
    """Kubernetes cuts what stands before a pod's own five characters."""
    return f"{selectors.escape(f'{deployment}-{hash}-'[:LONGEST])}{SUFFIX}"


def of_deployment(deployment: str) -> str:
    """All pods of it, whatever the template; a candidate's have one part more in their names."""
    return f"{selectors.escape(deployment)}-[a-z0-9]{{5,10}}-{SUFFIX}"


def found(
    past: Past, namespace: str, metrics: Sequence[Metric], pattern: str, start: float, end: float, alive: float
) -> tuple[PodSeen, ...]:
    """Pods of that name with samples after `alive`. since: of one that is young then, a scrape before its first sample."""
    read = series(past, namespace, metrics, pattern, end, end - start + MARGIN)
    spans, interval = _spans(read, past.pod_label), cadence(read, end).interval
    return tuple(
        PodSeen(name, name, ready=True, since=first - interval if first > start - MARGIN / 2 else 0.0)
        for name, (first, last) in sorted(spans.items())
        if last > alive
    )


def series(past: Past, namespace: str, metrics: Sequence[Metric], pattern: str, end: float, window: float) -> tuple[Series, ...]:
    """Request counters of pods of that name, in the window before `end`."""
    matchers = (Matcher(past.namespace_label, "=", namespace), Matcher(past.pod_label, "=~", pattern))
    before = past.at
    past.at = end
    try:
        return past.raw(str(_requests(metrics).where(*matchers)), window, 0.0).series
    finally:
        past.at = before


def _requests(metrics: Sequence[Metric]) -> Selector:
    """All requests of the first metric that counts them. Raises InputError where none does."""
    counters = [one for metric in metrics if (one := all_requests(metric))]
    if counters:
        return counters[0]
    known = ", ".join(metric.name for metric in metrics)
    raise InputError(
        "no metric counts requests", why=f"free queries alone: {known}" if known else "there are no metrics", hint="add `bad` and `total`"
    )


def _spans(series: Sequence[Series], label: str) -> Mapping[str, tuple[float, float]]:
    """Name -> times of its first and its last sample."""
    spans: dict[str, tuple[float, float]] = {}
    for one in series:
        if name := one.labels.get(label, ""):
            first, last = (one.points[at][0] if one.points else one.histograms[at][0] for at in (0, -1))
            known = spans.get(name, (first, last))
            spans[name] = min(first, known[0]), max(last, known[1])
    return spans
