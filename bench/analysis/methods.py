"""Every method on the same traces."""

from bench.analysis import baselines, kayenta
from bench.analysis.arrays import Floats
from bench.analysis.baselines import first
from bench.analysis.figures import Ended, served
from bench.analysis.hybrid import Polls, Tuning, evidence
from bench.analysis.proof import proved
from bench.analysis.world import TICK, Traces

BETA = 0.05
WORSE = 2.0  # a promotion says: less than twice as bad
POLL = 3  # ticks
HYBRID = {0.01: "hybrid .01", 0.05: "hybrid .05"}
KAYENTA = ("kayenta 1 h", "kayenta 10 min")


def judged(traces: Traces, tuning: Tuning, *, with_kayenta: int) -> dict[str, Ended]:
    """How each method ended each repetition; Kayenta, which is slow, on the first so many."""
    polls = counts(traces)
    ended = _hybrid(traces, polls, tuning)
    canary = traces.canary
    others = {
        "argo 5m/95 %/3": baselines.argo(canary, 5, 0.95, 3),
        "argo 1m/99 %/0": baselines.argo(canary, 1, 0.99, 0),
        "flagger 1m/99 %/5": baselines.flagger(canary),
        "naive z": baselines.naive_z(polls),
    }
    ended |= {name: Ended(when, _failed(canary, when)) for name, when in others.items()}
    if with_kayenta:
        few = Traces(traces.bad[:with_kayenta], traces.all[:with_kayenta])
        points = kayenta.percent(few.canary), kayenta.percent(few.baseline)
        for name, rule in zip(KAYENTA, (kayenta.hourly, kayenta.growing), strict=True):
            when = rule(*points)
            ended[name] = Ended(when, _failed(few.canary, when))
    return ended


def counts(traces: Traces) -> Polls:
    """What a poll each half a minute sees."""
    canary, stable = traces.canary.per(POLL), traces.stable.per(POLL)
    return Polls(canary.bad, canary.all, stable.bad, stable.all)


def _hybrid(traces: Traces, polls: Polls, tuning: Tuning) -> dict[str, Ended]:
    minutes, found = POLL * TICK / 60, evidence(polls, tuning)
    whens = {name: first(found >= 1 / alpha, minutes) for alpha, name in HYBRID.items()}
    fit = minutes * proved(polls, tuning, WORSE, BETA, whens[HYBRID[min(HYBRID)]] / minutes)
    return {name: Ended(when, _failed(traces.canary, when), fit) for name, when in whens.items()}


def _failed(canary: Traces, when: Floats) -> Floats:
    return served(canary.bad, when, TICK)
