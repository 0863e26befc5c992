"""Who judges a release: the analyzer of each step, out of its metrics, its health checks and how its Services can be asked."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.core.exposure import exposed_by
from deliver.engine.runtime import proxy_access, service_probe
from deliver.engine.runtime.analysis_poller import Analyzer
from deliver.model.analysis_result import NOT_ANALYZED, AnalysisResult
from deliver.model.frozen import replace
from deliver.model.observation import PodSeen
from deliver.model.plan import Side, Step
from deliver.model.release import Direction, Release
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.plugins import registry
from deliver.plugins.interfaces import Reach


class NoAnalyzer:
    """For a release that has nothing to ask but its pods, and for the way back."""

    def reset(self, at: float) -> None:
        """Nothing is kept."""

    def analyze(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> AnalysisResult:
        return NOT_ANALYZED


def analyzer_factory(
    cluster: Cluster, release: Release, clock: Callable[[], float], made: Callable[[Analysis], Analyzer] | None = None
) -> Callable[[Step], Analyzer]:
    """Makes the analyzer of a step. They share the evidence of the release. made: a test's, in the place of the real one."""
    kept: list[Any] = []

    def make(step: Step) -> Analyzer:
        if not kept and any(isinstance(metric, EvidenceMetric) for metric in release.spec.analysis.metrics):
            from deliver.metrics.evidence_store import evidence_store_of

            kept.append(evidence_store_of(release))
        return make_analyzer(cluster, release, step, clock, made, kept[0] if kept else None)

    return make


def make_analyzer(
    cluster: Cluster,
    release: Release,
    step: Step,
    clock: Callable[[], float],
    made: Callable[[Analysis], Analyzer] | None = None,
    evidence_store: Any = None,
) -> Analyzer:
    """The analyzer of one step. made: a test's, in the place of the real one. evidence_store: the evidence of the whole release."""
    analysis = replace(release.spec.analysis, health=(*release.spec.analysis.health, *step.checks))
    probes = service_probe.service_probes(cluster, release) if step.probe else ()
    if release.course is Direction.ROLLING_BACK or not (analysis.metrics or analysis.health or probes):
        return NoAnalyzer()
    if made is not None:
        return made(analysis)
    from deliver.metrics.analyzer import StepAnalyzer, StepSetup  # only a release that is judged pays for its import
    from deliver.metrics.variants import Variants

    provider, checks = provider_of(cluster, analysis), checks_of(cluster, analysis)
    arms = exposed_by(release).comparison(release)
    setup = StepSetup(
        step.baseline,
        until=arms.past_until,
        service_probes=probes,
        variants=Variants(arms.variant, arms.treatment) if arms.variant else None,
        shared=step.side is Side.BOTH and arms.by_pods and not step.by_weight,
        alone=step.side is Side.CANDIDATE,
    )
    analyzer: Analyzer = StepAnalyzer(analysis, provider, checks, clock, setup, evidence_store=evidence_store)
    return analyzer


def proxy_reach(cluster: Cluster) -> Reach:
    """Services and pods through the API server's proxy."""

    def pod(namespace: str, name: str, port: int, scheme: str) -> Any:
        return cluster.proxy(namespace, "pods", name, port, scheme)

    return Reach(service=partial(proxy_access.service, cluster), pod=pod, environ=os.environ)


def provider_of(cluster: Cluster, analysis: Analysis) -> Any:
    if analysis.provider is None:
        return None
    plugin = registry.load("deliver.metrics", analysis.provider.kind)
    return plugin(plugin.Options.model_validate(dict(analysis.provider.options)), proxy_reach(cluster))


def checks_of(cluster: Cluster, analysis: Analysis) -> list[tuple[str, Any]]:
    made = []
    for spec in analysis.health:
        plugin = registry.load("deliver.checks", spec.kind)
        made.append((spec.kind, plugin(plugin.Options.model_validate(dict(spec.options)), proxy_reach(cluster))))
    return made
