"""Where a reader may go from the page: the CI run that began the release, and its metrics in Prometheus."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from deliver.analysis import selectors
from deliver.analysis.selectors import Matcher
from deliver.formatting.sanitize import clean
from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.model.spec import EvidenceMetric, LatencyMetric, Metric, QueryMetric

_URL = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True)
class Link:
    text: str
    url: str


def links(release: Release, now: float) -> tuple[Link, ...]:
    """A Prometheus behind the API server's proxy has no address for a browser."""
    found = [Link("what started it", url) for url in _URL.findall(clean(release.actor)) if harmless(url)][:1]
    provider = release.spec.analysis.provider
    base = str(provider.options.get("url", "")) if provider and provider.kind == "prometheus" else ""
    if base and harmless(base):
        found += [Link(f"{clean(one.name)} in Prometheus", _graph(base, one, release, now)) for one in release.spec.analysis.metrics]
    return tuple(found)


def harmless(url: str) -> bool:
    """A web address without a user or a password in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.password)


def _graph(base: str, metric: Metric, release: Release, now: float) -> str:
    end = release.ended or now
    wanted = {"g0.expr": _expression(metric, release), "g0.tab": "0", "g0.range_input": f"{max(int(end - release.started), 60)}s"}
    wanted["g0.end_input"] = wanted["g0.moment_input"] = f"{end:.0f}"
    return f"{base.rstrip('/')}/graph?{urlencode(wanted)}"


def _expression(metric: Metric, release: Release) -> str:
    """Each pod's share, so that both sides are there; a free query as it was asked, with the pods of both sides by their hashes."""
    provider = release.spec.analysis.provider
    options = provider.options if provider else {}
    place = Matcher(str(options.get("namespace_label", "namespace")), "=", release.spec.target.namespace)
    pod = str(options.get("pod_label", "pod"))
    if isinstance(metric, QueryMetric):
        arms = {"candidate": (release.candidate, release.candidate_hash), "stable": (release.spec.target.deployment, release.snapshot.hash)}
        pods = {arm: Matcher(pod, "=~", f"{selectors.escape(name)}-{hash}-.*") for arm, (name, hash) in arms.items()}
        return selectors.fill(metric.query, {arm: (place, matcher) for arm, matcher in pods.items()})
    try:
        if isinstance(metric, LatencyMetric) or (isinstance(metric, EvidenceMetric) and metric.histogram):
            base = selectors.histogram(metric.histogram).where(place)
            if not metric.bound:  # every bound is judged: the median stands for them
                return f"histogram_quantile(0.5, sum by ({pod}, le) (rate({base.suffixed('_bucket')}[2m])))"
            bounded = base.suffixed("_bucket").where(Matcher("le", "=~", selectors.le_pattern(metric.bound)))
            return f"1 - {_rates(str(bounded), pod)} / {_rates(str(base.suffixed('_count')), pod)}"
        bad, total = (selectors.parse(text).where(place) for text in (metric.bad, metric.total))
    except InputError:  # a record of an older deliver may have taken what this one does not
        return ""
    return f"{_rates(str(bad), pod)} / {_rates(str(total), pod)}"


def _rates(selector: str, pod: str) -> str:
    return f"sum by ({pod}) (rate({selector}[2m]))"
