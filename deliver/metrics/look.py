"""One look at the store: what was asked, for whom, since when, and what is known of how late its samples are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from deliver.analysis.counts import Arm, Counts
from deliver.metrics.baseline import Past
from deliver.metrics.fetch import Fetch
from deliver.metrics.pod_roster import CANDIDATE
from deliver.metrics.scrape_delay import Cadence
from deliver.metrics.step_counts import Gathered

UNKNOWN = Cadence()


@dataclass(frozen=True)
class Look:
    """start, now: the provider's clock; offset: that less ours. stale: seconds. past: what the stable side was before its traffic left.

    alone: it has no users any more. ready: names of the pods of both arms that are ready. cadence: how often they are scraped and how
    late that shows, as the looks before have learnt it. warming: the step has a warm-up, and what it counted is nothing.
    """

    fetch: Fetch
    arms: Mapping[str, Arm]
    start: float
    now: float
    stale: float
    past: Past = field(default_factory=Past)
    offset: float = 0.0
    alone: bool = False
    ready: frozenset[str] = frozenset()
    cadence: Cadence = UNKNOWN
    warming: bool = False


class Times(TypedDict):
    """Fields of a CheckResult."""

    seen_to: float
    awaits: float


def told_by(look: Look, step: Gathered) -> Times:
    """How far the candidate's samples tell, and when the first that tell of this step can be there. Our clock."""
    watched = [at for pod, at in step.watched(look.arms[CANDIDATE]).items() if _there(pod, look) and at >= look.now - look.stale]
    until = min(watched) + look.cadence.interval if watched else look.start
    return {"seen_to": until - look.offset, "awaits": look.start + look.cadence.step - look.offset}


def unseen(look: Look, candidate: Counts, step: Gathered) -> str:
    """Why this step's samples of the candidate tell nothing, "" when they tell something."""
    if candidate.series and look.now - candidate.newest > look.stale:
        return f"the candidate's newest sample is {look.now - candidate.newest:.0f} s old, more than {look.stale:.0f} s"
    if step.watched(look.arms[CANDIDATE]):
        return ""
    waits = look.start + look.cadence.step - look.now
    if waits > 0:
        return f"the candidate's pods were not scraped twice since the step began: {rhythm(look.cadence)}; {waits:.0f} s at the least"
    if not candidate.series:
        return "no samples of the candidate's pods"
    return "the candidate's pods were not scraped twice since the step began"


def rhythm(cadence: Cadence) -> str:
    """`scraped every 30 s, shown 30 s late`."""
    late = f", shown {cadence.delay:.0f} s late" if cadence.delay >= 1 else ""
    return f"scraped every {cadence.interval:.3g} s{late}"


def _there(pod: str, look: Look) -> bool:
    """Of a flag's variants, which share the pods, a name has its arm behind a slash."""
    return not look.ready or pod.partition("/")[0] in look.ready
