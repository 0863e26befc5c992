"""Evidence in words: odds, counts, a ratio with its interval, what is claimed."""

from math import log

from deliver.analysis import ratio_interval, sequential_test
from deliver.analysis.leaning import GrossHarm
from deliver.analysis.sequential_test import Rules
from deliver.formatting import formats
from deliver.model.evidence import Tally, Track


def odds(log_evidence: float) -> str:
    """`412 : 1`, `1 : 3`, `over a billion : 1`."""
    return formats.odds(sequential_test.capped_odds(log_evidence))


def bad_word(slower_than: float = 0.0) -> str:
    """What is bad about the requests that count as bad. slower_than: seconds, 0 for requests that failed."""
    return f"slower than {slower_than:g} s" if slower_than else "bad"


def percent(bad: int, total: int) -> str:
    """`0.285 %`, or `no requests`."""
    return f"{100 * bad / total:.3g} %" if total else "no requests"


def counts_text(sum: Tally, bad: str) -> str:
    """`12 of 4210 requests bad (0.285 %), stable 40 of 38000 (0.105 %)`."""
    text = f"{sum.candidate_bad} of {sum.candidate_total} requests {bad} ({percent(sum.candidate_bad, sum.candidate_total)})"
    return f"{text}, stable {sum.stable_bad} of {sum.stable_total} ({percent(sum.stable_bad, sum.stable_total)})"


def beside_text(both: Tally, bad: str) -> str:
    """`22 of 1464 requests bad (1.5 %), stable 0 of 1511 (0 %) in the same time: hardly chance; it leans ...`"""
    return f"{counts_text(both, bad)} in the same time: hardly chance; it leans against the candidate and is not settled"


def harm_text(gross: GrossHarm, bad: str) -> str:
    """`60 of 200 requests bad (30 %), stable 1 of 800 (0.125 %): more than bad luck makes`"""
    if not gross.stable_total:
        against = "and there is nothing to compare with"
    else:
        against = f"stable {gross.stable_bad} of {gross.stable_total} ({percent(gross.stable_bad, gross.stable_total)})"
    return f"{gross.bad} of {gross.total} requests {bad} ({percent(gross.bad, gross.total)}), {against}: more than bad luck makes"


def ratio_bounds(track: Track, rules: Rules) -> tuple[float, float] | None:
    """(lowest, highest) ratio that the counts allow; None while they allow every ratio.

    None too where the evidence has settled that the candidate is worse and the interval has not: the evidence allows for a late
    beginning, the interval takes all requests together.
    """
    found = ratio_interval.interval(track.profile, rules.alpha)
    if found is None or (found[0] <= ratio_interval.GRID[0] and found[1] >= ratio_interval.GRID[-1]):
        return None
    settled = not rules.limit and sequential_test.log_evidence_against(track, rules) >= -log(rules.alpha)
    return None if settled and found[0] < rules.margin else found


def ratio_text(track: Track, rules: Rules) -> str:
    """`1.4 to 6.2 times stable`; "" where ratio_bounds gives none."""
    found = ratio_bounds(track, rules)
    return interval_text(*found) if found else ""


def interval_text(low: float, high: float) -> str:
    """The interval in words; an end of GRID stands for all ratios beyond it."""
    if low <= ratio_interval.GRID[0]:
        return f"at most {high:.2g} times stable"
    return f"{low:.2g} times stable or more" if high >= ratio_interval.GRID[-1] else f"{low:.2g} to {high:.2g} times stable"


def claim_text(rules: Rules) -> str:
    if rules.limit:
        return f"more than {100 * rules.limit:.3g} % are bad"
    return "it is worse than stable" if rules.margin == 1 else f"it is more than {rules.margin:.3g} times as bad as stable"
