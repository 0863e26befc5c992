"""By what a release of this workload would be judged: the answer of `plan` and of the release itself, out of the same function."""

from collections.abc import Mapping
from typing import Any

from deliver.cluster.port import Cluster
from deliver.discovery.metric_choice import JudgedBy, judged_by, last_judged
from deliver.discovery.types import Question
from deliver.doctor.line import DoctorLine
from deliver.doctor.metrics import Judged, told
from deliver.engine.runtime.record_store import Store
from deliver.model.errors import DeliverError, InputError
from deliver.model.spec import ReleaseSpec, Target

WHAT = "judged by"
HINT = "--errors and --requests name a counter; `deliver init` looks for one"


def line(cluster: Cluster, namespace: str, options: Mapping[str, Any] | None, judged: Judged, now: float) -> DoctorLine:
    """options: of the provider, None where none is named. Never raises."""
    if judged.metrics:
        names = ", ".join(str(one.get("name", "?")) if isinstance(one, Mapping) else "?" for one in judged.metrics)
        return DoctorLine(WHAT, "done", f"its pods and the file's metrics: {names}")
    if judged.said:
        return DoctorLine(WHAT, "todo", "its pods and health checks alone: the file says `metrics: []`")
    try:
        target = Target(namespace, judged.deployment)
        last = last_judged(Store(cluster, target).load())
        if judged.silent and last is None:
            return DoctorLine(WHAT, "warn", "its pods and health checks alone: the file names no metrics", "--discover looks for them")
        spec = ReleaseSpec(target, "", "canary", container=judged.container)
        return _told(judged_by(cluster, spec, _unasked, now, provider=options, last=last))
    except InputError as error:
        return DoctorLine(WHAT, "warn", told(error), error.hint or HINT)
    except DeliverError as error:
        return DoctorLine(WHAT, "warn", f"not looked for: {told(error)}", error.hint)


def _told(found: JudgedBy) -> DoctorLine:
    if not found.metrics:
        return DoctorLine(WHAT, "warn", found.why or found.told[-1], HINT)
    names = " and ".join(metric.name for metric in found.metrics)
    how = f", as {found.last} was" if found.last else ", found in the cluster"
    if found.unseen:
        return DoctorLine(WHAT, "warn", f"its pods, {names}{how}; none of them is found now, and a release is refused without", HINT)
    return DoctorLine(WHAT, "done", f"its pods, {names}{how}")


def _unasked(question: Question) -> Any:
    raise InputError(f"not clear: {question.what}", hint=f"e.g. {question.choices[0].how}")
