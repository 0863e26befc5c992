"""Prometheus: where it is, whether it answers, whether its clock and its series can judge a release."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.cluster.port import Cluster
from deliver.discovery import prometheus as found_in_cluster
from deliver.discovery import workload
from deliver.doctor import series
from deliver.doctor.line import DoctorLine
from deliver.engine.runtime import analysis_factory
from deliver.model.errors import DeliverError
from deliver.model.spec import Analysis, PluginSpec, Target
from deliver.plugins.interfaces import MetricProvider, MetricsError

ASK = 5.0  # seconds for each question
SKEW_WARN, SKEW_FAIL = 2.0, 10.0  # seconds; a lease is short, and two clocks that far apart quarrel over it


@dataclass(frozen=True)
class Judged:
    """Whose metrics: a Deployment, and what deliver.yaml says of it (not checked yet). stale: its `max_staleness`.

    silent: there is a file, and it has no word about metrics. said: it says that there are none.
    """

    deployment: str
    container: str = ""
    metrics: Sequence[Any] = ()
    stale: float = series.STALE
    silent: bool = False
    said: bool = False


def lines(
    cluster: Cluster,
    namespace: str,
    options: Mapping[str, Any] | None,
    judged: Judged | None,
    *,
    now: Callable[[], float],
    apart: float | None,
) -> Iterator[DoctorLine]:
    """options: of the provider, None when none is configured. apart: our clock less the API server's, None = unknown."""
    configured = options is not None
    if options is None:
        options, line = _looked_for(cluster)
        yield line
    if options is None:
        return
    provider, line = _answers(cluster, options, now, apart)
    if configured or line.level != "done":
        yield line
    if provider is None:
        return
    if judged is None:
        yield DoctorLine("series", "todo", "not looked at: there is no TARGET", "`deliver doctor web` looks at the series of its pods")
        return
    try:
        pods = workload.look(cluster, Target(namespace, judged.deployment), judged.container)
        yield from series.lines(provider, pods, judged.metrics, judged.stale)
    except Exception as error:  # the cluster and the provider are foreign; what they end in is this line's text
        yield DoctorLine("series", "fail", told(error), getattr(error, "hint", ""))


def _looked_for(cluster: Cluster) -> tuple[Mapping[str, Any] | None, DoctorLine]:
    """Where nobody named one: the first Service that looks like one."""
    alone = "not configured; a release is judged by its pods and health checks alone"
    try:
        places, trouble = found_in_cluster.candidates(cluster)
    except Exception as error:
        places, trouble = [], told(error)
    if not places or trouble:
        more = f" ({trouble})" if trouble.startswith("no right") else ""
        return None, DoctorLine("prometheus", "warn", f"{alone}{more}", "give --prometheus, or `analysis.prometheus` in deliver.yaml")
    first = places[0]
    text = f"not configured, but {first.address} looks like one ({first.what}, found by {first.by})"
    return first.options, DoctorLine("prometheus", "warn", text, f"--prometheus {first.address}, or `deliver init` for a deliver.yaml")


def _answers(
    cluster: Cluster, options: Mapping[str, Any], now: Callable[[], float], apart: float | None
) -> tuple[MetricProvider | None, DoctorLine]:
    try:
        provider: MetricProvider = analysis_factory.provider_of(cluster, Analysis(provider=PluginSpec("prometheus", options)))
        ahead = provider.now(ASK) - now()
    except (MetricsError, DeliverError, ValueError) as error:
        hint = "check the address; a Service is NAMESPACE/NAME:PORT and needs get on services/proxy there: deploy/rbac/prometheus.yaml"
        return None, DoctorLine("prometheus", "fail", told(error), hint)
    except Exception as error:
        return None, DoctorLine("prometheus", "fail", f"{type(error).__name__}: {error}", "see `deliver plugins`")
    return provider, _skew(ahead, apart)


def _skew(ahead: float, apart: float | None) -> DoctorLine:
    """ahead: Prometheus' clock less ours. Samples are judged by Prometheus' clock, pods' ages by the API server's."""
    server = None if apart is None else ahead + apart
    words = [f"{abs(ahead):.0f} s from ours"] + ([] if server is None else [f"{abs(server):.0f} s from the API server's"])
    if abs(ahead if server is None else server) > SKEW_WARN:
        hint = "set the clock there, e.g. with NTP: pods look older or younger than they are, and samples may count as stale"
        return DoctorLine("prometheus", "warn", f"answers, but its clock is apart: {', '.join(words)}", hint)
    if abs(ahead) > SKEW_FAIL:
        return DoctorLine("prometheus", "warn", f"answers; its clock is {words[0]}, and ours is the wrong one", "set ours, e.g. with NTP")
    return DoctorLine("prometheus", "done", "answers, and its clock agrees")


def told(error: Exception) -> str:
    what, why = getattr(error, "what", str(error)), getattr(error, "why", "")
    return f"{what}: {why}" if why else what
