"""A release that the engine made on the sandbox, with a trail as its judge keeps it."""

import random
from dataclasses import replace

import pytest

from deliver.model.evidence import Point
from deliver.model.release import Release
from deliver.model.spec import EvidenceMetric, LatencyMetric
from deliver.testing.stage import METRIC, Stage

SLOW = LatencyMetric("latency", "http_request_duration_seconds", bound=0.25, max=0.05)
BACK_AT = 820.0  # seconds into the release


def points(start: float, length: float, metrics: tuple[str, ...] = ("errors", "latency")) -> tuple[Point, ...]:
    """One each 10 s; the candidate's errors rise in the last two minutes."""
    chance, found, against = random.Random(4), [], 0.0
    for second in range(10, int(length), 10):
        worse = second > length - 120
        step, share = (0, 0.2) if second < 606 else (1, 0.5)
        candidate = round(200 * share)
        for metric in metrics:
            bad = sum(chance.random() < (0.05 if worse else 0.003) for _ in range(candidate))
            stable = sum(chance.random() < 0.003 for _ in range(200 - candidate))
            against += 0.1 if worse and metric == metrics[0] else 0.0
            good = second / length if metric == metrics[0] else 0.0
            found.append(Point(start + second, metric, step, bad, candidate, stable, 200 - candidate, 100 * share, against, good))
    return tuple(found)


@pytest.fixture(scope="session")
def bare() -> Release:
    """Taken back in its second step; judged, but without a trail."""
    stage = Stage.make()
    stage.world.traffic.set(rps=20)
    stage.fails_after(BACK_AT)
    return stage.run(stage.spec("canary", {"weight": [10, 50], "bake": "10m"}))


@pytest.fixture(scope="session")
def released(bare: Release) -> Release:
    """The same, its metrics judged by evidence."""
    metrics = (EvidenceMetric("errors", bad=METRIC.bad, total=METRIC.total), SLOW)
    spec = replace(bare.spec, analysis=replace(bare.spec.analysis, metrics=metrics))
    return replace(bare, spec=spec, trail=points(bare.started, BACK_AT))
