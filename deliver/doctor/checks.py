"""run_checks: all checks of `deliver doctor`. No check raises or changes anything."""

import platform
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from deliver import __version__
from deliver.cluster.port import Cluster
from deliver.doctor import metric_choice as judging
from deliver.doctor import metrics
from deliver.doctor.line import DoctorLine
from deliver.doctor.metrics import SKEW_FAIL, SKEW_WARN, TIMEOUT, DoctorTarget, error_text
from deliver.doctor.rights import RIGHTS, Right
from deliver.http.client import Client
from deliver.model.errors import ClusterError, DeliverError

LARGEST = 64 * 1024
CLIENTS = ("kubernetes", "httpx", "prometheus-api-client")


def run_checks(
    cluster: Cluster,
    namespace: str,
    prometheus: Mapping[str, Any] | None,
    *,
    now: Callable[[], float],
    judged: DoctorTarget | None = None,
) -> list[DoctorLine]:
    """prometheus: options of the provider; None = not configured. now: unix seconds. judged: whose series are checked."""
    lines = [_versions()]
    server = _server(cluster)
    lines.append(server)
    if server.level == "fail":
        return lines  # everything below would only say the same again
    apart = _clock_difference(cluster, now)
    lines.append(_clock(apart))
    lines.extend(_rights(cluster, namespace))
    lines.extend(
        metrics.prometheus_lines(cluster, namespace, prometheus, judged, now=now, apart=apart if isinstance(apart, float) else None)
    )
    lines.extend([judging.judged_by_line(cluster, namespace, prometheus, judged, now())] if judged else [])
    return lines


def _versions() -> DoctorLine:
    def of(name: str) -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            return f"{name} missing"

    found = [of(name) for name in CLIENTS]
    missing = [text for text in found if text.endswith(" missing")]
    text = f"deliver {__version__}, Python {platform.python_version()}, {', '.join(found)}"
    return DoctorLine("versions", "fail" if missing else "done", text, "install deliver anew, with its dependencies" if missing else "")


def _server(cluster: Cluster) -> DoctorLine:
    try:
        found = cluster.version()
    except DeliverError as error:
        return DoctorLine("cluster", "fail", error_text(error), error.hint or "check --context, KUBECONFIG and the network")
    acting = getattr(cluster, "acts_as", "")
    text = f"{getattr(cluster, 'server', 'the API server')} answers, Kubernetes {found}{f', acting as {acting}' if acting else ''}"
    return DoctorLine("cluster", "done", text)


def _clock_difference(cluster: Cluster, now: Callable[[], float]) -> float | str:
    """Seconds that our clock is ahead of the API server's, or the type of the error. A difference within its Date header's second is 0."""
    try:
        before = now()
        date = _date(cluster)
        after = now()
    except Exception as error:
        return type(error).__name__
    return before - date - 1 if before - date > 1 else after - date if after < date else 0.0


def _clock(apart: float | str) -> DoctorLine:
    """Against the API server: leases are judged by the clock of who looks at them."""
    if isinstance(apart, str):
        return DoctorLine("clock", "warn", f"the API server's time could not be read: {apart}", "compare it by hand")
    skew = abs(apart)
    text = f"{skew:.0f} s apart from the API server" if skew else "agrees with the API server"
    level = "fail" if skew > SKEW_FAIL else "warn" if skew > SKEW_WARN else "done"
    return DoctorLine("clock", level, text, "" if level == "done" else "set the clock of this machine, e.g. with NTP")


def _date(cluster: Cluster) -> float:
    """Unix seconds of the API server. Any answer has the header, a refusal too; so no credentials are sent but a client certificate."""
    access = cluster.proxy("default", "services", "kubernetes", "https", "https")
    url = f"{access.url.partition('/api/v1/')[0]}/version"
    with Client.to(access) as client:
        reply = client.send("GET", url, headers={}, timeout=TIMEOUT, largest=LARGEST, cut=True)
    return parsedate_to_datetime(reply.headers["date"]).timestamp()


def _rights(cluster: Cluster, namespace: str) -> Iterator[DoctorLine]:
    """One line for each resource; a missing right of the way back is said first, for a release may not start without it."""
    for right in RIGHTS:
        name = f"may {'/'.join(right.verbs)} {right.name} in {namespace}"
        try:
            missing = [verb for verb in right.verbs if not cluster.allowed(verb, right.resource, namespace, "", right.subresource)]
        except ClusterError as error:
            yield DoctorLine(name, "fail", error_text(error), error.hint)
            continue
        if missing:
            yield _missing(right, name, missing)
        else:
            yield DoctorLine(name, "done", "yes")


def _missing(right: Right, name: str, missing: list[str]) -> DoctorLine:
    if right.proxy:
        return DoctorLine(name, "warn", f"no {', '.join(missing)}", "needed for Prometheus or health checks through the API server alone")
    if right.flags:
        return DoctorLine(name, "warn", f"no {', '.join(missing)}", "needed for releases of feature flags alone: deploy/rbac/flags.yaml")
    ways = "forward and rollback need it" if right.rollback else "forward needs it, rollback does not"
    group = f" of API group {right.group}" if right.group else ""
    return DoctorLine(
        name, "fail", f"no {', '.join(missing)}; {ways}", f"grant {', '.join(missing)} on {right.name}{group}; see deploy/rbac"
    )
