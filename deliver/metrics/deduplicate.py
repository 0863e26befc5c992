"""Copies of one series: two Prometheus servers that scrape the same pods must not make two requests of one."""

from collections.abc import Collection
from dataclasses import replace

from deliver.plugins.interfaces import Answer, Series


def once(answer: Answer, replica_labels: Collection[str]) -> Answer:
    """Of series that differ in a replica label alone, the copy with most samples, and without that label.

    Samples of two copies are never mixed: each server scrapes at its own time, and a counter that goes back and forth between the two
    would look like one that restarts.
    """
    if not any(label in one.labels for one in answer.series for label in replica_labels):
        return answer
    kept: dict[tuple[tuple[str, str], ...], Series] = {}
    for one in answer.series:
        labels = {label: value for label, value in one.labels.items() if label not in replica_labels}
        key = tuple(sorted(labels.items()))
        if key not in kept or _worth(one) > _worth(kept[key]):
            kept[key] = replace(one, labels=labels)
    return replace(answer, series=tuple(kept.values()))


def _worth(series: Series) -> tuple[int, float]:
    samples = series.points or series.histograms
    return len(samples), samples[-1][0] if samples else 0.0
