"""SeriesQueries: which series the stable pods have, or the pods before them had."""

from collections.abc import Callable, Iterable, Sequence

from deliver.analysis.selectors import Matcher, Selector, escape
from deliver.discovery.catalog import COUNTERS, may_count_requests, may_time_requests
from deliver.discovery.types import Family
from deliver.metrics.fetch import Fetch
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import MetricProvider, MetricsError

MAX_PODS = 5  # pods whose series are looked at; the others run the same program
WINDOW = 600.0  # seconds of their past
LONG_WINDOW = 3600.0  # seconds of it of the past for a rate, and for the pods that ran earlier
TIMEOUT = 20.0
MAX_FAMILIES = 40  # families that are looked at


class SeriesQueries:
    """All queries about the pods of one Deployment, within one timeout. `pods`: MAX_PODS of the ready ones, the oldest first.

    past: seconds within which a series counts; 0 = it has to be there now.
    """

    def __init__(
        self,
        provider: MetricProvider,
        namespace: str,
        pods: Sequence[PodSeen],
        *,
        timeout: float = TIMEOUT,
        past: float = 0.0,
    ) -> None:
        self.past = past
        self.pods = tuple(sorted((pod for pod in pods if pod.ready), key=lambda pod: (pod.since, pod.name))[:MAX_PODS])
        self.fetch = Fetch.of_pods(provider, namespace, self.pods, timeout)

    @property
    def pod_label(self) -> str:
        return self.fetch.labels.pod

    def names(self) -> tuple[str, ...]:
        """Names of all series of these pods. Raises MetricsError."""
        if not self.pods:
            return ()
        return self._values("__name__", self.fetch.labels.inside(self.fetch.namespace, self.fetch.pods), self.past)

    def earlier(self) -> tuple[PodSeen, ...]:
        """Some pods that this Deployment had before, found by their names. Raises MetricsError."""
        stems = {pod.name.rsplit("-", 2)[0] for pod in self.pods if pod.name.count("-") > 1}
        if len(stems) != 1:
            return ()
        labels, any_pod = self.fetch.labels, f"{escape(stems.pop())}-[a-z0-9]{{4,10}}-[a-z0-9]{{5}}"
        matchers = f"{Matcher(labels.namespace, '=', self.fetch.namespace)},{Matcher(labels.pod, '=~', any_pod)}"
        now = {pod.name for pod in self.pods}
        for past in (WINDOW, LONG_WINDOW):
            if names := [name for name in self._values(labels.pod, matchers, past) if name not in now]:
                return tuple(PodSeen(name, "", ready=True) for name in names[:MAX_PODS])
        return ()

    def _values(self, label: str, matchers: str, past: float) -> tuple[str, ...]:
        """All values of a label among the series that match."""
        series = f"last_over_time({{{matchers}}}[{past:.0f}s])" if past else f"{{{matchers}}}"
        answer = self.fetch.value(f"count by ({label}) ({series})")
        if answer.warnings:
            raise MetricsError(f"the answer is partial: {answer.warnings[0]}")
        return tuple(sorted(one.labels[label] for one in answer.series if one.labels.get(label)))

    def counters(self, names: Iterable[str]) -> tuple[Family, ...]:
        """Families whose names may be those of request counters."""
        return tuple(family for name in _known_first(names, may_count_requests) if (family := self.family(name)).series)

    def histograms(self, names: Iterable[str]) -> tuple[Family, ...]:
        """Families of buckets whose names may be those of latency histograms; native histograms under their own name."""
        classic = _known_first(names, lambda name: name.endswith("_bucket") and may_time_requests(name.removesuffix("_bucket")))
        bases = {name.removesuffix("_bucket") for name in classic}
        parts = ("_bucket", "_count", "_sum", "_total", "_created")
        whole = _known_first(names, lambda name: not name.endswith(parts) and name not in bases and may_time_requests(name))
        found = (self.family(name) for name in (*classic, *whole))
        return tuple(family for family in found if family.series and (family.native or family.name in classic))

    def family(self, name: str) -> Family:
        """Raises MetricsError."""
        return self.selected(Selector(name))

    def selected(self, selector: Selector) -> Family:
        """The series of these pods that it matches. Raises MetricsError."""
        answer = self.fetch.all_kinds(selector, max(self.past, WINDOW))
        native = [one for one in answer.series if one.histograms]
        return Family(selector.name, tuple(native or answer.series), bool(native))


def _known_first(names: Iterable[str], fits: Callable[[str], bool]) -> list[str]:
    """At most MAX_FAMILIES names; known counters first."""
    return sorted(filter(fits, names), key=lambda name: (name not in COUNTERS, name))[:MAX_FAMILIES]
