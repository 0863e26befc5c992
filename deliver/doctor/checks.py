"""Each check is a question with one line for an answer; none of them raises, none of them changes anything."""

import platform
import ssl
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPSConnection
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

from deliver import __version__
from deliver.cluster.port import Access, Cluster
from deliver.doctor.rights import RIGHTS, Right
from deliver.engine import judging
from deliver.model.errors import ClusterError, DeliverError
from deliver.model.spec import Analysis, PluginSpec
from deliver.plugins.interfaces import MetricsError
from deliver.render.text import DoctorLine

CLIENTS = ("kubernetes", "httpx", "prometheus-api-client")
SKEW_WARN, SKEW_FAIL = 2.0, 10.0  # seconds; a lease is short, and two clocks that far apart quarrel over it
ASK = 5.0  # seconds for each question


def examine(cluster: Cluster, namespace: str, prometheus: Mapping[str, Any] | None, *, now: Callable[[], float]) -> list[DoctorLine]:
    """prometheus: the provider's options, None when none is configured. now: unix seconds."""
    lines = [_versions()]
    server = _server(cluster)
    lines.append(server)
    if server.level == "fail":
        return lines  # everything below would only say the same again
    lines.append(_clock(cluster, now))
    lines.extend(_rights(cluster, namespace))
    lines.append(_prometheus(cluster, prometheus, now))
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
        return DoctorLine("cluster", "fail", _told(error), error.hint or "check --context, KUBECONFIG and the network")
    return DoctorLine("cluster", "done", f"{getattr(cluster, 'server', 'the API server')} answers, Kubernetes {found}")


def _clock(cluster: Cluster, now: Callable[[], float]) -> DoctorLine:
    """Against the Date header that the API server sends: leases are judged by the clock of who looks at them."""
    try:
        before = now()
        date = _date(cluster)
        after = now()
    except Exception as error:
        return DoctorLine("clock", "warn", f"the API server's time could not be read: {type(error).__name__}", "compare it by hand")
    skew = max(0.0, before - date - 1, date - after)  # the header has whole seconds
    text = f"{skew:.0f} s apart from the API server" if skew else "agrees with the API server"
    level = "fail" if skew > SKEW_FAIL else "warn" if skew > SKEW_WARN else "done"
    return DoctorLine("clock", level, text, "" if level == "done" else "set the clock of this machine, e.g. with NTP")


def _date(cluster: Cluster) -> float:
    """Unix seconds of the API server. Any answer has the header, a refusal too; so no credentials are sent but a client certificate."""
    access = cluster.proxy("default", "services", "kubernetes", "https", "https")
    address = urlsplit(access.url)
    connection: HTTPConnection = HTTPConnection(address.netloc, timeout=ASK)
    if address.scheme == "https":
        connection = HTTPSConnection(address.netloc, timeout=ASK, context=_trust(access))
    try:
        connection.request("GET", f"{address.path.partition('/api/v1/')[0]}/version")
        return parsedate_to_datetime(connection.getresponse().headers["date"]).timestamp()
    finally:
        connection.close()


def _trust(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=access.verify if isinstance(access.verify, str) else None)
    if access.verify is False:  # the kubeconfig says insecure-skip-tls-verify
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if access.cert:
        context.load_cert_chain(*access.cert)
    return context


def _rights(cluster: Cluster, namespace: str) -> Iterator[DoctorLine]:
    """One line for each resource; a missing right of the way back is said first, for a release may not start without it."""
    for right in RIGHTS:
        name = f"may {'/'.join(right.verbs)} {right.name} in {namespace}"
        try:
            missing = [verb for verb in right.verbs if not cluster.allowed(verb, right.resource, namespace, "", right.subresource)]
        except ClusterError as error:
            yield DoctorLine(name, "fail", _told(error), error.hint)
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


def _prometheus(cluster: Cluster, options: Mapping[str, Any] | None, now: Callable[[], float]) -> DoctorLine:
    if options is None:
        hint = "give --prometheus, or `analysis.prometheus` in deliver.yaml"
        return DoctorLine("prometheus", "warn", "not configured; a release is judged by its pods and health checks alone", hint)
    try:
        provider = judging.provider_of(cluster, Analysis(provider=PluginSpec("prometheus", options)))
        skew = abs(provider.now(ASK) - now())
    except (MetricsError, DeliverError, ValueError) as error:
        hint = "check the address; a Service is NAMESPACE/NAME:PORT and needs get on services/proxy there: deploy/rbac/prometheus.yaml"
        return DoctorLine("prometheus", "fail", _told(error), hint)
    except Exception as error:
        return DoctorLine("prometheus", "fail", f"{type(error).__name__}: {error}", "see `deliver plugins`")
    if skew > SKEW_FAIL:
        return DoctorLine("prometheus", "warn", f"answers, but its clock is {skew:.0f} s apart", "samples may count as stale")
    return DoctorLine("prometheus", "done", "answers")


def _told(error: Exception) -> str:
    what, why = getattr(error, "what", str(error)), getattr(error, "why", "")
    return f"{what}: {why}" if why else what
