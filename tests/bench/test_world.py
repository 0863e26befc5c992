"""The simulated world is as told: means, shares, who is hit together with whom."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis import cells, sources, tuning, world
from bench.analysis.cells import MODELS, Cell

CELL = Cell("iid", 0.01, 200, 0.1, 1.0)


def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_the_same_error_share_and_traffic_on_average(model):
    traces = world.rollout(rng(), replace(CELL, model=model), 60)
    expected = 0.01 * (1 + 19 / 20 if model == "common" else 1)  # three minutes of the hour at twenty times as many
    assert traces.bad.sum() / traces.all.sum() == pytest.approx(expected, rel=0.06)
    assert traces.all.sum() / 60 == pytest.approx(200 * 3600, rel=0.12 if model in {"diurnal", "ramp"} else 0.02)


@pytest.mark.parametrize("weight", [0.01, 0.1, 0.5])
def test_the_canary_gets_its_weight_and_the_baseline_as_much(weight):
    served = world.rollout(rng(), replace(CELL, weight=weight), 20).all.sum(axis=(0, 2))
    assert served[:2] / served.sum() == pytest.approx(weight, rel=0.02)


def test_the_ramp_takes_a_quarter_of_an_hour_for_each_weight():
    served = world.rollout(rng(), Cell("ramp", 0.01, 200, 0.0, 1.0), 20).all.sum(axis=0).reshape(3, 4, -1).sum(axis=2)
    assert served[0] / served.sum(axis=0) == pytest.approx(cells.RAMP, rel=0.05)


@pytest.mark.parametrize("model", MODELS)
def test_a_regression_is_the_candidates_alone_and_begins_when_it_is_said_to(model):
    traces = world.rollout(rng(), replace(CELL, model=model, factor=5.0, start=20.0), 80)
    share = traces.bad[..., 120:].sum(axis=(0, 2)) / traces.all[..., 120:].sum(axis=(0, 2))
    before = traces.bad[..., :120].sum(axis=(0, 2)) / traces.all[..., :120].sum(axis=(0, 2))
    assert share[0] / share[1:].mean() == pytest.approx(5, rel=0.15)
    assert before[0] / before[1:].mean() == pytest.approx(1, rel=0.25)


def test_an_incident_hits_all_arms_in_the_same_three_minutes():
    bad = world.rollout(rng(), Cell("common", 0.01, 2000, 0.1, 1.0), 30).bad
    peaks = [np.flatnonzero(arm > 5 * np.median(arm)) for one in bad for arm in one]
    assert all(len(peak) == 18 and peak[-1] - peak[0] == 17 for peak in peaks)
    assert all((peaks[i] == peaks[i + 1]).all() and (peaks[i] == peaks[i + 2]).all() for i in range(0, 90, 3))


@pytest.mark.parametrize(("model", "at_30_s", "at_1_h"), [("iid", 1, 1), ("cluster", 9, 9), ("sticky", 7, 39)])
def test_errors_come_as_unevenly_as_statistics_md_measured(model, at_30_s, at_1_h):
    past = world.history(rng(), Cell(model, 0.001, 200, 0.1, 1.0), 100)
    assert tuning.dispersion(past, 1).mean() == pytest.approx(at_30_s, rel=0.15)
    assert tuning.dispersion(past, 120).mean() == pytest.approx(at_1_h, rel=0.15)


def test_a_sticky_client_is_gone_after_three_minutes():
    mean = np.zeros((2000, 1, 60))
    mean[..., 20] = 0.5
    found = sources.errors(rng(), "sticky", mean, 10.0)
    assert found[..., 20:38].sum() == found.sum() > 100
    assert found[..., 20].any()
    assert found[..., 37].any()


def test_cells_that_cannot_be_are_left_out():
    there = cells.grid()
    assert Cell("iid", 0.01, 20, 0.1, 50.0) in there
    assert Cell("diurnal", 0.01, 20, 0.1, 50.0) in there
    assert Cell("iid", 0.05, 20, 0.1, 50.0) not in there  # 250 %
    assert Cell("common", 0.01, 20, 0.1, 10.0) not in there
    assert len(there) == len(set(there))


def test_the_same_seed_gives_the_same_traces():
    one, other = (world.rollout(rng(), replace(CELL, model="sticky"), 3) for _ in range(2))
    assert (one.bad == other.bad).all()
    assert (one.all == other.all).all()
