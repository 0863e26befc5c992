"""choose_metrics: what a release is judged by where nobody named a metric; `plan`, `doctor` and the release itself call it.

Metrics that discovery finds now; beside them those of the workload's last release that are not found at the moment; else those of the pods
that ran before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deliver.cluster.port import Cluster
from deliver.config.models import AnalysisModel
from deliver.discovery.discover import age_if_young, discover
from deliver.discovery.types import Ask, DiscoveredEntry, Discovery, nobody_to_ask
from deliver.discovery.workload import Workload, read_workload
from deliver.engine.runtime.record_store import Record
from deliver.formatting.durations import words
from deliver.metrics.scrape_delay import YOUNG_PODS
from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.model.spec import Analysis, EvidenceMetric, Metric, PluginSpec, ReleaseSpec
from deliver.plugins.interfaces import Finding
from deliver.plugins.types import WRITTEN

PODS_ALONE = "judged by its pods and health checks alone"
RULE = "judged-by"
UNSEEN_RULES = ("metrics-reachable", "metrics-match", "metrics-query")
"""Preflight rules whose findings say that a metric cannot be queried."""


@dataclass(frozen=True)
class MetricChoice:
    """The metrics of a release that names none, and how they were chosen."""

    provider: PluginSpec | None = None
    metrics: tuple[Metric, ...] = ()
    notes: tuple[str, ...] = ()  # lines for a person: how they were chosen
    last: str = ""  # id of the release that some of them are taken from
    wait: float = 0.0  # seconds that it is worth waiting, before anything is written, for the first samples of young pods
    why: str = ""  # that wait, in a sentence
    seeking: bool = False  # none was found: look again while the release runs
    rate: float | None = None  # requests a second; None = not known
    unseen: bool = False  # none of the metrics is found now, although the pods are old enough

    def over(self, analysis: Analysis) -> Analysis:
        return replace(analysis, provider=self.provider, metrics=self.metrics, seeking=self.seeking and not self.metrics)


def choose_metrics(
    cluster: Cluster,
    spec: ReleaseSpec,
    ask: Ask,
    now: float,
    *,
    provider: Mapping[str, Any] | None = None,
    last: Release | None = None,
    less: bool = False,
) -> MetricChoice:
    """provider: options of `prometheus`; None = look for it. now: unix seconds. last: see last_judged_release.

    less: the metrics that are found now are enough. Raises InputError, ClusterError.
    """
    workload = read_workload(cluster, spec.target, spec.container, spec.image)
    try:
        found = discover(cluster, workload, ask, provider, now=now)
    except InputError as error:
        if last is None:
            raise
        found = Discovery(provider, notes=(f"metrics: {error.what}",), there=True, answers=True)
    metrics = tuple(map(metric_of, found.metrics))
    again = () if last is None or (less and metrics) else tuple(_recorded_only(last, metrics))
    if not metrics and not again:
        return replace(_no_metrics(workload, found, now), provider=None if provider is None else PluginSpec("prometheus", provider))
    notes = (*_age_notes(workload, found, now), *found.notes, *_recorded_notes(again, last, age_if_young(workload, now)))
    named = found.provider if metrics else provider
    known = None if named is None else PluginSpec("prometheus", named)
    return MetricChoice(
        known or (last.spec.analysis.provider if last else None),
        (*metrics, *again),
        notes,
        last.id if last and again else "",
        rate=found.rate if metrics else None,
        unseen=not metrics and (not found.answers or age_if_young(workload, now) is None),
    )


def search_again(cluster: Cluster, release: Release, now: float) -> Analysis | None:
    """The analysis of a running release that had no metrics, once some are found; None until then. Never raises, never asks."""
    analysis = release.spec.analysis
    try:
        provider = dict(analysis.provider.options) if analysis.provider else None
        judged = choose_metrics(cluster, release.spec, nobody_to_ask, now, provider=provider)
    except Exception:  # the cluster and the provider are foreign; the next look may find it
        return None
    return judged.over(analysis) if judged.metrics else None


def last_judged_release(record: Record) -> Release | None:
    """The workload's newest release of pods, if metrics judged it; else None."""
    newest = [*([record.release] if record.release else []), *record.history]
    pods = [one for one in newest if one.plan.flag is None and not one.reverts]
    return pods[0] if pods and pods[0].spec.analysis.metrics and pods[0].spec.analysis.provider else None


def metric_of(found: DiscoveredEntry) -> Metric:
    """The metric, with `duty` off: as nobody named it, too little traffic for it holds nothing up."""
    (model,) = AnalysisModel.model_validate({"metrics": [dict(found.entry)]}, context=WRITTEN).metrics
    metric = model.spec()
    return replace(metric, duty=False) if isinstance(metric, EvidenceMetric) else metric


def refuse_recorded_metrics(findings: tuple[Finding, ...], judged: MetricChoice, deployment: str) -> tuple[Finding, ...]:
    """Findings on metrics that were taken from the last release and cannot be queried now: refused, with the options to go on."""
    if not judged.last:
        return findings
    hint = f"{judged.last} was judged by it. `--no-discover` releases {deployment} {PODS_ALONE}; --errors and --requests name other metrics"
    return tuple(
        Finding(one.rule, "refuse", one.message, f"{one.hint}; {hint}" if one.hint else hint)
        if one.rule in UNSEEN_RULES and one.level in ("input", "refuse")
        else one
        for one in findings
    )


def _recorded_only(last: Release, metrics: tuple[Metric, ...]) -> list[Metric]:
    """Metrics of the last release whose names are not found now."""
    names = {metric.name for metric in metrics}
    return [metric for metric in last.spec.analysis.metrics if metric.name not in names]


def _recorded_notes(again: tuple[Metric, ...], last: Release | None, age: float | None) -> tuple[str, ...]:
    if not again or last is None:
        return ()
    names, young = " and ".join(metric.name for metric in again), "" if age is None else f", the pods are {age:.0f} s old"
    return (f"{names}: taken as in {last.id}, the last release; not found now{young}",)


def _age_notes(workload: Workload, found: Discovery, now: float) -> tuple[str, ...]:
    age = age_if_young(workload, now)
    if not found.earlier or age is None:
        return ()
    young = f"the pods of {workload.target.deployment} are {age:.0f} s old and have no samples to go by yet"
    return (f"metrics: {young}; the pods before them had these:",)


def _no_metrics(workload: Workload, found: Discovery, now: float) -> MetricChoice:
    """No metrics: the pods may be too young, or Prometheus may be away."""
    age = age_if_young(workload, now)
    notes = found.notes[-1] if found.notes else "metrics: none"
    more = "; metrics are looked for while it runs" if found.there else ""
    wait = YOUNG_PODS - age if age is not None and found.answers else 0.0
    why = f"the pods of {workload.target.deployment} are {age:.0f} s old and Prometheus has no series of them yet" if wait else ""
    why += f": waiting up to {words(round(wait))} for their first samples, nothing is written meanwhile" if wait else ""
    return MetricChoice(notes=(f"{notes}; {PODS_ALONE}{more}",), wait=wait, why=why, seeking=found.there)
