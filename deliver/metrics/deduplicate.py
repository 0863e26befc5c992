"""De-duplication: two Prometheus servers of a pair that scrape the same pods must not count each request twice."""

from collections.abc import Collection
from dataclasses import replace

from deliver.plugins.interfaces import Answer, Series


def deduplicate(answer: Answer, replica_labels: Collection[str]) -> Answer:
    """Keep one of the series that differ in a replica label alone: the copy with the most samples, without that label.

    Samples of two copies are never mixed: each server scrapes at its own time, and a counter that goes back and forth between the two
    would look like one that restarts.
    """
    if not any(label in one.labels for one in answer.series for label in replica_labels):
        return answer
    kept: dict[tuple[tuple[str, str], ...], Series] = {}
    for one in answer.series:
        labels = {label: value for label, value in one.labels.items() if label not in replica_labels}
        key = tuple(sorted(labels.items()))
        if key not in kept or _sample_count(one) > _sample_count(kept[key]):
            kept[key] = replace(one, labels=labels)
    return replace(answer, series=tuple(kept.values()))


def _sample_count(series: Series) -> tuple[int, float]:
    samples = series.points or series.histograms
    return len(samples), samples[-1][0] if samples else 0.0
