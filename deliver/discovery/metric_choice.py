"""What a release is judged by where nobody named a metric: the one answer that `plan`, `doctor` and a release give.

What discovery finds now; beside it what the workload's last release was judged by and is not found now; else what its pods of before
had. A moment's absence decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deliver.cluster.port import Cluster
from deliver.config.models import AnalysisModel
from deliver.discovery.discover import discover, youngest
from deliver.discovery.series_queries import YOUNG
from deliver.discovery.types import Ask, Chosen, Discovered, Question
from deliver.discovery.workload import Workload, look
from deliver.engine.runtime.record_store import Record
from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.model.spec import Analysis, EvidenceMetric, Metric, PluginSpec, ReleaseSpec
from deliver.plugins.interfaces import Finding
from deliver.plugins.types import WRITTEN
from deliver.text.durations import words

ALONE = "judged by its pods and health checks alone"
RULE = "judged-by"
UNSEEN = ("metrics-reachable", "metrics-match", "metrics-query")
"""Rules of the preflight by which a metric cannot be had."""


@dataclass(frozen=True)
class JudgedBy:
    """metrics: () where there are none. told: in lines, how they were chosen. last: the release that some of them are taken from, "".

    wait: seconds that the first samples of young pods are worth waiting for before anything is written; why: that, in a sentence.
    seeking: none was found, and it is worth looking for them while the release runs. rate: requests a second, None = not known.
    unseen: none of them is seen now, and the pods are old enough.
    """

    provider: PluginSpec | None = None
    metrics: tuple[Metric, ...] = ()
    told: tuple[str, ...] = ()
    last: str = ""
    wait: float = 0.0
    why: str = ""
    seeking: bool = False
    rate: float | None = None
    unseen: bool = False

    def over(self, analysis: Analysis) -> Analysis:
        return replace(analysis, provider=self.provider, metrics=self.metrics, seeking=self.seeking and not self.metrics)


def judged_by(
    cluster: Cluster,
    spec: ReleaseSpec,
    ask: Ask,
    now: float,
    *,
    provider: Mapping[str, Any] | None = None,
    last: Release | None = None,
    less: bool = False,
) -> JudgedBy:
    """spec: with its namespace. provider: options of `prometheus`, None to look for it. now: unix seconds. last: see last_judged.

    less: somebody said that what is found now will do. Raises InputError, ClusterError.
    """
    workload = look(cluster, spec.target, spec.container)
    try:
        found = discover(cluster, workload, ask, provider, now=now)
    except InputError as error:
        if last is None:
            raise
        found = Discovered(provider, told=(f"metrics: {error.what}",), there=True, answers=True)
    metrics = tuple(map(chosen, found.metrics))
    again = () if last is None or (less and metrics) else tuple(_missing(last, metrics))
    if not metrics and not again:
        return replace(_nothing(workload, found, now), provider=None if provider is None else PluginSpec("prometheus", provider))
    told = (*_age(workload, found, now), *found.told, *_again(again, last, youngest(workload, now)))
    named = found.provider if metrics else provider
    known = None if named is None else PluginSpec("prometheus", named)
    return JudgedBy(
        known or (last.spec.analysis.provider if last else None),
        (*metrics, *again),
        told,
        last.id if last and again else "",
        rate=found.rate if metrics else None,
        unseen=not metrics and (not found.answers or youngest(workload, now) is None),
    )


def sought(cluster: Cluster, release: Release, now: float) -> Analysis | None:
    """Once more while a release runs, None where there is still nothing. Nobody can be asked then, and nothing may end it: never raises."""
    analysis = release.spec.analysis
    try:
        provider = dict(analysis.provider.options) if analysis.provider else None
        judged = judged_by(cluster, release.spec, _unasked, now, provider=provider)
    except Exception:  # the cluster and the provider are foreign; the next look may find it
        return None
    return judged.over(analysis) if judged.metrics else None


def last_judged(record: Record) -> Release | None:
    """The workload's newest release, where it was one of pods that metrics judged; None where it was not."""
    newest = [*([record.release] if record.release else []), *record.history]
    pods = [one for one in newest if one.plan.flag is None and not one.reverts]
    return pods[0] if pods and pods[0].spec.analysis.metrics and pods[0].spec.analysis.provider else None


def chosen(found: Chosen) -> Metric:
    """Nobody named it: too little traffic to judge by it holds nothing up, and what it shows counts all the same."""
    (model,) = AnalysisModel.model_validate({"metrics": [dict(found.entry)]}, context=WRITTEN).metrics
    metric = model.spec()
    return replace(metric, duty=False) if isinstance(metric, EvidenceMetric) else metric


def reworded(findings: tuple[Finding, ...], judged: JudgedBy, deployment: str) -> tuple[Finding, ...]:
    """What the last release was judged by and cannot be had now is nobody's slip of the pen: it is refused, with what to say to go on."""
    if not judged.last:
        return findings
    hint = f"{judged.last} was judged by it. `--no-discover` releases {deployment} {ALONE}; --errors and --requests name other metrics"
    return tuple(
        Finding(one.rule, "refuse", one.message, f"{one.hint}; {hint}" if one.hint else hint)
        if one.rule in UNSEEN and one.level in ("input", "refuse")
        else one
        for one in findings
    )


def _unasked(question: Question) -> Any:
    raise InputError(f"not clear: {question.what}")


def _missing(last: Release, metrics: tuple[Metric, ...]) -> list[Metric]:
    """What is found anew goes before what was recorded under the same name."""
    names = {metric.name for metric in metrics}
    return [metric for metric in last.spec.analysis.metrics if metric.name not in names]


def _again(again: tuple[Metric, ...], last: Release | None, age: float | None) -> tuple[str, ...]:
    if not again or last is None:
        return ()
    names, young = " and ".join(metric.name for metric in again), "" if age is None else f", the pods are {age:.0f} s old"
    return (f"{names}: taken as in {last.id}, the last release; not found now{young}",)


def _age(workload: Workload, found: Discovered, now: float) -> tuple[str, ...]:
    age = youngest(workload, now)
    if not found.earlier or age is None:
        return ()
    young = f"the pods of {workload.target.deployment} are {age:.0f} s old and have no samples to go by yet"
    return (f"metrics: {young}; the pods before them had these:",)


def _nothing(workload: Workload, found: Discovered, now: float) -> JudgedBy:
    """Nobody knows any: now they may be too young, or Prometheus may be away."""
    age = youngest(workload, now)
    told = found.told[-1] if found.told else "metrics: none"
    more = "; metrics are looked for while it runs" if found.there else ""
    wait = YOUNG - age if age is not None and found.answers else 0.0
    why = f"the pods of {workload.target.deployment} are {age:.0f} s old and Prometheus has no series of them yet" if wait else ""
    why += f": waiting up to {words(round(wait))} for their first samples, nothing is written meanwhile" if wait else ""
    return JudgedBy(told=(f"{told}; {ALONE}{more}",), wait=wait, why=why, seeking=found.there)
