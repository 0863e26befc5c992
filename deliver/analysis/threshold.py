"""Metrics with fixed limits: is the fraction of bad requests, or the number of a free query, within them?"""

import math
from dataclasses import dataclass, replace

from deliver.analysis import phrases
from deliver.analysis.counts import Counts
from deliver.analysis.leaning import clearly_worse
from deliver.model.evidence import Tally
from deliver.model.series import Answer
from deliver.model.spec import LatencyMetric, QueryMetric, RatioMetric
from deliver.model.verdict import Verdict

# One unlucky request never takes a release back.
FEWEST_BAD = 2


@dataclass(frozen=True)
class BreachStreak:
    """State of one metric between looks."""

    breaches: int = 0  # looks in a row with new samples over the limit
    newest: float = 0.0  # unix seconds of the newest sample that was judged


@dataclass(frozen=True)
class Judgement:
    """What a metric with a fixed limit comes to in one look."""

    verdict: Verdict
    why: str
    streak: BreachStreak
    value: float | None = None  # the candidate's fraction of bad requests, 0..1, or the number of a free query; None when unknown
    stable: float | None = None  # the same of the stable side
    leans: bool = False  # BLIND because the fraction is above the limit and that is not settled


Counted = RatioMetric | LatencyMetric


def judge_counts(
    metric: Counted,
    candidate: Counts,
    stable: Counts,
    streak: BreachStreak,
    step: Tally | None = None,
    *,
    now: float,
    stale: float,
    unseen: str = "",
) -> Judgement:
    """candidate, stable: counts in the window. step: counts from samples since the step began, which a PASS needs too; None = the same.

    now: unix seconds by the provider's clock. stale: seconds after which the newest sample is too old. unseen: why there is no PASS yet.
    """
    step = Tally(candidate.bad, candidate.total, stable.bad, stable.total) if step is None else step
    blind = _missing_data_reason(metric, candidate, now, stale)
    stable_share = stable.bad_fraction if stable.total else None
    if blind:
        # Nothing was learnt: a streak neither grows nor ends, so that a gap in the scrapes does not save a bad release.
        value = candidate.bad_fraction if candidate.total and not candidate.unmatched else None
        leans = value is not None and value > metric.max
        why = f"{blind}; {_counts_text(metric, candidate)}" if leans else blind
        return Judgement(Verdict.BLIND, why, streak, value, None if stable.unmatched else stable_share, leans)
    breach = _breaches(metric, candidate)
    new = candidate.newest > streak.newest
    if breach:
        streak = BreachStreak(streak.breaches + new, max(candidate.newest, streak.newest))
    elif new:
        streak = BreachStreak(0, candidate.newest)
    both = (candidate.bad, candidate.total), (step.candidate_bad, step.candidate_total)
    apart = stable.total > 0 and any(clearly_worse(one, (stable.bad, stable.total)) for one in both if one[1])
    verdict, why = _verdict(metric, candidate, stable, streak, breach=breach, apart=apart)
    if verdict is Verdict.PASS and (above := _above(metric, candidate, step)):
        return Judgement(Verdict.BLIND, above, streak, candidate.bad_fraction, stable_share, leans=True)
    if verdict is Verdict.PASS and (early := unseen or _few(metric, step.candidate_total, " in this step")):
        return Judgement(Verdict.BLIND, early, streak, candidate.bad_fraction, stable_share)
    leans = verdict is Verdict.BLIND and breach and streak.breaches < metric.consecutive
    return Judgement(verdict, why, streak, candidate.bad_fraction, stable_share, leans)


def _above(metric: Counted, candidate: Counts, step: Tally) -> str:
    """What is above the limit although the metric does not fail: one bad request, or requests that have left the window; else ""."""
    if candidate.bad_fraction > metric.max:
        return f"{_counts_text(metric, candidate)}; a single bad request settles nothing"
    whole = Counts(bad=step.candidate_bad, total=step.candidate_total)
    return f"in all of this step {_counts_text(metric, whole)}" if whole.bad_fraction > metric.max else ""


def _counts_text(metric: Counted, counts: Counts) -> str:
    bad = phrases.bad_word(metric.bound if isinstance(metric, LatencyMetric) else 0.0)
    return f"{counts.bad} of {counts.total} requests {bad} ({_percent(counts.bad_fraction)}), limit {_percent(metric.max)}"


def _verdict(metric: Counted, candidate: Counts, stable: Counts, streak: BreachStreak, *, breach: bool, apart: bool) -> tuple[Verdict, str]:
    facts = _counts_text(metric, candidate)
    if not breach:
        return Verdict.PASS, facts
    if metric.compare and _breaches(metric, stable) and not apart:
        sides = f"candidate {_percent(candidate.bad_fraction)}, stable {_percent(stable.bad_fraction)}"
        both = f"both sides breach: {sides}, limit {_percent(metric.max)}"
        return Verdict.BLIND, f"{both}; this looks like the environment's problem"
    if streak.breaches < metric.consecutive:
        return Verdict.BLIND, f"{facts}; breach {streak.breaches} of {metric.consecutive} in a row"
    if metric.compare and stable.total < metric.min_samples:
        return Verdict.FAIL, f"{facts}; the stable side has too few requests to compare ({stable.total})"
    return Verdict.FAIL, facts + (f", stable {_percent(stable.bad_fraction)}" if metric.compare else "")


def _missing_data_reason(metric: Counted, candidate: Counts, now: float, stale: float) -> str:
    """Why the candidate cannot be judged, "" when it can."""
    if not candidate.series:
        return "no samples of the candidate's pods"
    if now - candidate.newest > stale:
        return f"the candidate's newest sample is {now - candidate.newest:.0f} s old, more than {stale:.0f} s"
    if candidate.unmatched and isinstance(metric, LatencyMetric):
        return f"the histogram has no bucket le={metric.bound:g}"
    return _few(metric, candidate.total)


def _few(metric: Counted, requests: int, where: str = "") -> str:
    needed = max(metric.min_samples, 1)
    return f"{requests} candidate requests{where} so far, {needed} needed" if requests < needed else ""


def _breaches(metric: Counted, counts: Counts) -> bool:
    enough = counts.total >= max(metric.min_samples, 1) and counts.bad >= FEWEST_BAD
    return enough and counts.bad / counts.total > metric.max


def judge_query(metric: QueryMetric, answer: Answer, streak: BreachStreak, *, now: float) -> Judgement:
    """Exactly one finite number, or BLIND with the reason."""
    value, blind = single_value(answer)
    if value is None:
        return Judgement(Verdict.BLIND, blind, streak)
    over = metric.max is not None and value > metric.max
    under = metric.min is not None and value < metric.min
    if not (over or under):
        return Judgement(Verdict.PASS, f"{value:g} is within {_range(metric)}", replace(streak, breaches=0, newest=now), value)
    streak = BreachStreak(streak.breaches + (now > streak.newest), max(now, streak.newest))
    why = f"{value:g} is outside {_range(metric)}"
    if streak.breaches < metric.consecutive:
        return Judgement(Verdict.BLIND, f"{why}; breach {streak.breaches} of {metric.consecutive} in a row", streak, value)
    return Judgement(Verdict.FAIL, why, streak, value)


def single_value(answer: Answer) -> tuple[float | None, str]:
    """The answer's one number, or None and why there is none."""
    if answer.warnings:
        return None, f"the answer is partial: {answer.warnings[0]}"
    if not answer.series or not answer.series[0].points:
        return None, "the query gives no value"
    if len(answer.series) > 1:
        return None, f"the query gives {len(answer.series)} series, one is wanted"
    value = answer.series[0].points[-1][1]
    if not math.isfinite(value):
        return None, f"the query gives {value}, not a number that can be judged"
    return value, ""


def _range(metric: QueryMetric) -> str:
    bounds = [f"min {metric.min:g}"] if metric.min is not None else []
    return ", ".join(bounds + ([f"max {metric.max:g}"] if metric.max is not None else []))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"
