"""Preflight: does every query work, and does it see the stable pods? A typo that is found here does not make a release BLIND."""

import math
from collections.abc import Sequence
from dataclasses import replace

from deliver.analysis import counts, native_histogram, selectors
from deliver.analysis.bounds import le_value, units_per_second
from deliver.analysis.counts import Span
from deliver.analysis.selectors import Matcher, PodLabels, Selector
from deliver.formatting.durations import words
from deliver.metrics import queries
from deliver.metrics.fetch import Fetch
from deliver.metrics.scrape_delay import MAX_DELAY, YOUNG_PODS, cadence
from deliver.model.errors import InputError
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, EvidenceMetric, LatencyMetric, Metric, QueryMetric, RatioMetric
from deliver.plugins.interfaces import Answer, Finding, MetricProvider, MetricsError
from deliver.plugins.validation import error_text

REACH, QUERY, MATCH = "metrics-reachable", "metrics-query", "metrics-match"
TIMEOUT = 15.0  # seconds
LEAST_REACH = 300.0  # seconds of samples that are asked for at the least: scrapes may be slow, and the store late
STALE_SCRAPES = 2.5  # scrapes after which a sample is old
PAST_SECONDS = 3600.0  # seconds within which a name that young pods do not have yet may have been seen


def try_queries(
    analysis: Analysis,
    provider: MetricProvider,
    namespace: str,
    stable: Sequence[PodSeen],
    *,
    variant: str = "",
) -> list[Finding]:
    """Runs each configured query once against the stable pods; ends within TIMEOUT and never raises.

    variant: the label that has to tell a flag's variants apart.
    Levels: input for what the user must correct, refuse for a provider that does not answer, warn for what may be right.
    """
    try:
        fetch = Fetch.of_pods(provider, namespace, stable, TIMEOUT)
        now = fetch.now()
    except Exception as error:  # a provider is foreign code
        return [Finding(REACH, "refuse", error_text(error), "without it every metric is blind; see `analysis` in deliver.yaml")]
    findings: list[Finding] = []
    for metric in analysis.metrics:
        try:
            findings += _excuse_unseen(metric, fetch, _try_metric(metric, fetch, stable, now, analysis.max_staleness))
            findings += _variants(metric, fetch, variant, analysis.max_staleness) if variant else []
        except InputError as error:
            findings.append(Finding(QUERY, "input", f"metric {metric.name}: {error.what}: {error.why}", error.hint))
        except MetricsError as error:
            findings.append(Finding(QUERY, "input" if error.bad_query else "refuse", f"metric {metric.name}: {error}"))
        except Exception as error:  # as above
            findings.append(Finding(QUERY, "refuse", f"metric {metric.name}: {error_text(error)}"))
    return findings


def _try_metric(metric: Metric, fetch: Fetch, stable: Sequence[PodSeen], now: float, stale: float) -> list[Finding]:
    if not stable:
        return [Finding(MATCH, "warn", f"metric {metric.name}: not tried, the stable side has no pods")]
    if isinstance(metric, QueryMetric):
        return _query(metric, fetch)
    if isinstance(metric, EvidenceMetric) and metric.histogram and not metric.bound:
        return _histogram(metric, fetch, stable, now, stale)
    if isinstance(metric, LatencyMetric) or (isinstance(metric, EvidenceMetric) and metric.histogram):
        return _latency(metric, fetch, stable, now, stale)
    return _ratio(metric, fetch, stable, now, stale)


def _excuse_unseen(metric: Metric, fetch: Fetch, findings: list[Finding]) -> list[Finding]:
    """Findings of a metric that nobody named. Scraped pods without its series are no typo: they have had no request yet."""
    if not isinstance(metric, EvidenceMetric) or metric.duty:
        return findings
    unseen = any(one.rule == MATCH and one.level == "input" for one in findings)
    if not (unseen and fetch.pods and queries.pods_with_series(fetch, fetch.pods)):
        return findings
    text = f"metric {metric.name}: the stable pods have no series of it: no request of theirs has been counted yet"
    return [Finding(MATCH, "info", text, "it judges from the first request on")]


def _ratio(metric: RatioMetric | EvidenceMetric, fetch: Fetch, stable: Sequence[PodSeen], now: float, stale: float) -> list[Finding]:
    bad, total = selectors.parse(metric.bad), selectors.parse(metric.total)
    findings = _regex_slips(metric.name, bad) + _regex_slips(metric.name, total)
    reach = max(metric.window + stale, LEAST_REACH)
    answer, special = fetch.raw(total, reach), fetch.raw(bad, reach)
    if not answer.series:
        return [*findings, _no_series(metric.name, total, fetch, stable, now)]
    if not special.series and not queries.has_series(fetch, Selector(bad.name)):
        hint = "a misspelt name would look like no errors at all"
        findings.append(Finding(MATCH, "input", f"metric {metric.name}: no series is called {bad.name}", hint))
    return findings + _traffic(metric, answer, fetch.labels, stable, now, stale)


def _latency(metric: LatencyMetric | EvidenceMetric, fetch: Fetch, stable: Sequence[PodSeen], now: float, stale: float) -> list[Finding]:
    base = selectors.histogram(metric.histogram)
    buckets, total = base.suffixed("_bucket"), base.suffixed("_count")
    findings, reach = _regex_slips(metric.name, base), max(metric.window + stale, LEAST_REACH)
    scale = units_per_second(base.name)
    found, answer = fetch.latency_counts(base, [le_value(base.name, metric.bound)], reach, scale)
    if not answer.series:
        return [*findings, _no_series(metric.name, total, fetch, stable, now)]
    if not found.series:
        bounds = {counts.le_bound(series.labels.get("le", "")) / scale for series in fetch.raw(buckets, reach).series}
        values = sorted(filter(math.isfinite, bounds))
        known = ", ".join(f"{value:g}" for value in values) or "none"
        text = f"metric {metric.name}: {base.name} has no bucket le={metric.bound:g}"
        return [*findings, Finding(MATCH, "input", text, f"take one of its bounds, in seconds: {known}")]
    return findings + _traffic(metric, answer, fetch.labels, stable, now, stale)


def _histogram(metric: EvidenceMetric, fetch: Fetch, stable: Sequence[PodSeen], now: float, stale: float) -> list[Finding]:
    """A histogram without a bound: bounds are chosen when the release begins; that it is a histogram is checked now."""
    base, reach = selectors.histogram(metric.histogram), max(metric.window + stale, LEAST_REACH)
    findings, answer = _regex_slips(metric.name, base), fetch.raw(base.suffixed("_count"), reach)
    if not answer.series and (whole := fetch.raw(base, reach, native=True)).series:
        _, total = native_histogram.to_classic(whole.series, math.inf)
        return findings + _traffic(metric, replace(whole, series=total), fetch.labels, stable, now, stale)
    if not answer.series:
        return [*findings, _no_series(metric.name, base.suffixed("_count"), fetch, stable, now)]
    if not fetch.raw(base.suffixed("_bucket"), reach).series:
        return [*findings, Finding(MATCH, "input", f"metric {metric.name}: {base.name} has no buckets", "it is no histogram; take another")]
    return findings + _traffic(metric, answer, fetch.labels, stable, now, stale)


def _variants(metric: Metric, fetch: Fetch, variant: str, stale: float) -> list[Finding]:
    """Do the series have the label that tells a flag's variants apart?"""
    if isinstance(metric, QueryMetric):
        return []
    total = queries.counting(metric)
    series = fetch.raw(total, max(metric.window + stale, LEAST_REACH)).series
    if not series or any(one.labels.get(variant) for one in series):
        return []
    labels = sorted({label for one in series for label in one.labels} - {"__name__", fetch.labels.namespace, fetch.labels.pod})
    text = f"metric {metric.name}: no series of {total.name} has a label `{variant}`: the variants cannot be told apart"
    hint = f"--variant LABEL, one of {', '.join(labels) or 'none'}; or --variant none to compare with the time before the release"
    return [Finding(MATCH, "input", text, hint)]


def _query(metric: QueryMetric, fetch: Fetch) -> list[Finding]:
    """The stable pods stand in for the candidate's, which are not there yet."""
    pods = fetch.labels.matchers(fetch.namespace, fetch.pods)
    answer = fetch.value(selectors.fill(metric.query, dict.fromkeys(("candidate", "stable"), pods)))
    if answer.warnings:
        return [Finding(QUERY, "warn", f"metric {metric.name}: the answer is partial: {answer.warnings[0]}", "a partial answer is blind")]
    if len(answer.series) > 1:
        text = f"metric {metric.name}: the query gives {len(answer.series)} series, one is wanted"
        return [Finding(QUERY, "input", text, "aggregate it, e.g. sum(...) or max(...)")]
    if not answer.series or not math.isfinite(answer.series[0].points[-1][1]):
        text = f"metric {metric.name}: the query gives no number for the stable pods"
        return [Finding(MATCH, "warn", text, "no number is blind; is there traffic?")]
    return []


def _no_series(name: str, selector: Selector, fetch: Fetch, stable: Sequence[PodSeen], now: float) -> Finding:
    """Why no series matches: the name, the labels, other pods, or pods too young to have been scraped."""
    text = f"metric {name}: no series matches {selector} for the {len(fetch.pods)} stable pods"
    age = now - max(pod.since for pod in stable)
    if age < YOUNG_PODS and _existed(Selector(selector.name), fetch):
        hint = f"they are {age:.0f} s old: if they are not scraped yet, the release is blind until they are"
        return Finding(MATCH, "warn", text, hint)
    if not queries.has_series(fetch, Selector(selector.name)):
        hint = f"nothing is called {selector.name}; is the name right, and are the pods scraped?"
        if age < YOUNG_PODS:  # nobody can tell yet
            wait = words(math.ceil(YOUNG_PODS - age))
            hint = f"nothing is called {selector.name} yet, and they are {age:.0f} s old: if the name is right, try again within {wait}"
        return Finding(MATCH, "input", text, hint)
    labels = fetch.labels
    if not queries.has_series(fetch, selector.where(Matcher(labels.namespace, "=", fetch.namespace))):
        hint = f"none of its series has {labels.namespace}={fetch.namespace}; are the pods scraped, and is `namespace_label` right?"
    elif not queries.has_series(fetch, selector.where(Matcher(labels.namespace, "=", fetch.namespace), Matcher(labels.pod, "!=", ""))):
        hint = f"its series in {fetch.namespace} have no label {labels.pod}; set `pod_label` of the provider"
    else:
        hint = f"it has series in {fetch.namespace}, but of other pods"
    return Finding(MATCH, "input", text, hint)


def _traffic(
    metric: RatioMetric | LatencyMetric | EvidenceMetric,
    total: Answer,
    labels: PodLabels,
    stable: Sequence[PodSeen],
    now: float,
    stale: float,
) -> list[Finding]:
    arm = {pod.name: pod.since for pod in stable}
    pace, newest = cadence(total.series, now), max(counts.newest_samples(total.series, labels.pod).values(), default=0.0)
    until = min(now, newest)  # a store may be late
    seen = counts.count_bad((), total.series, arm, Span(until - metric.window, until - metric.window - stale), labels.pod)
    late = pace.delay if pace.delay <= MAX_DELAY else 0.0
    if now - seen.newest > max(stale, STALE_SCRAPES * pace.interval + late):
        text = f"metric {metric.name}: the newest sample of the stable pods is {now - seen.newest:.0f} s old"
        return [Finding(MATCH, "warn", text, "are the pods still scraped? Samples this old are blind")]
    if seen.total < metric.min_samples and getattr(metric, "duty", True):
        text = f"metric {metric.name}: all stable pods together had {seen.total} requests in {metric.window:g} s"
        return [
            Finding(MATCH, "warn", text, f"the candidate needs {metric.min_samples}: widen `window`, lower `min_samples`, or send traffic")
        ]
    return []


def _regex_slips(name: str, selector: Selector) -> list[Finding]:
    """`code="5.."` is a frequent slip for `code=~"5.."`, and matches nothing for ever."""
    slips = [
        matcher for matcher in selector.matchers if matcher.op == "=" and any(sign in matcher.value for sign in ("..", ".*", ".+", "|"))
    ]
    return [
        Finding(QUERY, "warn", f"metric {name}: {slip} looks like a regular expression", f"write {slip.label}=~ to match it as one")
        for slip in slips
    ]


def _existed(selector: Selector, fetch: Fetch) -> bool:
    """Some pod had such a series within PAST_SECONDS."""
    return bool(fetch.value(f"count(last_over_time({selector}[{PAST_SECONDS:.0f}s]))").series)
