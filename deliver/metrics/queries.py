"""Which counters stand behind a metric, and which of some pods have series: asked alike by preflight, analyzer, doctor and replay."""

from collections.abc import Iterable

from deliver.analysis import selectors
from deliver.analysis.selectors import Selector
from deliver.metrics.fetch import Fetch
from deliver.metrics.pod_roster import batches
from deliver.model.spec import EvidenceMetric, LatencyMetric, Metric, QueryMetric, RatioMetric


def all_requests(metric: Metric) -> Selector | None:
    """The counter of all requests that the metric judges; None for a free query. Raises InputError for a selector that is none."""
    return None if isinstance(metric, QueryMetric) else counting(metric)


def counting(metric: RatioMetric | LatencyMetric | EvidenceMetric) -> Selector:
    """`all_requests` of a metric that has such a counter."""
    return counter(getattr(metric, "total", ""), getattr(metric, "histogram", ""))


def counter(total: str, histogram: str) -> Selector:
    """The counter of all requests of a metric that names either a counter (`total`) or the base name of a histogram."""
    return selectors.histogram(histogram).suffixed("_count") if histogram else selectors.parse(total)


def bad_or_fast(metric: EvidenceMetric) -> Selector:
    """The counter of the bad requests; of a histogram, of those at or below each bound."""
    return selectors.histogram(metric.histogram).suffixed("_bucket") if metric.histogram else selectors.parse(metric.bad)


def pods_with_series(fetch: Fetch, pods: Iterable[str]) -> frozenset[str]:
    """Those of the pods that have a series of any name: Prometheus scrapes them. Raises MetricsError."""
    label, found = fetch.labels.pod, set[str]()
    for batch in batches(sorted(pods)):
        series = fetch.value(f"count by ({label}) ({{{fetch.labels.inside(fetch.namespace, batch)}}})").series
        found |= {one.labels.get(label, "") for one in series}
    return frozenset(found)


def has_series(fetch: Fetch, selector: object) -> bool:
    """Any series matches the selector (as text or Selector), whichever pod it is of. Raises MetricsError."""
    return bool(fetch.value(f"count({selector})").series)
