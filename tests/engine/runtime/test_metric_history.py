"""The trail of counts in the record: every request once, and never too long for one object."""

from deliver.engine.runtime.metric_history import MOST, WHOLE, thinned
from deliver.model.evidence import Point


def points(metric: str, number: int, step: int = 0) -> tuple[Point, ...]:
    return tuple(Point(1000.0 + 5 * n, metric, step, 1, 10, 2, 90, 10.0, n / 10, -n / 10) for n in range(number))


def test_a_short_trail_stays_as_it_is():
    trail = points("errors", MOST)
    assert thinned(trail) == trail


def test_a_long_one_loses_points_and_no_request():
    trail = points("errors", MOST + 1)
    thin = thinned(trail)
    assert len(thin) == MOST // 2 + 1
    assert sum(point.candidate_total for point in thin) == sum(point.candidate_total for point in trail)
    assert thin[-1].against == trail[-1].against, "evidence is what it was at the end of each stretch"


def test_no_stretch_reaches_over_two_steps():
    trail = points("errors", 101) + tuple(Point(2000.0, "errors", 1, 0, 5, 0, 5) for _ in range(20))
    assert {(point.step, point.at > 1999) for point in thinned(trail)} == {(0, False), (1, True)}


def test_many_metrics_share_the_room():
    trail = tuple(point for n in range(50) for point in points(f"m{n}", 13))
    thin = thinned(trail)
    assert len(thin) <= max(WHOLE, 12 * 50)
    assert len({point.metric for point in thin}) == 50
