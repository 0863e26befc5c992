"""Request rates of the stable pods after the cutover, by their own counters: do they still get requests?"""

from collections.abc import Iterable, Mapping, Sequence

from deliver.analysis.counts import Arm, increase
from deliver.plugins.interfaces import Series

RATE_SECONDS = 10.0  # seconds of samples behind a rate; fewer only where there are not as many
NO_RATES = "no metric has told the requests of the old pods"


def request_rates(series: Sequence[Series], arm: Arm, since: float, fresh: float, pod_label: str) -> dict[str, float]:
    """pod -> requests a second over the last RATE_SECONDS of its samples. since, fresh: unix seconds by the provider's clock.

    A pod without two samples after `since`, or without one after `fresh`, is left out.
    """
    by_pod: dict[str, list[Series]] = {}
    for one in series:
        pod = one.labels.get(pod_label, "")
        if pod in arm:
            by_pod.setdefault(pod, []).append(one)
    found = {}
    for pod, mine in by_pod.items():
        times = sorted({at for one in mine for at, _ in one.points if at >= since})
        if len(times) < 2 or times[-1] < fresh:
            continue
        begin = next((at for at in reversed(times[:-1]) if times[-1] - at >= RATE_SECONDS), times[0])
        # a series that is born later than the pod's other ones counts from zero
        grown = sum(increase(one.points, begin, from_zero=bool(one.points) and one.points[0][0] > begin) for one in mine)
        found[pod] = grown / (times[-1] - begin)
    return found


def first_rates(rates: Iterable[Mapping[str, float] | None]) -> tuple[Mapping[str, float], str]:
    """(requests a second by pod, why there are none): those of the first metric that counts requests. rates: one of each metric."""
    found = next((one for one in rates if one is not None), None)
    return ({}, NO_RATES) if found is None else (found, "")
