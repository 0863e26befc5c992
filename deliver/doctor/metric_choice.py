"""The line "judged by": the metrics that a release of this workload would be judged by, from the function that the release calls."""

from collections.abc import Mapping
from typing import Any

from deliver.cluster.port import Cluster
from deliver.discovery.metric_choice import MetricChoice, choose_metrics, last_judged_release
from deliver.discovery.types import nobody_to_ask
from deliver.doctor.line import DoctorLine
from deliver.doctor.metrics import DoctorTarget, error_text
from deliver.engine.runtime.record_store import Store
from deliver.model.errors import DeliverError, InputError
from deliver.model.spec import ReleaseSpec, Target

WHAT = "judged by"
HINT = "--errors and --requests name a counter; `deliver init` looks for one"


def judged_by_line(cluster: Cluster, namespace: str, options: Mapping[str, Any] | None, judged: DoctorTarget, now: float) -> DoctorLine:
    """options: of the provider; None = not configured. Never raises."""
    if judged.metrics:
        names = ", ".join(str(one.get("name", "?")) if isinstance(one, Mapping) else "?" for one in judged.metrics)
        return DoctorLine(WHAT, "done", f"its pods and the file's metrics: {names}")
    if judged.none_wanted:
        return DoctorLine(WHAT, "todo", "its pods and health checks alone: the file says `metrics: []`")
    try:
        target = Target(namespace, judged.deployment)
        last = last_judged_release(Store(cluster, target).load())
        if judged.silent and last is None:
            return DoctorLine(WHAT, "warn", "its pods and health checks alone: the file names no metrics", "--discover looks for them")
        spec = ReleaseSpec(target, "", "canary", container=judged.container)
        return _choice_line(choose_metrics(cluster, spec, nobody_to_ask, now, provider=options, last=last))
    except InputError as error:
        return DoctorLine(WHAT, "warn", error_text(error), error.hint or HINT)
    except DeliverError as error:
        return DoctorLine(WHAT, "warn", f"not looked for: {error_text(error)}", error.hint)


def _choice_line(found: MetricChoice) -> DoctorLine:
    if not found.metrics:
        return DoctorLine(WHAT, "warn", found.why or found.notes[-1], HINT)
    names = " and ".join(metric.name for metric in found.metrics)
    how = f", as {found.last} was" if found.last else ", found in the cluster"
    if found.unseen:
        return DoctorLine(WHAT, "warn", f"its pods, {names}{how}; none of them is found now, and a release is refused without", HINT)
    return DoctorLine(WHAT, "done", f"its pods, {names}{how}")
