"""The product's evidence against the benchmark's, which was written from the same pages with numpy, apart from it."""

from math import exp, log

import numpy as np
import pytest

from bench.analysis import hybrid, tuning
from bench.analysis import proof as bench_proof
from bench.analysis.hypergeometric import exact_ratios
from bench.analysis.world import Traces
from deliver.analysis import dispersion, e_process, noninferiority
from deliver.analysis.e_process import starting_logs
from deliver.analysis.history import History
from deliver.model.evidence import Calibration, Tally, Wealth

POLLS = 120
CLOSE = 1e-6


def polls(seed, *, canary=30, stable=270, share=0.02, factor=1.0):
    """One random hour; every poll has traffic on both sides."""
    rng = np.random.default_rng(seed)
    served = [1 + rng.poisson(many, (1, POLLS)) for many in (canary, stable)]
    bad = [rng.binomial(n, p) for n, p in zip(served, (share * factor, share), strict=True)]
    return hybrid.Polls(bad[0], served[0], bad[1], served[1])


def tallies(counts):
    columns = (counts.canary_bad[0], counts.canary[0], counts.stable_bad[0], counts.stable[0])
    return [Tally(*(int(one) for one in row)) for row in zip(*columns, strict=True)]


def of_the_product(counts, calibration, margin=1.0):
    now, found = Wealth(), []
    for tally in tallies(counts):
        now = e_process.compare(now, tally, calibration, margin)
        found.append(e_process.log_evidence(now, starting_logs(calibration)))
    return np.array(found)


def tuned(phi, block, tempered=True):
    return hybrid.Tuning(np.array([phi]), np.array([block]), np.array([tempered]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("phi", "block", "margin", "share", "factor", "planned"),
    [
        (1.0, 1, 1.0, 0.02, 1.0, POLLS),
        (1.2, 1, 1.0, 0.001, 5.0, POLLS),
        (9.0, 1, 1.0, 0.02, 2.0, POLLS),
        (43.0, 10, 1.0, 0.02, 3.0, POLLS),
        (1.1, 20, 1.3, 0.05, 1.0, POLLS),
        (2.0, 4, 2.0, 0.01, 10.0, POLLS),
        (1.0, 2, 1.0, 0.02, 2.0, 40),  # goes on after the planned end
        (1.0, 2, 1.0, 0.0, 1.0, POLLS),  # nothing bad
    ],
)
def test_the_evidence_is_the_same_after_every_poll(seed, phi, block, margin, share, factor, planned):
    counts = polls(seed, share=share, factor=factor)
    theirs = hybrid.evidence(counts, tuned(phi, block), margin=margin, planned=planned)[0]
    ours = of_the_product(counts, Calibration(phi=phi, block=block, likelihood=True, planned=planned), margin)
    below = theirs < 1e50  # above, the benchmark cuts
    assert below.sum() > 3
    np.testing.assert_allclose(ours[below], np.log(theirs[below]), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("block", "likelihood"), [(0, True), (1, False)])
def test_what_one_half_may_not_have_is_the_others(seed, block, likelihood):
    counts, at = polls(seed, factor=2.0), tuned(1.5, block, likelihood)
    theirs = hybrid.evidence(counts, at)[0]
    ours = of_the_product(counts, Calibration(phi=1.5, block=block, likelihood=likelihood, planned=POLLS))
    np.testing.assert_allclose(ours, np.log(theirs), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("seed", range(3))
def test_where_the_dispersion_is_assumed_the_bets_have_more(seed):
    counts = polls(seed, factor=5.0)
    at = hybrid.Tuning(np.array([12.0]), np.array([1]), np.array([True]), np.array([True]))
    theirs = hybrid.evidence(counts, at)[0]
    ours = of_the_product(counts, Calibration(phi=12.0, assumed=True, block=1, likelihood=True, planned=POLLS))
    np.testing.assert_allclose(ours, np.log(theirs), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.03, 0.3, 0.9])
def test_events_that_are_not_rare_are_weighed_by_the_same_law(seed, share):
    counts, at = polls(seed, canary=20, stable=60, share=share, factor=1.1), tuned(1.4, 2)
    theirs = hybrid.mixed(hybrid.bets(counts, at.block), exact_ratios(counts, at), at)[0]
    ours = of_the_product(counts, Calibration(phi=1.4, block=2, likelihood=True, exact=True, planned=POLLS))
    np.testing.assert_allclose(ours, np.log(theirs), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("worse", [1.5, 2.0, 5.0])
def test_what_speaks_for_the_candidate_is_the_same(worse):
    counts, found, now = polls(7), [], ()
    for tally in tallies(counts):
        now = noninferiority.update(now, tally, Calibration(phi=1.3), worse, 0.0)
        found.append(exp(noninferiority.no_worse(now)))
    np.testing.assert_allclose(found, bench_proof.proof(counts, tuned(1.3, 1), worse)[0], rtol=CLOSE)


@pytest.mark.parametrize("clustered", [False, True])
def test_dispersion_and_block_of_the_same_history_are_the_same(clustered):
    rng = np.random.default_rng(3)
    served = rng.poisson(200, (1, 6, 720)) + 1
    bad = 4 * rng.poisson(0.2, served.shape) if clustered else rng.poisson(0.8, served.shape)
    history = History(30.0, *(tuple(tuple(int(one) for one in pod) for pod in counts[0]) for counts in (bad, served)))
    found = tuning.tune(Traces(bad, served))
    assert log(dispersion.dispersion(history)) == pytest.approx(log(found.phi[0]), abs=CLOSE)
    assert dispersion.block_seconds(history) == 30.0 * found.block[0]
    assert (found.phi[0] > 3) == clustered
