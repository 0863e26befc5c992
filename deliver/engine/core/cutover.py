"""The switch of all users at once, as three facts with three times: switched, probed, drained. What clings to the old side is named."""

from collections.abc import Mapping, Sequence
from typing import Any

from deliver.formatting.durations import words
from deliver.formatting.formats import number
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import Observation
from deliver.model.plan import Side
from deliver.model.release import Cutover, Direction, Release
from deliver.model.spec import PluginSpec
from deliver.model.verdict import Verdict

SERVICE_CHECK = "service"  # kind of the check that asks through a Service
CHECKS_WITH_PATH = ("http", "load")  # checks that know a path and a port
FIRST_SAMPLES = 20.0  # seconds after the switch in which the first samples are still to come
IDLE_RATE = 0.1  # requests a second of one pod that nobody holds a connection for (a scanner, a person's curl)


def follow_cutover(release: Release, seen: Observation, now: float) -> Release:
    """With what was learnt of the switch since the last look."""
    shift = release.shift
    if not release.current.probe or release.course is Direction.ROLLING_BACK:
        return release
    if shift is None or shift.side is not Side.CANDIDATE or not shift.verified:
        return release
    if seen.stable is None or seen.stable.template != release.snapshot.digest:
        return release  # the old side is going: what is known of it stays as it was
    known = release.switch
    if known is None or known.switched != shift.switched:
        known = Cutover(switched=shift.switched)
        release = replace(release, switch=known)
    if not known.probed:
        release = probed(release, known, seen, now)
    if release.switch is not None and not release.switch.drained:
        release = drained(release, release.switch, seen, now)
    return release


def probed(release: Release, known: Cutover, seen: Observation, now: float) -> Release:
    """Fresh requests through the Services came through; where nothing tells how to ask, the second look has to do."""
    assert release.shift is not None  # follow_cutover() has seen it
    asked = [check for check in seen.checks if check.kind == SERVICE_CHECK and check.evidence.at >= release.shift.switched]
    if not check_with_path(release):
        how = "EndpointSlices looked at twice; no health check and no load names a path to ask"
        return _knows(release, replace(known, probed=release.shift.verified), "probed", how)
    if asked and all(check.verdict is Verdict.PASS for check in asked):
        how = "; ".join(check.why for check in asked)
        after = _knows(release, replace(known, probed=max(check.evidence.at for check in asked)), "probed", how)
        return after.noted(now, Event.CANDIDATE_PROBED, reason=how)
    unasked = seen.switch.unasked if seen.switch and seen.switch.at >= release.shift.switched else ""
    why = next((check.why for check in asked if check.verdict is not Verdict.PASS), unasked)
    return _knows(release, known, "probed", why) if why else release


def judged_by_more_than_pods(release: Release) -> bool:
    """Whether the present step is judged by more than its pods: metrics, health checks, checks of its own, or how its Services answer."""
    analysis, step = release.spec.analysis, release.current
    return bool((analysis.metrics and step.metrics) or analysis.health or step.checks or (step.probe and check_with_path(release)))


def check_with_path(release: Release) -> PluginSpec | None:
    """The check that tells how to ask a pod: then it tells how to ask the Service too."""
    checks = (*release.spec.analysis.health, *(check for step in release.plan.steps for check in step.checks))
    return next((check for check in checks if check.kind in CHECKS_WITH_PATH), None)


def drained(release: Release, known: Cutover, seen: Observation, now: float) -> Release:
    """The old pods get no requests any more, by their own counters; without such, only time has passed, and that is said."""
    assert release.shift is not None  # follow_cutover() has seen it
    old, began = seen.switch, release.shift.verified
    if not counts_by_pod(release):
        over = began + release.spec.limits.drain
        if now < over:
            return release
        how = f"by time alone: {words(release.spec.limits.drain)} have passed; no metric counts the requests of a pod"
        return _knows(release, replace(known, drained=over), "drained", how).noted(now, Event.DRAIN_TIMED_OUT, reason=how)
    if old is None or old.at < began:
        return release
    if old.why:
        return _knows(release, known, "drained", f"not known: {old.why}")
    pods = [pod.name for pod in seen.stable.of(release.snapshot.hash)] if seen.stable else []
    if any(name not in old.rates for name in pods) and now - began < FIRST_SAMPLES:
        return release  # not every pod has been scraped twice since the switch
    quiet = probe_rate(release.snapshot.template, release.snapshot.serving)
    clinging = tuple(name for name in sorted(pods) if old.rates.get(name, 0.0) > quiet)
    if clinging:
        rate = sum(old.rates[name] for name in clinging)
        text = f"connections still held on {', '.join(clinging)}: {number(rate)} requests a second"
        after = _knows(release, replace(known, clinging=clinging), "drained", text)
        if set(clinging) <= set(known.clinging):
            return after
        return after.noted(now, Event.CONNECTIONS_HELD, subject=", ".join(clinging), numbers={"rate": rate}, reason=text)
    if any(name not in old.rates for name in pods):
        return _knows(release, known, "drained", "not every old pod has been scraped twice since the switch")
    how = "as far as their counters tell: no request ends on the old pods any more; one that is still open is not counted"
    return _knows(release, replace(known, drained=old.at, clinging=()), "drained", how).noted(now, Event.STABLE_DRAINED, reason=how)


def counts_by_pod(release: Release) -> bool:
    """Some metric counts requests by pod."""
    return any(not hasattr(metric, "query") for metric in release.spec.analysis.metrics)


def clinging_pods(release: Release) -> str:
    """What clings to an old side that goes all the same, "" for nothing."""
    known = release.switch
    return "" if known is None or known.drained else ", ".join(known.clinging)


def probe_rate(template: Mapping[str, Any], containers: Sequence[str]) -> float:
    """Requests a second that the kubelet's own probes may make of one pod: an application may count them."""
    those: list[Mapping[str, Any]] = [one for one in template["spec"]["containers"] if one["name"] in containers]
    probes: list[Mapping[str, Any]] = [one[kind] for one in those for kind in ("readinessProbe", "livenessProbe") if one.get(kind)]
    return 1.2 * sum(1.0 / (probe.get("periodSeconds") or 10) for probe in probes if "httpGet" in probe) + IDLE_RATE


def _knows(release: Release, known: Cutover, fact: str, how: str) -> Release:
    return replace(release, switch=replace(known, how={**known.how, fact: how}))
