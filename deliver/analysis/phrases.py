"""Evidence as a person says it: odds, a ratio with its interval, a share."""

from math import log

from deliver.analysis import ratio_interval, sequential_test
from deliver.analysis.leaning import Gross
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Tally, Track
from deliver.text import formats


def odds(log_evidence: float) -> str:
    return formats.odds(sequential_test.odds(log_evidence))


def percent(bad: int, total: int) -> str:
    return f"{100 * bad / total:.3g} %" if total else "no requests"


def facts(sum: Tally, deed: str) -> str:
    """`12 of 4210 requests bad (0.285 %), stable 40 of 38000 (0.105 %)`."""
    text = f"{sum.candidate_bad} of {sum.candidate_total} requests {deed} ({percent(sum.candidate_bad, sum.candidate_total)})"
    return f"{text}, stable {sum.stable_bad} of {sum.stable_total} ({percent(sum.stable_bad, sum.stable_total)})"


def harm(gross: Gross, deed: str) -> str:
    """What is said of harm that is not weighed."""
    if not gross.stable_total:
        against = "and there is nothing to compare with"
    else:
        against = f"stable {gross.stable_bad} of {gross.stable_total} ({percent(gross.stable_bad, gross.stable_total)})"
    return f"{gross.bad} of {gross.total} requests {deed} ({percent(gross.bad, gross.total)}), {against}: more than bad luck makes"


def bounds(track: Track, rules: Rules) -> tuple[float, float] | None:
    """The lowest and the highest ratio that the counts allow. None while they say nothing.

    None too where they leave open what the odds have settled: odds weigh when it began, and the interval takes everything together.
    """
    found = ratio_interval.interval(track.profile, rules.alpha)
    if found is None or (found[0] <= ratio_interval.GRID[0] and found[1] >= ratio_interval.GRID[-1]):
        return None
    settled = not rules.limit and sequential_test.against(track, rules) >= -log(rules.alpha)
    return None if settled and found[0] < rules.margin else found


def ratio(track: Track, rules: Rules) -> str:
    """`1.4 to 6.2 times stable`, "" where there is none to tell."""
    found = bounds(track, rules)
    return span(*found) if found else ""


def span(low: float, high: float) -> str:
    """The ends of the grid stand for whatever is beyond them."""
    if low <= ratio_interval.GRID[0]:
        return f"at most {high:.2g} times stable"
    return f"{low:.2g} times stable or more" if high >= ratio_interval.GRID[-1] else f"{low:.2g} to {high:.2g} times stable"


def claim(rules: Rules) -> str:
    """What the evidence is evidence for."""
    if rules.limit:
        return f"more than {100 * rules.limit:.3g} % are bad"
    return "it is worse than stable" if rules.margin == 1 else f"it is more than {rules.margin:.3g} times as bad as stable"


def proof(rules: Rules) -> str:
    """What has to be shown before everybody gets it."""
    if rules.limit:
        return f"less than {100 * rules.limit:.3g} % are bad"
    good = f"less than {100 * rules.acceptable:.3g} % are bad" if rules.acceptable else ""
    worse = f"it is not {rules.prove:.3g} times as bad as stable"
    return f"{worse}, or {good}" if good else worse
