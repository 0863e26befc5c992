"""Prometheus for `doctor`: where it is, whether it answers, whether its clock is right; then the series of the pods."""

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

TIMEOUT = 5.0  # seconds for each question
SKEW_WARN, SKEW_FAIL = 2.0, 10.0  # seconds; a lease is short, and two clocks that far apart quarrel over it


@dataclass(frozen=True)
class DoctorTarget:
    """The Deployment that `doctor` looks at, and what deliver.yaml says of its metrics; not validated yet."""

    deployment: str
    container: str = ""
    metrics: Sequence[Any] = ()
    stale: float = series.DEFAULT_STALENESS  # `max_staleness`, seconds
    silent: bool = False  # there is a file without the key `metrics`
    none_wanted: bool = False  # the file says `metrics: []`


def prometheus_lines(
    cluster: Cluster,
    namespace: str,
    options: Mapping[str, Any] | None,
    judged: DoctorTarget | None,
    *,
    now: Callable[[], float],
    apart: float | None,
) -> Iterator[DoctorLine]:
    """options: of the provider; None = not configured. apart: seconds that our clock is ahead of the API server's; None = unknown."""
    configured = options is not None
    if options is None:
        options, line = _find_prometheus(cluster)
        yield line
    if options is None:
        return
    provider, line = _connect(cluster, options, now, apart)
    if configured or line.level != "done":
        yield line
    if provider is None:
        return
    if judged is None:
        yield DoctorLine("series", "todo", "not looked at: there is no TARGET", "`deliver doctor web` looks at the series of its pods")
        return
    try:
        pods = workload.read_workload(cluster, Target(namespace, judged.deployment), judged.container)
        yield from series.series_lines(provider, pods, judged.metrics, judged.stale)
    except Exception as error:  # the cluster and the provider are foreign; what they end in is this line's text
        yield DoctorLine("series", "fail", error_text(error), getattr(error, "hint", ""))


def _find_prometheus(cluster: Cluster) -> tuple[Mapping[str, Any] | None, DoctorLine]:
    """Options of the first Service that looks like Prometheus, where none is configured."""
    alone = "not configured; a release is judged by its pods and health checks alone"
    try:
        places, trouble = found_in_cluster.candidates(cluster)
    except Exception as error:
        places, trouble = [], error_text(error)
    if not places or trouble:
        more = f" ({trouble})" if trouble.startswith("no right") else ""
        return None, DoctorLine("prometheus", "warn", f"{alone}{more}", "give --prometheus, or `analysis.prometheus` in deliver.yaml")
    first = places[0]
    text = f"not configured, but {first.address} looks like one ({first.what}, found by {first.by})"
    return first.options, DoctorLine("prometheus", "warn", text, f"--prometheus {first.address}, or `deliver init` for a deliver.yaml")


def _connect(
    cluster: Cluster, options: Mapping[str, Any], now: Callable[[], float], apart: float | None
) -> tuple[MetricProvider | None, DoctorLine]:
    try:
        provider: MetricProvider = analysis_factory.provider_of(cluster, Analysis(provider=PluginSpec("prometheus", options)))
        ahead = provider.now(TIMEOUT) - now()
    except (MetricsError, DeliverError, ValueError) as error:
        hint = "check the address; a Service is NAMESPACE/NAME:PORT and needs get on services/proxy there: deploy/rbac/prometheus.yaml"
        return None, DoctorLine("prometheus", "fail", error_text(error), hint)
    except Exception as error:
        return None, DoctorLine("prometheus", "fail", f"{type(error).__name__}: {error}", "see `deliver plugins`")
    return provider, _skew(ahead, apart)


def _skew(ahead: float, apart: float | None) -> DoctorLine:
    """ahead: seconds that Prometheus' clock is ahead of ours. Samples are judged by that clock, ages of pods by the API server's."""
    server = None if apart is None else ahead + apart
    words = [f"{abs(ahead):.0f} s from ours"] + ([] if server is None else [f"{abs(server):.0f} s from the API server's"])
    if abs(ahead if server is None else server) > SKEW_WARN:
        hint = "set the clock there, e.g. with NTP: pods look older or younger than they are, and samples may count as stale"
        return DoctorLine("prometheus", "warn", f"answers, but its clock is apart: {', '.join(words)}", hint)
    if abs(ahead) > SKEW_FAIL:
        return DoctorLine("prometheus", "warn", f"answers; its clock is {words[0]}, and ours is the wrong one", "set ours, e.g. with NTP")
    return DoctorLine("prometheus", "done", "answers, and its clock agrees")


def error_text(error: Exception) -> str:
    what, why = getattr(error, "what", str(error)), getattr(error, "why", "")
    return f"{what}: {why}" if why else what
