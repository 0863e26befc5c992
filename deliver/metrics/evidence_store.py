"""The evidence of one release, over all its steps: each step has an examiner of its own, and they all write here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deliver.metrics.calibrate import Beginning
from deliver.metrics.scrape_delay import BELIEVED, Cadence, cadence
from deliver.model.evidence import MetricEvidence
from deliver.model.plan import Plan
from deliver.model.release import Release
from deliver.plugins.interfaces import Series

UNKNOWN = Cadence()


@dataclass
class Ledger:
    """measures: by metric, as a killed driver left them. unread: looks at which a metric's past could not be read.

    cadence: how often the pods are scraped, and how late the store has shown it at the quickest: what stops is not what is late.
    """

    beginning: Beginning = field(default_factory=Beginning)
    measures: dict[str, MetricEvidence] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    cadence: Cadence = UNKNOWN
    _youngest: float = BELIEVED
    _late: float = 0.0

    def timed(self, series: Sequence[Series], now: float) -> None:
        """After a look. now: the provider's clock. No later than the youngest sample was seen: what has stopped is not late."""
        found = cadence(series, now)
        if found.known:
            newest = max(row.points[-1][0] for row in series if row.points)
            self._youngest = min(self._youngest, max(now - newest, 0.0))
            self._late = max(self._late, found.delay)
            self.cadence = Cadence(found.interval, min(self._youngest, self._late))

    def note(self, measures: Mapping[str, MetricEvidence]) -> None:
        self.measures.update(measures)


def ledger_of(release: Release) -> Ledger:
    return Ledger(beginning_of(release, release.started), dict(release.measures))


def beginning_of(release: Release, started: float) -> Beginning:
    """started: unix seconds, 0 = it has not begun, so that all of the past counts."""
    analysis = release.spec.analysis
    return Beginning(
        started=started,
        seconds=sum(step.max_bake or step.bake for step in release.plan.steps),
        share=_share(release.plan),
        seed=release.id,
        history=analysis.history,
        poll=analysis.poll,
        alpha=analysis.alpha,
    )


def _share(plan: Plan) -> float:
    """Of the first step in which both sides have users, 0..1."""
    return next((step.endpoints / 100 for step in plan.steps if 0 < step.endpoints < 100), 0.5)
