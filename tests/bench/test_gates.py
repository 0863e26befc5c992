"""How figures are made, and when a gate is missed."""

import csv

import numpy as np
import pytest

from bench.analysis import plot, report
from bench.analysis.__main__ import main
from bench.analysis.cells import Cell, reference
from bench.analysis.figures import Ended, figure, served
from bench.analysis.gates import bound, fewer, gates
from bench.analysis.run import Plan

NULL = Cell("iid", 0.001, 200, 0.1, 1.0)
KNOWN = Cell("iid", 0.001, 200, 0.1, 5.0)  # 2.5 minutes in statistics.md


def ended(*when, failed=10.0, proved=None):
    times = np.array(when, np.float64)
    return Ended(times, np.full(len(times), failed), None if proved is None else np.array(proved, np.float64))


def made(cell, method, *when, failed=10.0):
    return figure(cell, method, ended(*when, failed=failed), null=cell.null, worse=cell.factor >= 2)


def missed(*figures):
    return [row.what for row in gates(list(figures)) if row.ok is False]


def test_minutes_are_censored_at_the_hour():
    one = made(KNOWN, "hybrid .01", 10, np.inf)
    assert (one.minutes, one.missed, one.false_rollback) == (35, 0.5, None)


def test_a_release_that_is_neither_taken_back_nor_proved_is_inconclusive():
    one = figure(KNOWN, "hybrid .01", ended(5, 5, np.inf, np.inf, proved=[1, 9, 1, np.inf]), null=False, worse=True)
    assert (one.inconclusive, one.wrong_promotion) == (0.25, 0.5)


def test_failed_requests_count_until_the_rollback_or_the_end():
    assert served(np.ones((3, 360), np.int64), np.array([0.5, 10, np.inf]), 10.0).tolist() == [3, 60, 360]


def test_false_rollbacks_may_be_alpha_and_three_standard_errors():
    allowed = int(bound(0.01, 1000) * 1000)
    assert allowed == 19
    assert not missed(made(NULL, "hybrid .01", *[5] * allowed, *[np.inf] * (1000 - allowed)))
    assert missed(made(NULL, "hybrid .01", *[5] * (allowed + 1), *[np.inf] * (999 - allowed)))


def test_others_may_be_as_false_as_they_like():
    assert not missed(made(NULL, "naive z", *[5] * 100))


@pytest.mark.parametrize(("minutes", "late"), [(2.5, False), (2.7, False), (2.8, True)])
def test_a_delay_may_be_a_tenth_longer_than_statistics_md_has_it(minutes, late):
    assert bool(missed(made(KNOWN, "hybrid .01", minutes))) == late


def test_failed_requests_are_compared_by_the_geometric_mean_over_the_cells():
    cells = [cell for cell in reference() if cell.model == "iid" and not cell.start][:2]
    rows = [made(cell, "hybrid .01", 0.5, failed=10) for cell in cells]
    rows += [made(cell, "flagger 1m/99 %/5", 6, failed=10 * times) for cell, times in zip(cells, (2, 8), strict=True)]
    assert fewer(rows, "flagger 1m/99 %/5") == (pytest.approx(4), 2)
    assert len(cells) == 2
    rows[-1] = made(cells[-1], "flagger 1m/99 %/5", 6, failed=50)
    assert missed(*rows) == ["failed requests served, hybrid .01 against flagger 1m/99 %/5"]


def test_the_reference_has_the_cells_of_the_table():
    known = reference()
    assert len(known) == 28
    assert len([cell for cell in known if cell.model == "iid" and not cell.start]) == 20
    assert all(cell.possible and not cell.null for cell in known)


def test_the_cells_that_a_gate_looks_at_get_most_repetitions():
    plan = Plan(reps=600)
    assert [plan.of(cell) for cell in (NULL, KNOWN, Cell("iid", 0.001, 200, 0.05, 5.0))] == [600, 1000, 60]
    assert set(reference()) <= set(plan.chosen())


def test_the_page_and_the_table_hold_every_figure(tmp_path):
    rows = [made(NULL, "hybrid .01", 5, np.inf), made(KNOWN, "hybrid .01", 2), made(Cell("sticky", 0.01, 2, 0.05, 2.0), "naive z", 7)]
    report.write_csv(tmp_path / "a.csv", rows)
    with (tmp_path / "a.csv").open() as lines:
        found = list(csv.DictReader(lines))
    assert [(row["world"], row["method"], row["false_rollback"]) for row in found] == [
        ("iid", "hybrid .01", "0.5"),
        ("iid", "hybrid .01", ""),
        ("sticky", "naive z", ""),
    ]
    page = report.page(rows, gates(rows))
    assert "MISSED" in page  # one of two healthy ones was taken back
    assert "iid, 200 rps, 0.1 %, weight 10%, x5 | 1 | 2.0/10" in page
    assert "sticky | x2 | naive z" in page


@pytest.mark.parametrize("cells", [[NULL], [KNOWN], [NULL, KNOWN]])
def test_the_picture_is_drawn_of_whatever_was_measured_and_is_the_same_each_time(tmp_path, cells):
    for name in ("a.svg", "b.svg"):
        plot.draw(tmp_path / name, [made(cell, "hybrid .01", 3) for cell in cells])
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--cells", "some"])
    assert exit_.value.code == 2
