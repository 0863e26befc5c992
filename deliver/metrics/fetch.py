"""Fetch: the samples of one look. Each selector is asked for once, all under one deadline."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Self, TypeVar

from deliver.analysis import native_histogram
from deliver.analysis.selectors import Matcher, PodLabels, Selector, le_pattern
from deliver.metrics.pod_roster import batches
from deliver.metrics.variants import Variants
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Answer, MetricProvider, MetricsError
from deliver.plugins.validation import checked_answer, checked_time

T = TypeVar("T")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def labels_of(provider: MetricProvider) -> PodLabels:
    """The labels that name a pod: attributes namespace_label and pod_label of the provider, else `namespace` and `pod`."""
    names = (getattr(provider, "namespace_label", "namespace"), getattr(provider, "pod_label", "pod"))
    if not all(isinstance(name, str) and LABEL.fullmatch(name) for name in names):
        raise MetricsError("the provider's namespace_label or pod_label is no label's name")
    return PodLabels(*names)


class Fetch:
    """left: gives the seconds that this look may still take. variants: both arms are the same pods, told apart by a label."""

    def __init__(
        self,
        provider: MetricProvider,
        namespace: str,
        pods: tuple[str, ...],
        left: Callable[[], float],
        variants: Variants | None = None,
    ) -> None:
        self.variants = variants
        self.labels = labels_of(provider)
        self._provider, self.namespace, self.pods, self._left = provider, namespace, pods, left
        self._known: dict[tuple[str, float], Answer] = {}

    @classmethod
    def of_pods(
        cls, provider: MetricProvider, namespace: str, pods: Iterable[PodSeen], timeout: float, timer: Callable[[], float] = time.monotonic
    ) -> Self:
        """The samples of these pods, all of them within `timeout` seconds from now."""
        until = timer() + timeout
        return cls(provider, namespace, tuple(sorted(pod.name for pod in pods)), lambda: until - timer())

    def raw(self, selector: Selector, window: float, *, native: bool = False) -> Answer:
        """Samples of all pods of both arms. Raises MetricsError, also for a partial answer: what is missing may be the bad part.

        native: only series of native histograms are wanted; else only those of numbers.
        """
        return _only_kind(self.all_kinds(selector, window), native=native)

    def all_kinds(self, selector: Selector, window: float) -> Answer:
        """The same, with series of both kinds."""
        key = (str(selector), window)
        if key not in self._known:
            parts = [self._one(str(selector.where(*self.labels.matchers(self.namespace, batch))), window) for batch in batches(self.pods)]
            answer = Answer(parts[0].query, tuple(series for part in parts for series in part.series)) if parts else Answer("")
            self._known[key] = self.variants.split(answer, self.labels.pod) if self.variants else answer
        return self._known[key]

    def latency_counts(self, base: Selector, bounds: Sequence[float], window: float, scale: float = 1.0) -> tuple[Answer, Answer]:
        """(requests up to each bound, all) of a histogram, classic or native. Raises InputError for a bound inside a native bucket.

        base: selector of its base name. bounds: as its `le` has them. scale: of its units in a second, for the error.
        """
        total = self.raw(base.suffixed("_count"), window)
        if not total.series and (whole := self.raw(base, window, native=True)).series:
            pairs = [native_histogram.to_classic(whole.series, bound, scale) for bound in bounds]
            return replace(whole, series=tuple(one for fast, _ in pairs for one in fast)), replace(whole, series=pairs[0][1])
        return self.raw(base.suffixed("_bucket").where(Matcher("le", "=~", "|".join(map(le_pattern, bounds)))), window), total

    def value(self, query: str, *, part: float = 1.0) -> Answer:
        """Raises MetricsError also where a number was wanted and a native histogram came. part: of the time that is left."""
        answer = self._called(lambda: checked_answer(self._provider.value(query, part * self._time())))
        return _only_kind(answer, native=False)

    def now(self) -> float:
        return self._called(lambda: checked_time(self._provider.now(self._time())))

    def _one(self, selector: str, window: float) -> Answer:
        answer = self._called(lambda: checked_answer(self._provider.raw(selector, window, self._time())))
        if answer.warnings:
            raise MetricsError(f"the answer is partial: {answer.warnings[0]}")
        return answer

    def _called(self, call: Callable[[], T]) -> T:
        """Call foreign code. SystemExit, which no handler takes for an error, becomes a MetricsError."""
        try:
            return call()
        except SystemExit:
            raise MetricsError("the provider tried to end the process") from None

    def _time(self) -> float:
        left = self._left()
        if left <= 0:
            raise MetricsError("no time left in this poll: the queries before took all of it")
        return left


def _only_kind(answer: Answer, *, native: bool) -> Answer:
    """The answer's series of one kind. Raises MetricsError if numbers are wanted and only native histograms came."""
    kept = tuple(one for one in answer.series if bool(one.histograms) is native)
    if answer.series and not kept and not native:
        raise MetricsError("the answer is a native histogram, not numbers; a metric with `histogram` and `slower_than` judges it")
    return replace(answer, series=kept)
