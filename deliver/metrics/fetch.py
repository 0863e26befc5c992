"""Asks a provider for the samples of one look: each selector once, all under one deadline."""

import re
from collections.abc import Callable
from typing import TypeVar

from deliver.analysis.selectors import Labels, Selector
from deliver.metrics.arms import batches
from deliver.metrics.variants import Variants
from deliver.plugins.careful import answered, told_time
from deliver.plugins.interfaces import Answer, MetricProvider, MetricsError

T = TypeVar("T")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def labels_of(provider: MetricProvider) -> Labels:
    """A provider may name its own labels (attributes namespace_label and pod_label)."""
    names = (getattr(provider, "namespace_label", "namespace"), getattr(provider, "pod_label", "pod"))
    if not all(isinstance(name, str) and LABEL.fullmatch(name) for name in names):
        raise MetricsError("the provider's namespace_label or pod_label is no label's name")
    return Labels(*names)


class Fetch:
    """left: seconds that this look may still take, at the time of the call. variants: the arms share the pods."""

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

    def raw(self, selector: Selector, window: float) -> Answer:
        """Samples of all pods of both arms. Raises MetricsError, also for a partial answer: what is missing may be the bad part."""
        key = (str(selector), window)
        if key not in self._known:
            parts = [self._one(str(selector.where(*self.labels.matchers(self.namespace, batch))), window) for batch in batches(self.pods)]
            answer = Answer(parts[0].query, tuple(series for part in parts for series in part.series)) if parts else Answer("")
            self._known[key] = self.variants.told_apart(answer, self.labels.pod) if self.variants else answer
        return self._known[key]

    def value(self, query: str) -> Answer:
        return self._called(lambda: answered(self._provider.value(query, self._time())))

    def now(self) -> float:
        return self._called(lambda: told_time(self._provider.now(self._time())))

    def _one(self, selector: str, window: float) -> Answer:
        answer = self._called(lambda: answered(self._provider.raw(selector, window, self._time())))
        if answer.warnings:
            raise MetricsError(f"the answer is partial: {answer.warnings[0]}")
        return answer

    def _called(self, call: Callable[[], T]) -> T:
        """A provider is foreign code; the one exception that no handler of ours would take for an error is made one here."""
        try:
            return call()
        except SystemExit:
            raise MetricsError("the provider tried to end the process") from None

    def _time(self) -> float:
        left = self._left()
        if left <= 0:
            raise MetricsError("no time left in this poll: the queries before took all of it")
        return left
