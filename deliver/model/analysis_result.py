"""What the analysis compares, and what one look of it hands to the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deliver.model.evidence import MetricEvidence
from deliver.model.observation import CutoverSeen, PodSeen
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

ComparedPods = tuple[tuple[PodSeen, ...], tuple[PodSeen, ...]]  # of the version that stands, and of the one that is judged


@dataclass(frozen=True)
class Comparison:
    """How the samples of the two arms are told apart: by their pods; where both are the same pods, by a label of the series."""

    by_pods: bool = True
    past_until: float = 0.0  # unix seconds where the past ends that the release has not touched; 0: it goes on, on pods of its own
    variant: str = ""  # label that tells the arms' series apart, "" for none
    treatment: str = ""  # value of that label for users who have the treatment


BY_PODS = Comparison()
