"""Preflight: how often the pods are scraped, how late that shows, and how long a step therefore takes."""

from collections.abc import Callable, Sequence

from deliver.metrics import queries
from deliver.metrics.fetch import Fetch
from deliver.metrics.scrape_delay import Cadence, cadence
from deliver.model.observation import PodSeen
from deliver.model.plan import Plan, Step
from deliver.model.release import Release
from deliver.plugins.interfaces import Finding, MetricProvider
from deliver.plugins.validation import error_text

RULE = "pace"
TIMEOUT = 10.0
REACH = 300.0  # seconds of samples: five of the slowest usual scrapes


def step_duration_findings(
    release: Release, provider: MetricProvider, stable: Sequence[PodSeen], timer: Callable[[], float]
) -> list[Finding]:
    """The shortest time of a step, and a warning for bakes shorter than two scrapes. Never raises."""
    selector = next((one for metric in release.spec.analysis.metrics if (one := queries.all_requests(metric))), None)
    if selector is None or not stable:
        return []
    try:
        fetch = Fetch.of_pods(provider, release.spec.target.namespace, stable, TIMEOUT, timer)
        found = cadence(fetch.all_kinds(selector, REACH).series, fetch.now())
    except Exception as error:  # a provider is foreign code
        return [Finding(RULE, "info", f"how often the pods are scraped is not known ({error_text(error)})")]
    if not found.known:
        return [Finding(RULE, "info", "how often the pods are scraped is not known yet: no series of them has two samples")]
    return [Finding(RULE, "info", describe(found)), *_short_bakes(release.plan, found)]


def describe(found: Cadence) -> str:
    """`the pods are scraped every 30 s, and samples show 15 s late: a step takes 75 s at the least`"""
    late = f", and samples show {found.delay:.0f} s late" if found.delay >= 1 else ""
    return f"the pods are scraped every {found.interval:.3g} s{late}: a step takes {found.step:.0f} s at the least"


def _short_bakes(plan: Plan, found: Cadence) -> list[Finding]:
    short = [step for step in plan.steps if is_judged_by_metrics(step) and step.bake < found.step]
    if not short:
        return []
    names = ", ".join(step.name for step in short)
    text = f"the bake of {names} is shorter than two scrapes ({found.step:.0f} s): such a step lasts until its own samples are there"
    return [Finding(RULE, "warn", text, f"--bake {found.step:.0f}s or more, or scrape more often")]


def is_judged_by_metrics(step: Step) -> bool:
    """The step is judged by metrics: the candidate has users, or a preview."""
    return step.metrics and (step.endpoints > 0 or step.preview)
