"""What one look of the analysis hands to the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deliver.model.evidence import MetricEvidence
from deliver.model.observation import CutoverSeen
from deliver.model.verdict import CheckResult


@dataclass(frozen=True)
class AnalysisResult:
    """One look at the metrics, the health checks and the Services of a release.."""

    results: tuple[CheckResult, ...] = ()
    candidate_percent: float | None = None  # of all requests in the window, 0..100; None when unknown
    at: float = 0.0  # unix seconds: when the look began
    switch: CutoverSeen | None = None  # of a step that moves all users at once
    measures: Mapping[str, MetricEvidence] = field(default_factory=dict)  # by metric, of those that are judged by evidence


NOT_ANALYZED = AnalysisResult()
"""Nothing was looked at. The driver tells a new result from an old one by identity, so that there is one of it."""
