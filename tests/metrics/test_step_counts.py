"""What one step has seen: only samples that were taken since it began."""

import pytest

from deliver.analysis import counts
from deliver.analysis.counts import Counts, Span
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.metrics.step_counts import StepCounts
from deliver.model.evidence import Tally
from deliver.plugins.interfaces import Series

BEGIN = 1000.0


def series(pod: str, code: str, *points: tuple[float, float]) -> Series:
    return Series({"__name__": "req", "pod": pod, "code": code}, points)


class Step:
    def __init__(self, **pods: float) -> None:
        self.arms = {CANDIDATE: {"c": pods.get("c", 100.0)}, STABLE: {"s": pods.get("s", 100.0)}}
        self.gathered = StepCounts()

    def look(self, *served: Series, known: float = 0.0) -> Tally:
        bad = [one for one in served if one.labels["code"] == "500"]

        def count(bound: float, arm: str, span: Span) -> Counts:
            return counts.count_bad(bad, served, self.arms[arm], span, "pod")

        self.gathered.add([0.0], served, self.arms, Span(BEGIN, known, begin=BEGIN), "pod", count)
        return self.gathered.of(0.0)


def test_growth_across_the_steps_beginning_belongs_to_no_side_of_it():
    step = Step()
    assert step.look(series("c", "200", (990.0, 100.0), (1020.0, 600.0))).candidate_total == 0
    assert step.look(series("c", "200", (990.0, 100.0), (1020.0, 600.0), (1050.0, 900.0))).candidate_total == 300


def test_each_request_is_counted_once_however_often_it_is_looked():
    step, points = Step(), [(1000.0 + 5 * n, 10.0 * n) for n in range(9)]
    for upto in range(1, 10):
        found = step.look(series("c", "200", *points[:upto]))
    assert found == Tally(0, 80, 0, 0)


def test_a_pod_that_was_made_in_the_step_counts_from_zero():
    assert Step(c=1005.0).look(series("c", "200", (1020.0, 40.0)), known=900.0).candidate_total == 40


def test_one_that_was_made_before_it_does_not_although_nobody_scraped_it_then():
    """What it has counted may be our own load (S3)."""
    step = Step(c=995.0)
    assert step.look(series("c", "200", (1020.0, 400.0)), known=900.0).candidate_total == 0
    assert step.look(series("c", "200", (1020.0, 400.0), (1050.0, 430.0)), known=900.0).candidate_total == 30


@pytest.mark.parametrize(("born", "bad"), [(1050.0, 5), (1020.0, 0)])
def test_errors_whose_counter_is_born_in_the_step_count_after_the_pods_first_scrape_in_it(born, bad):
    errors = series("c", "500", *((at, 5.0) for at in (1020.0, 1050.0) if at >= born))
    assert Step().look(series("c", "200", (990.0, 10.0), (1020.0, 50.0), (1050.0, 90.0)), errors).candidate_bad == bad


def test_a_pod_is_watched_from_its_second_sample_in_the_step_on():
    step = Step()
    step.look(series("c", "200", (990.0, 100.0), (1020.0, 600.0)), series("s", "200", (1001.0, 5.0), (1031.0, 9.0)))
    assert step.gathered.watched(step.arms[CANDIDATE]) == {}
    assert step.gathered.watched(step.arms[STABLE]) == {"s": 1031.0}


@pytest.mark.parametrize(("kept", "counted"), [(500.0, 0), (2000.0, 2000)])
def test_old_pods_that_count_more_than_the_new_ones_have_users_still(kept, counted):
    """Probes ask both sides alike: as many requests as the candidate's may be theirs alone."""
    step = Step()
    step.gathered.alone = True
    found = step.look(series("c", "200", (1010.0, 0.0), (1030.0, 500.0)), series("s", "200", (1010.0, 0.0), (1030.0, kept)))
    assert (found.candidate_total, found.stable_total) == (500, counted)
    assert step.gathered.latest(0.0) == found


def test_a_probe_of_an_old_pod_hides_nothing_of_what_the_candidate_had_last():
    step = Step()
    step.gathered.alone = True
    new, old = series("c", "500", (1010.0, 0.0), (1030.0, 40.0)), series("s", "200", (1010.0, 0.0), (1030.0, 2.0))
    step.look(new, old)
    step.look(new, series("s", "200", (1010.0, 0.0), (1030.0, 2.0), (1040.0, 3.0)))
    assert step.gathered.latest(0.0) == Tally(40, 40, 0, 0)
