"""What a plan can promise of its steps' time: how often the pods are scraped, how late that shows, and how long a step takes for it."""

from collections.abc import Callable, Sequence

from deliver.analysis import selectors
from deliver.metrics import calibrate
from deliver.metrics.fetch import Fetch
from deliver.metrics.scrape_delay import Cadence, cadence
from deliver.model.observation import PodSeen
from deliver.model.plan import Plan, Step
from deliver.model.release import Release
from deliver.model.spec import EvidenceMetric, LatencyMetric, Metric, RatioMetric
from deliver.plugins.interfaces import Finding, MetricProvider

RULE = "pace"
TIMEOUT = 10.0
REACH = 300.0  # seconds of samples: five of the slowest usual scrapes


def paced(release: Release, provider: MetricProvider, stable: Sequence[PodSeen], timer: Callable[[], float]) -> list[Finding]:
    """One finding, and a warning for bakes that no two scrapes fit in. Never raises: a plan without it is still a plan."""
    selector = next((one for metric in release.spec.analysis.metrics if (one := _total(metric))), None)
    if selector is None or not stable:
        return []
    until = timer() + TIMEOUT
    try:
        fetch = Fetch(provider, release.spec.target.namespace, tuple(sorted(pod.name for pod in stable)), lambda: until - timer())
        found = cadence(fetch.whole(selector, REACH).series, fetch.now())
    except Exception as error:  # a provider is foreign code
        return [Finding(RULE, "info", f"how often the pods are scraped is not known ({type(error).__name__})")]
    if not found.known:
        return [Finding(RULE, "info", "how often the pods are scraped is not known yet: no series of them has two samples")]
    return [Finding(RULE, "info", told(found)), *_short(release.plan, found)]


def told(found: Cadence) -> str:
    """`the pods are scraped every 30 s, and samples show 15 s late: a step takes 75 s at the least`"""
    late = f", and samples show {found.delay:.0f} s late" if found.delay >= 1 else ""
    return f"the pods are scraped every {found.interval:.3g} s{late}: a step takes {found.step:.0f} s at the least"


def _short(plan: Plan, found: Cadence) -> list[Finding]:
    short = [step for step in plan.steps if judged(step) and step.bake < found.step]
    if not short:
        return []
    names = ", ".join(step.name for step in short)
    text = f"the bake of {names} is shorter than two scrapes ({found.step:.0f} s): such a step lasts until its own samples are there"
    return [Finding(RULE, "warn", text, f"--bake {found.step:.0f}s or more, or scrape more often")]


def judged(step: Step) -> bool:
    """By metrics, and not while users are on the stable side alone."""
    return step.metrics and (step.endpoints > 0 or step.preview)


def _total(metric: Metric) -> selectors.Selector | None:
    """The counter of all requests; None for a free query. A native histogram is asked for under its own name."""
    if isinstance(metric, EvidenceMetric):
        return calibrate.selected(metric)[0]
    if isinstance(metric, RatioMetric):
        return selectors.parse(metric.total)
    return selectors.histogram(metric.histogram).suffixed("_count") if isinstance(metric, LatencyMetric) else None
