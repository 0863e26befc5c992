"""EvidenceStore: what is known of a release over all its steps. Each step has an analyzer of its own; all of them write here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deliver.metrics.calibrate import CalibrationInputs
from deliver.metrics.scrape_delay import MAX_DELAY, UNKNOWN_CADENCE, Cadence, cadence
from deliver.model.evidence import MetricEvidence
from deliver.model.release import Release
from deliver.plugins.interfaces import Series


@dataclass
class EvidenceStore:
    """The state of each metric that is judged by evidence, and the rhythm of the scrapes."""

    inputs: CalibrationInputs = field(default_factory=CalibrationInputs)
    measures: dict[str, MetricEvidence] = field(default_factory=dict)  # by metric; at first as the record of a dead driver has them
    unread: dict[str, int] = field(default_factory=dict)  # by metric: looks in which its history could not be read
    cadence: Cadence = UNKNOWN_CADENCE  # its delay is the smallest that was seen: a scrape that has stopped is not a late one
    _youngest: float = MAX_DELAY
    _late: float = 0.0

    def learn_cadence(self, series: Sequence[Series], now: float) -> None:
        """Learn the cadence from the raw samples of a look. now: unix seconds by the provider's clock."""
        found = cadence(series, now)
        if found.known:
            newest = max(row.points[-1][0] for row in series if row.points)
            self._youngest = min(self._youngest, max(now - newest, 0.0))
            self._late = max(self._late, found.delay)
            self.cadence = Cadence(found.interval, min(self._youngest, self._late))

    def note(self, measures: Mapping[str, MetricEvidence]) -> None:
        self.measures.update(measures)


def evidence_store_of(release: Release) -> EvidenceStore:
    """A new store that goes on from the release's record."""
    return EvidenceStore(calibration_inputs_of(release, release.started), dict(release.measures))


def calibration_inputs_of(release: Release, started: float) -> CalibrationInputs:
    """started: unix seconds; 0 = the release has not begun, so that all of the history counts."""
    analysis = release.spec.analysis
    return CalibrationInputs(
        started=started,
        seconds=sum(step.max_bake or step.bake for step in release.plan.steps),
        fraction=next((step.endpoints / 100 for step in release.plan.steps if 0 < step.endpoints < 100), 0.5),
        seed=release.id,
        history=analysis.history,
        poll=analysis.poll,
        alpha=analysis.alpha,
    )
