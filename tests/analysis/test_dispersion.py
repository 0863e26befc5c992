"""The stable side's past: how unevenly its bad events fall on pods, and whether a release on it would have been a false alarm."""

from random import Random

import pytest

from deliver.analysis import dispersion, history, placebo
from deliver.analysis.history import History
from deliver.model.evidence import Calibration
from deliver.plugins.interfaces import Series


def past(chance: Random, pods=6, columns=720, requests=300, share=0.01, cluster=1) -> History:
    """Six hours in columns of 30 s. cluster: bad requests come so many at a time."""
    bad = tuple(tuple(cluster * _events(chance, requests * share / cluster) for _ in range(columns)) for _ in range(pods))
    return History(30.0, bad, tuple((requests,) * columns for _ in range(pods)))


def _events(chance: Random, mean: float) -> int:
    return sum(chance.random() < mean / 20 for _ in range(20))


def test_independent_events_have_a_dispersion_near_one():
    for seed in range(5):
        assert dispersion.dispersion(past(Random(seed))) == pytest.approx(1.15, abs=0.25)


def test_clusters_of_five_have_one_of_five_or_more():
    assert dispersion.dispersion(past(Random(1), cluster=5)) > 4.5


def test_a_pod_that_is_always_worse_shows_at_the_longest_scale_and_turns_the_bets_off():
    chance = Random(2)
    even, odd = past(chance, pods=5), past(chance, pods=1, share=0.02)
    mixed = History(30.0, even.bad + odd.bad, even.total + odd.total)
    scales = dispersion.dispersion_by_scale(mixed)
    assert scales[3600.0][0] > 3 * scales[30.0][0]
    assert dispersion.block_seconds(mixed) == 0.0


def test_the_block_is_the_shortest_time_after_which_nothing_new_shows():
    assert dispersion.block_seconds(past(Random(3))) == 30.0
    assert dispersion.polls_of(30.0, 15.0) == 2
    assert dispersion.polls_of(30.0, 45.0) == 1


def test_one_pod_or_no_event_tells_nothing():
    assert dispersion.dispersion(past(Random(4), pods=1)) == 1.0
    assert dispersion.dispersion(past(Random(4), share=0.0)) == 1.0
    assert dispersion.block_seconds(History(30.0)) == 0.0


def test_the_dispersion_is_the_variance_of_the_shares_over_what_chance_would_have():
    """By hand: 8 bad ones among two pods of the same size, 6 and 2 instead of 4 and 4."""
    uneven = History(30.0, ((6, 0), (2, 0)), ((100, 0), (100, 0)))
    [(scale, (found, upper))] = dispersion.dispersion_by_scale(uneven).items()
    assert scale == 30.0
    assert found == pytest.approx(((6 - 4) ** 2 / 0.5 + (2 - 4) ** 2 / 0.5) / 8)
    assert upper == pytest.approx(found * (1 + 2**0.5)), "one column of two pods is one degree of freedom"
    sized = History(30.0, ((6, 0), (2, 0)), ((300, 0), (100, 0)))
    assert dispersion.dispersion_by_scale(sized)[30.0][0] == 0.0, "three times the requests, three times the bad ones"


def test_a_pod_with_a_single_request_has_served():
    rare = History(30.0, ((1, 0), (0, 1)), ((1, 1), (1, 1)))
    assert dispersion.dispersion_by_scale(rare)[30.0][0] == pytest.approx(1.0)


def test_a_scale_needs_two_columns_of_its_length():
    def scales(columns: int, step: float = 30.0) -> list[float]:
        return list(dispersion.dispersion_by_scale(History(step, ((1,) * columns, (2,) * columns), ((9,) * columns, (9,) * columns))))

    assert scales(1) == []
    assert scales(2) == [30.0]
    assert scales(4) == [30.0, 60.0]
    assert scales(4, 60.0) == [60.0, 120.0], "no finer than the columns are"
    assert scales(4, 40.0) == [], "40 s are no 30 s, and 120 s are three of them: two columns are needed"
    assert scales(6, 40.0) == [120.0]


def test_columns_in_which_fewer_than_two_pods_served_tell_nothing():
    alone = History(30.0, ((6, 6), (2, 0)), ((100, 100), (100, 0)))
    assert (
        dispersion.dispersion_by_scale(alone)[30.0][0]
        == dispersion.dispersion_by_scale(History(30.0, ((6, 0), (2, 0)), ((100, 0), (100, 0))))[30.0][0]
    )
    third = History(30.0, ((6, 0), (2, 0), (0, 0)), ((100, 0), (100, 0), (0, 0)))
    assert dispersion.dispersion_by_scale(third) == dispersion.dispersion_by_scale(History(30.0, ((6, 0), (2, 0)), ((100, 0), (100, 0)))), (
        "nor does a pod that did not"
    )


def test_a_bad_minute_that_a_roll_out_followed_is_no_dispersion():
    """Four pods had it alike, and four others took their place in the same five minutes: nothing fell on them unevenly."""
    old, new = ((25, 25) + (0,) * 18, (100,) * 4 + (0,) * 16), ((0,) * 20, (0,) * 4 + (100,) * 16)
    pods = [old] * 4 + [new] * 4
    found = dispersion.dispersion_by_scale(History(30.0, tuple(bad for bad, _ in pods), tuple(total for _, total in pods)))
    assert set(found) == {30.0, 60.0, 120.0, 300.0}
    assert max(upper for _, upper in found.values()) == 0.0


def test_clusters_show_at_the_longer_scales_too():
    scales = dispersion.dispersion_by_scale(past(Random(1), cluster=5))
    assert min(found for found, _ in scales.values()) > 3.0


@pytest.mark.parametrize(
    ("seconds", "every", "polls"), [(30.0, 15.0, 2), (30.0, 14.0, 3), (30.1, 15.0, 2), (31.0, 15.0, 3), (0.0, 15.0, 1), (5.0, 15.0, 1)]
)
def test_seconds_as_polls(seconds, every, polls):
    assert dispersion.polls_of(seconds, every) == polls


def test_each_pod_is_a_row_over_the_same_columns():
    total = [
        Series({"pod": "b"}, ((60.0, 0.0), (90.0, 7.0))),
        Series({"pod": "a"}, ((0.0, 0.0), (30.0, 4.0))),
        Series({}, ((0.0, 1.0), (30.0, 2.0))),
    ]
    bad = [Series({"pod": "b"}, ((60.0, 0.0), (90.0, 2.0))), Series({"pod": "gone"}, ((60.0, 0.0), (90.0, 2.0)))]
    found = history.from_series(bad, total, "pod", 30.0, until=99.0)
    assert found.total == ((1, 0, 0), (4, 0, 0), (0, 0, 7)), "by name; one without a name is one"
    assert found.bad == ((0, 0, 0), (0, 0, 0), (0, 0, 2))
    assert (found.columns, found.events, found.requests, found.seconds) == (3, 2, 12, 90.0)


def test_the_counters_of_one_pod_are_added_up():
    total = [Series({"pod": "a", "code": code}, ((0.0, 0.0), (30.0, 4.0))) for code in ("200", "500")]
    assert history.from_series((), total, "pod", 30.0, until=99.0) == History(30.0, ((0,),), ((8,),))
    assert history.from_series((), (), "pod", 30.0, until=99.0) == History(30.0)


def test_the_length_of_a_past_is_from_its_first_request_to_its_last():
    assert History(30.0, ((0,) * 5,), ((0, 3, 0, 4, 0),)).seconds == 90.0
    assert History(30.0, ((0,),), ((0,),)).seconds == 0.0


def test_counters_become_rows_of_increases_with_resets_and_an_end():
    total = [Series({"pod": "a"}, ((30.0, 100.0), (60.0, 130.0), (90.0, 10.0), (120.0, 30.0), (150.0, 90.0)))]
    bad = [Series({"pod": "a"}, ((60.0, 5.0), (90.0, 2.0)))]
    found = history.from_series(bad, total, "pod", 30.0, until=120.0)
    assert found.total == ((30, 10, 20),), "a fall is a restart from zero; what comes after the end does not count"
    assert found.bad == ((0, 2, 0),), "the first value is a base"
    assert found.seconds == 90.0


def test_more_bad_than_requests_is_cut():
    total = [Series({"pod": "a"}, ((30.0, 0.0), (60.0, 3.0)))]
    bad = [Series({"pod": "a"}, ((30.0, 0.0), (60.0, 4.0)))]
    assert history.from_series(bad, total, "pod", 30.0, until=99.0).bad == ((3,),)


def test_a_sample_that_is_no_number_is_left_out():
    total = [Series({"pod": "a"}, ((30.0, 0.0), (60.0, float("nan")), (90.0, 9.0), (120.0, 11.0)))]
    assert history.from_series((), total, "pod", 30.0, until=999.0).total == ((2,),)


def test_requests_above_a_bound_are_those_that_are_not_at_or_below_it():
    below, total = History(30.0, ((7, 8),), ((10, 10),)), History(30.0, ((0, 0),), ((10, 10),))
    assert history.above_bound(below, total) == History(30.0, ((3, 2),), ((10, 10),))
    assert history.above_bound(History(30.0, ((11, 8),)), total).bad == ((0, 2),), "scrapes do not line up"


def test_coarser_columns_hold_the_same_counts():
    fine = History(30.0, ((1, 2, 3, 4),), ((10, 20, 30, 40),))
    assert history.coarser(fine, 2) == History(60.0, ((3, 7),), ((30, 70),))
    assert history.coarser(fine, 3).total == ((90,),), "what is left over at the begin is dropped"


# ---------------------------------------------------------------- placebo


def test_a_past_that_is_as_its_dispersion_says_raises_no_alarm():
    quiet = past(Random(5))
    calibration = Calibration(phi=dispersion.dispersion(quiet), block=1, likelihood=True, every=30.0)
    checked = placebo.calibrate_by_placebo(calibration, quiet, 1.0, 0.05, 0.2, Random(6))
    assert (checked.crossed, checked.placebos) == (checked.crossed, placebo.RUNS)
    assert checked.crossed <= 0.05 * placebo.RUNS
    assert checked.phi == calibration.phi


def test_a_past_that_is_rougher_than_was_thought_raises_the_dispersion_until_the_alarms_end():
    rough = past(Random(7), cluster=8)
    naive = Calibration(phi=1.0, block=1, likelihood=True, every=30.0)
    runs = [placebo.placebo_run(rough, 30.0, 0.2, Random(seed)) for seed in range(placebo.RUNS)]
    assert placebo.crossings(runs, naive, 1.0, 0.05) > 0.05 * placebo.RUNS
    checked = placebo.calibrate_by_placebo(naive, rough, 1.0, 0.05, 0.2, Random(8))
    assert checked.phi > 1.0
    assert checked.crossed <= 0.05 * placebo.RUNS


def test_a_draw_leaves_pods_on_both_sides_and_loses_no_request():
    small = past(Random(9), pods=2, columns=4)
    for share in (0.01, 0.99):
        run = placebo.placebo_run(small, 30.0, share, Random(1))
        assert all(poll.candidate_total and poll.stable_total for poll in run)
        assert sum(poll.candidate_total + poll.stable_total for poll in run) == small.requests


@pytest.mark.parametrize(("share", "drawn"), [(0.0, 1), (0.2, 1), (0.5, 3), (0.6, 4), (1.0, 5)])
def test_a_share_of_the_pods_is_drawn_one_at_least_and_not_all(share, drawn):
    poll = placebo.placebo_run(past(Random(9), columns=4), 30.0, share, Random(1))[0]
    assert (poll.candidate_total, poll.stable_total) == (300 * drawn, 300 * (6 - drawn))


def test_a_draw_is_a_piece_of_the_past_in_polls():
    long = past(Random(9), columns=720)
    run = placebo.placebo_run(long, 60.0, 0.5, Random(1), polls=20)
    assert len(run) == 20
    assert {poll.candidate_total + poll.stable_total for poll in run} == {2 * 6 * 300}, "two columns a poll"
    assert len({tuple(placebo.placebo_run(long, 60.0, 0.5, Random(seed), polls=20)) for seed in range(5)}) == 5
    assert len(placebo.placebo_run(past(Random(9), columns=7), 60.0, 0.5, Random(1))) == 3, "all that there is"


def test_one_pod_has_no_placebo():
    lone = past(Random(9), pods=1)
    assert placebo.calibrate_by_placebo(Calibration(likelihood=True), lone, 1.0, 0.05, 0.2, Random(1)).placebos == 0
