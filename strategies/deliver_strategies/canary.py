"""Canary: a second Deployment takes a growing share of the traffic beside the full stable side, then all of it."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from pydantic import BaseModel, Field

from deliver.model.errors import InputError
from deliver.model.plan import Plan, Side, Step
from deliver.model.spec import Facts
from deliver.plugins.types import Percent
from deliver_strategies import pods
from deliver_strategies.weights import WeightOptions, WeightStep

MORE = 10  # pods that a release may run beside those of now, where nobody said how many

SURGE = "temporary stable pods that may be added to come closer to a weight; 0: none"
SURGE_DEFAULT = "[default: what a weight needs that the live pods cannot give, with up to 10 more pods than now]"


class CanaryOptions(WeightOptions):
    """Options of the canary strategy."""

    surge: int | None = Field(default=None, ge=0, le=1000, description=f"{SURGE} {SURGE_DEFAULT}")
    max_overshoot: Percent = Field(default=15.0, description="points by which a real share may exceed the wanted one")


class Canary:
    """The strategy `canary`: pods of both sides for each weight; the stable side stays full until the last step."""

    name: ClassVar[str] = "canary"
    summary: ClassVar[str] = "Shift traffic step by step to a candidate beside the full stable side"
    Options: ClassVar[type[BaseModel]] = CanaryOptions

    def plan(self, options: CanaryOptions, facts: Facts) -> Plan:
        wanted = options.wanted()
        if facts.weights:
            return Plan(self.name, tuple(by_requests(step, facts) for step in wanted))
        weights = [step.weight for step in wanted if step.weight < 100]
        counts = pod_counts(weights, options, facts)
        stable = counts[-1][1] if counts else facts.stable_pods
        steps = [by_pods(step, pair) for step, pair in zip(wanted[:-1], counts, strict=True)]
        everybody = wanted[-1]
        full = stable if facts.autoscaled else facts.stable_pods  # what an autoscaler wants by then is not known: its floor is ours
        steps.append(Step("100 %", 100.0, Side.CANDIDATE, full, stable, approval=everybody.approval, **everybody.times()))
        return Plan(self.name, tuple(steps), notes=(*surge_notes(stable, steps, options, facts), *share_notes(steps)))


def by_requests(wanted: WeightStep, facts: Facts) -> Step:
    """The router moves requests, whatever the number of pods."""
    name, full = f"{wanted.weight:g} %", facts.stable_pods
    if wanted.weight == 100:
        return Step(name, 100.0, Side.CANDIDATE, full, full, approval=wanted.approval, **wanted.times())
    ready = max(1, math.ceil(full * wanted.weight / 100.0))
    return Step(name, wanted.weight, Side.BOTH, ready, full, approval=wanted.approval, by_weight=True, **wanted.times())


def by_pods(wanted: WeightStep, pair: pods.Pair) -> Step:
    candidate, stable = pair
    return Step(f"{wanted.weight:g} %", wanted.weight, Side.BOTH, candidate, stable, approval=wanted.approval, **wanted.times())


def pod_counts(weights: Sequence[float], options: CanaryOptions, facts: Facts) -> list[pods.Pair]:
    """Of both sides for each weight. Raises InputError, with what can be had, when a weight cannot."""
    live = facts.stable_pods
    found = pods.rising(weights, live, largest(live + (options.surge or 0), facts))
    if pods.fits(weights, found, options.max_overshoot):
        return found
    surged = within_reach(weights, options, facts) if options.surge is None else None
    if surged is None:
        raise too_coarse(weights, found, options, facts)
    return surged


def within_reach(weights: Sequence[float], options: CanaryOptions, facts: Facts) -> list[pods.Pair] | None:
    """With as many temporary stable pods as bring the shares nearest, and no more pods in all than a release adds unasked."""
    live, more = facts.stable_pods, MORE if facts.room is None else min(MORE, facts.room)
    most = largest(live + more, facts)
    if facts.autoscaled:  # then the candidate, too, is of that size in the end
        most = min(most, (live + more) // 2)
    return pods.nearest(weights, live, range(live + 1, most + 1), options.max_overshoot, live + more)


def largest(stable: int, facts: Facts) -> int:
    """No autoscaler lets the stable side be larger than its own maximum."""
    return max(facts.stable_pods, min(stable, facts.most_pods)) if facts.most_pods else stable


def surge_notes(stable: int, steps: Sequence[Step], options: CanaryOptions, facts: Facts) -> list[str]:
    """The cost of coming closer to the weights."""
    added = stable - facts.stable_pods
    if not added:
        return []
    most = max(step.candidate_pods + step.stable_pods for step in steps) - facts.stable_pods
    by = f", by the autoscaler's minReplicas {stable}" if facts.autoscaled else ""
    none = "; --surge 0 adds none" if options.surge is None else ""
    return [f"{counted(added, 'temporary stable pod')} for these weights{by}: up to {counted(most, 'pod')} more than now{none}"]


def share_notes(steps: Sequence[Step]) -> list[str]:
    found = []
    for step in steps:
        candidate, both = step.candidate_pods, step.candidate_pods + step.stable_pods
        if step.side is Side.BOTH and abs(step.endpoints - step.weight) >= 0.5:
            found.append(f"weight {step.weight:g} becomes {step.endpoints:.1f} %: {candidate} of {both} pods")
    return found


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def too_coarse(weights: Sequence[float], found: Sequence[pods.Pair], options: CanaryOptions, facts: Facts) -> InputError:
    """Says what the pods give instead. Each way out was tried: it gets a plan."""
    over = options.max_overshoot
    weight, real = next((one, pods.share(*pair)) for one, pair in zip(weights, found, strict=True) if pods.share(*pair) - one > over)
    ways = [f"`--weight {','.join(f'{one:g}' for one in can)}`"] if (can := reachable(weights, options, facts)) else []
    ways += [f"`--surge {more}` (temporary stable pods)"] if (more := enough(weights, options, facts)) else []
    limits = [f"the autoscaler allows {counted(facts.most_pods, 'pod')}"] if facts.most_pods else []
    limits += [f"the namespace's quota has room for {counted(facts.room, 'more pod')}"] if facts.room is not None else []
    return InputError(
        f"weight {weight:g} cannot be had with {counted(facts.stable_pods, 'stable pod')}: it would be {real:.0f} %",
        why="; ".join(
            [f"traffic follows pods on a plain Service, and that is more than {over:g} points above it (`max_overshoot`)", *limits]
        ),
        hint=" or ".join(ways) or "take all users at once with `deliver blue-green`",
    )


def reachable(weights: Sequence[float], options: CanaryOptions, facts: Facts) -> list[float]:
    """The real shares nearest to these weights, where they rise: as weights they are exact."""
    pairs = pods.rising(weights, facts.stable_pods, largest(facts.stable_pods + (options.surge or 0), facts))
    shares = sorted({round(pods.share(*pair), 1) for pair in pairs} - {100.0})
    again = pods.rising(shares, facts.stable_pods, largest(facts.stable_pods + (options.surge or 0), facts))
    return shares if all(low < high for low, high in pairwise(shares)) and pods.fits(shares, again, options.max_overshoot) else []


def enough(weights: Sequence[float], options: CanaryOptions, facts: Facts) -> int:
    """The fewest temporary stable pods with which these weights can be had, and for which there is room; 0: none do."""
    live = facts.stable_pods
    for surge in range((options.surge or 0) + 1, MORE * 10 + 1):
        pairs = pods.rising(weights, live, live + surge)
        if largest(live + surge, facts) < live + surge:
            return 0
        if facts.room is not None and max(map(sum, pairs)) - live > facts.room:
            return 0
        if pods.fits(weights, pairs, options.max_overshoot):
            return surge
    return 0
