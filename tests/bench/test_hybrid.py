"""What the benchmark's e-process promises, and how it is tuned."""

from math import comb

import numpy as np
import pytest

from bench.analysis import hybrid, tuning
from bench.analysis.hybrid import Polls, Tuning
from bench.analysis.proof import proof, proved
from bench.analysis.world import Traces


def tuned(reps, phi=1.0, block=1, tempered=True):
    return Tuning(np.full(reps, phi), np.full(reps, block), np.full(reps, tempered))


def polls(reps, length=120, share=0.01, factor=1.0, seed=5):
    rng = np.random.default_rng(seed)
    canary, stable = rng.poisson(60, (reps, length)), rng.poisson(540, (reps, length))
    return Polls(rng.binomial(canary, share * factor), canary, rng.binomial(stable, share), stable)


def test_a_healthy_canary_crosses_one_in_alpha_less_often_than_alpha():
    found = hybrid.evidence(polls(2000), tuned(2000)).max(axis=1)
    assert (found >= 20).mean() < 0.05
    assert (found >= 100).mean() < 0.01
    assert (found >= 2).any()  # it does move


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3])
def test_its_mean_over_every_outcome_of_a_poll_is_at_most_one(share):
    canary, stable = (np.array([comb(n, x) * share**x * (1 - share) ** (n - x) for x in range(n + 1)]) for n in (5, 20))
    xc, xs = (one.reshape(-1, 1) for one in np.indices((6, 21)))
    found = hybrid.evidence(Polls(xc, np.full_like(xc, 5), xs, np.full_like(xs, 20)), tuned(len(xc)), planned=1)[:, 0]
    assert 0.5 < (np.outer(canary, stable).ravel() * found).sum() <= 1 + 1e-12


def test_a_regression_crosses_sooner_the_larger_it_is():
    first = [(hybrid.evidence(polls(50, factor=f), tuned(50)) >= 100).argmax(axis=1).mean() for f in (2.0, 5.0, 20.0)]
    assert first[0] > 2 * first[1] > 2 * first[2]


def test_with_bets_alone_one_freak_poll_takes_nobody_back():
    counts = polls(1, share=0.0)
    counts.canary_bad[0, 10] = 60  # every request of one poll
    assert hybrid.evidence(counts, tuned(1, tempered=False)).max() < 20


def test_a_poll_in_which_one_side_had_no_traffic_says_nothing():
    counts = polls(1, length=3, share=0.5)
    counts.canary[0, 1] = counts.canary_bad[0, 1] = 0
    found = hybrid.evidence(counts, tuned(1))[0]
    assert found[1] == pytest.approx(found[0])
    assert found[2] != pytest.approx(found[1])


def test_in_the_middle_of_a_block_its_bets_count_as_lost():
    calm = polls(1, share=0.0)
    found = hybrid.evidence(calm, tuned(1, block=2, tempered=False))[0]
    assert found[1::2] == pytest.approx(1)
    assert (found[::2] < 0.8).all()


def test_bets_wait_for_the_end_of_their_block():
    found = hybrid.bets(polls(1, share=0.1), np.array([10]))
    assert set(np.flatnonzero(found[0, :, 0])) == set(range(9, 120, 10))


@pytest.mark.parametrize(("block", "tempered", "on_bets"), [(1, True, 0.5), (0, True, 0.0), (1, False, 1.0)])
def test_a_half_that_is_off_leaves_its_stake_to_the_other(block, tempered, on_bets):
    stakes = tuned(1, block=block, tempered=tempered).stakes[0]
    assert stakes[:4].sum() == pytest.approx(on_bets)
    assert stakes.sum() == pytest.approx(1)


def test_with_both_halves_off_nothing_is_ever_claimed():
    assert hybrid.evidence(polls(1, factor=50.0), tuned(1, block=0, tempered=False)) == pytest.approx(1)


def test_a_healthy_canary_is_proved_and_a_bad_one_is_not():
    assert (proof(polls(100), tuned(100), 2.0).max(axis=1) >= 20).mean() > 0.95
    assert (proof(polls(400, factor=2.0), tuned(400), 2.0).max(axis=1) >= 20).mean() < 0.05
    assert proof(polls(1), tuned(1, tempered=False), 2.0) == pytest.approx(1)


def test_the_proof_is_the_same_looked_at_in_stages():
    counts, at = polls(40, share=0.003), tuned(40)
    crossed = proof(counts, at, 2.0) >= 20
    whole = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf)
    assert (proved(counts, at, 2.0, 0.05, np.full(40, np.inf)) == whole).all()
    assert 12 < np.median(whole) < 120


def test_who_was_taken_back_is_not_asked_any_more():
    counts = polls(40, share=0.003)
    assert np.isinf(proved(counts, tuned(40), 2.0, 0.05, np.full(40, 2.0))).all()


def history(bad):
    return Traces(bad, np.full(bad.shape, 300))


def test_a_thin_history_has_its_dispersion_assumed_and_bets_on_single_polls():
    bad = np.zeros((1, 18, 720), np.int64)
    bad[0, 0, :49] = 1
    found = tuning.tune(history(bad))
    assert found.phi[0] > 12.0, "what little there is of it counts where it is worse"
    assert (found.block[0], found.tempered[0], found.assumed[0]) == (1, True, True)
    assert tuning.tune(history(np.zeros((1, 18, 720), np.int64))).phi[0] == 12.0
    bad[0, 1, 0] = 1
    assert tuning.tune(history(bad)).tempered[0]


def test_pods_that_differ_for_good_leave_no_bets():
    rng = np.random.default_rng(2)
    effect = np.exp(0.5 * rng.standard_normal((1, 18, 1)))
    found = tuning.tune(history(rng.poisson(np.broadcast_to(effect, (1, 18, 720)))))
    assert found.block[0] == 0
    assert found.phi[0] > 5


def test_the_placebo_check_raises_what_was_measured_too_low_and_leaves_the_rest():
    rng = np.random.default_rng(4)
    calm, rough = rng.poisson(0.4, (10, 18, 720)), 8 * rng.poisson(0.05, (10, 18, 720))
    past = history(np.concatenate((calm, rough)))
    found = tuning.checked(rng, past, tuned(20))
    assert (found.phi[:10] == 1).mean() >= 0.8
    assert (found.phi[10:] > 1.4).all()


def test_where_the_bets_alone_are_too_sure_their_block_is_made_longer():
    bad = np.zeros((1, 18, 720), np.int64)
    bad[0, 3, 100:106] = 4  # one client, three minutes, on a service that fails never else
    found = tuning.checked(np.random.default_rng(1), history(bad), tuned(1, tempered=False))
    assert found.block[0] > 1
    assert found.phi[0] == 1


def test_one_rollout_of_many_that_crosses_is_chance_and_one_far_above_is_not():
    highest = np.ones((3, 54))
    highest[1, 0], highest[2, 0] = 150, 5000
    assert tuning.too_sure(highest).tolist() == [False, False, True]
    assert tuning.levels(54)[0] == pytest.approx(54 / 0.05, rel=0.03)
    assert (np.diff(tuning.levels(54)) < 0).all()
