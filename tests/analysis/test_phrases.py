"""Evidence as a person reads it: facts with their shares, a ratio as far as it is known, what is claimed and what would prove it."""

from math import log

import pytest

from deliver.analysis import phrases, sequential_test
from deliver.analysis.ratio_interval import GRID
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Tally, Track

REFUTED = -1000.0
LAST = len(GRID) - 1


def test_facts_are_the_counts_of_both_sides_with_their_shares():
    assert phrases.counts_text(Tally(12, 4210, 40, 38_000), "bad") == "12 of 4210 requests bad (0.285 %), stable 40 of 38000 (0.105 %)"
    alone = phrases.counts_text(Tally(1, 4, 0, 0), "slower than 0.25 s")
    assert alone == "1 of 4 requests slower than 0.25 s (25 %), stable 0 of 0 (no requests)"


@pytest.mark.parametrize(
    ("lowest", "highest", "text"),
    [
        (3, 9, f"{GRID[3]:.2g} to {GRID[9]:.2g} times stable"),
        (1, LAST - 1, f"{GRID[1]:.2g} to {GRID[-2]:.2g} times stable"),
        (0, 9, f"at most {GRID[9]:.2g} times stable"),
        (3, LAST, f"{GRID[3]:.2g} times stable or more"),
        (0, LAST, ""),
    ],
)
def test_a_ratio_is_said_between_its_ends_and_an_end_of_the_grid_is_none(lowest: int, highest: int, text: str):
    profile = tuple(-1.0 if lowest <= at <= highest else REFUTED for at in range(len(GRID)))
    assert phrases.ratio_text(Track(profile=profile), Rules()) == text


@pytest.mark.parametrize(
    ("rules", "claim"),
    [
        (Rules(), "it is worse than stable"),
        (Rules(margin=1.2), "it is more than 1.2 times as bad as stable"),
        (Rules(limit=0.005), "more than 0.5 % are bad"),
    ],
)
def test_what_is_claimed(rules: Rules, claim: str):
    assert phrases.claim_text(rules) == claim


@pytest.mark.parametrize(
    ("odds", "text"), [(999.0, "999 : 1"), (1000.4, "1,000 : 1"), (0.5, "1 : 2"), (1e-12, "1 : 1e+09"), (9.9e8, "990,000,000 : 1")]
)
def test_odds_are_said_from_one_in_a_billion_to_a_billion(odds: float, text: str):
    assert phrases.odds(log(odds)) == text


def test_evidence_is_cut_at_a_billion():
    assert sequential_test.capped_odds(5000.0) == pytest.approx(1e9, rel=1e-12)
    assert sequential_test.capped_odds(0.0) == 1.0


@pytest.mark.parametrize(("odds", "text"), [(19.0, f"{GRID[10]:.2g} times stable or more"), (21.0, "")])
def test_an_interval_that_leaves_open_what_the_odds_have_settled_is_not_told(monkeypatch: pytest.MonkeyPatch, odds: float, text: str):
    """Seen on the lab: `114 : 1 that it is more than 1.2 times as bad as stable (0.52 times stable or more)`."""
    monkeypatch.setattr(sequential_test, "log_evidence_against", lambda track, rules: log(odds))
    profile = tuple(-1.0 if at >= 10 else REFUTED for at in range(len(GRID)))
    assert GRID[10] < 1.2
    assert phrases.ratio_text(Track(profile=profile), Rules(margin=1.2, alpha=0.05)) == text
