"""Do the old pods still get requests? By their own counters, pod by pod."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from deliver.analysis.counts import Arm, increase
from deliver.plugins.interfaces import Series

SPAN = 10.0  # seconds that a rate rests on, at the least where there are as many
UNKNOWN = "no metric has told the requests of the old pods"


def rates(series: Sequence[Series], arm: Arm, since: float, fresh: float, pod_label: str) -> dict[str, float]:
    """Requests a second by pod, between its newest sample and one SPAN before, none of them older than `since`.

    A pod without two such samples, or whose newest is older than `fresh`, is left out.
    """
    by_pod: dict[str, list[Series]] = {}
    for one in series:
        pod = one.labels.get(pod_label, "")
        if pod in arm.pods:
            by_pod.setdefault(pod, []).append(one)
    found = {}
    for pod, mine in by_pod.items():
        times = sorted({at for one in mine for at, _ in one.points if at >= since})
        if len(times) < 2 or times[-1] < fresh:
            continue
        begin = next((at for at in reversed(times[:-1]) if times[-1] - at >= SPAN), times[0])
        # a series that is born later than the pod's other ones counts from zero
        grown = sum(increase(one.points, begin, from_zero=bool(one.points) and one.points[0][0] > begin) for one in mine)
        found[pod] = grown / (times[-1] - begin)
    return found


class Judged(Protocol):
    """deliver.metrics.threshold_metric.Outcome."""

    @property
    def rates(self) -> Mapping[str, float] | None: ...


def told(outcomes: Sequence[Judged]) -> tuple[Mapping[str, float], str]:
    """(rates by pod, why there are none). The first metric that counts requests tells."""
    found = next((outcome.rates for outcome in outcomes if outcome.rates is not None), None)
    return ({}, UNKNOWN) if found is None else (found, "")
