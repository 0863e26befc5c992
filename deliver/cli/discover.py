"""A release without a query: the metrics that discovery finds, or that are known of before, where nobody named any."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deliver.cli import context
from deliver.cli.options import Given
from deliver.cli.prompt import ask
from deliver.cli.request import Asked
from deliver.model.errors import ClusterError, InputError
from deliver.model.spec import ReleaseSpec

if TYPE_CHECKING:
    from deliver.cluster.port import Cluster
    from deliver.config.draft import Draft
    from deliver.discovery.metric_choice import MetricChoice
    from deliver.engine.runtime.metric_search import MetricSearch
    from deliver.model.plan import Plan
    from deliver.model.release import Release
    from deliver.model.spec import Analysis

AGAIN = 5.0  # seconds between two looks for the first samples of young pods


def asked(given: Given, draft: "Draft", wanted: ReleaseSpec, *, by_habit: bool, patient: bool) -> Asked:
    """With the metrics that were found. by_habit: only where the last release was judged by some.

    patient: young pods are waited for; else it is only said that they would be. A cluster that cannot be read the release tells of.
    """
    from deliver.discovery.metric_choice import choose_metrics, last_judged_release, refuse_recorded_metrics
    from deliver.discovery.traffic_sufficiency import traffic_notes
    from deliver.engine.runtime.record_store import Store

    cluster = context.open_cluster(given)
    spec, options = context.placed(wanted, cluster), draft.get(("analysis", "prometheus"))
    try:
        last = last_judged_release(Store(cluster, spec.target).load())
        if by_habit and last is None:
            return Asked(wanted)

        def look() -> "MetricChoice":
            provider = options if isinstance(options, dict) else None
            return choose_metrics(cluster, spec, ask, time.time(), provider=provider, last=last, less=bool(given["discover"]))

        judged = settled(look, time.sleep, context.say) if patient else look()
    except ClusterError as error:
        return Asked(wanted, (f"metrics: not looked for: {error.what}",))
    notes = (judged.why, *judged.notes) if judged.why and not patient else judged.notes
    if judged.metrics:
        notes = () if given["quiet"] else notes
        if judged.rate is not None:
            with suppress(InputError):  # the preflight tells, with all that is wrong besides
                notes += traffic_notes(planned(cluster, spec), judged.rate, judged.metrics)
    return Asked(
        replace(wanted, analysis=judged.over(wanted.analysis)),
        notes,
        lambda findings: refuse_recorded_metrics(findings, judged, spec.target.deployment),
    )


def settled(look: "Callable[[], MetricChoice]", sleep: Callable[[float], None], say: Callable[[str], None]) -> "MetricChoice":
    """Once the pods have been scraped, or are old enough to know that they are not. Said before it waits."""
    judged = look()
    if judged.wait:
        say(judged.why)
    while judged.wait:
        sleep(min(AGAIN, judged.wait))
        judged = look()
    return judged


def seek(cluster: "Cluster") -> "MetricSearch":
    """For a driver: looks again while a release runs."""

    def look(release: "Release") -> "Analysis | None":
        from deliver.discovery.metric_choice import search_again  # only a release that has none pays for its import

        return search_again(cluster, release, time.time())

    return look


def planned(cluster: "Cluster", spec: ReleaseSpec) -> "Plan":
    """The steps that the strategy makes of it. Raises InputError, as the release itself would."""
    from deliver.discovery.workload import read_workload
    from deliver.plugins import registry, validation

    strategy = registry.load("deliver.strategies", spec.strategy)
    facts = read_workload(cluster, spec.target, spec.container, spec.image).facts
    return validation.checked_plan(strategy(), strategy.Options.model_validate(dict(spec.options)), facts)
