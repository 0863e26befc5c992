"""`canary` without a query: the metrics that discovery finds, laid into the draft where nobody named any."""

from typing import TYPE_CHECKING, Any

from deliver.cli import session
from deliver.cli.ask import ask
from deliver.cli.options import Given
from deliver.model.errors import ClusterError
from deliver.model.spec import ReleaseSpec

if TYPE_CHECKING:
    from deliver.config.draft import Draft
    from deliver.discovery.words import Discovered
    from deliver.discovery.workload import Workload

FLAG = "--discover"


def lay_discovered(given: Given, draft: "Draft", wanted: ReleaseSpec) -> None:
    """What was chosen is told on stderr. Found or not, a release goes on: judged by its pods and checks, as it says itself."""
    from deliver.discovery.find import discover
    from deliver.discovery.workload import look

    cluster = session.open_cluster(given)
    options = draft.get(("analysis", "prometheus"))
    try:
        workload = look(cluster, session.placed(wanted, cluster).target, wanted.container)
        found = discover(cluster, workload, ask, options if isinstance(options, dict) else None)
    except ClusterError as error:  # whatever cannot be read now, the release itself will say in its own words
        session.say(f"metrics: not looked for: {error.what}")
        return
    _tell(given, found)
    entries = [dict(metric.entry) for metric in found.metrics]
    if not given["discover"] and entries:
        entries = _judging(wanted, workload, found, entries)
    if entries:
        draft.put(("analysis", "prometheus"), dict(found.provider or {}), FLAG)
        draft.put(("analysis", "metrics"), entries, FLAG)


def _judging(wanted: ReleaseSpec, workload: "Workload", found: "Discovered", entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Can these metrics say anything at this traffic? Too few requests for evidence are enough for a fixed limit, or for nothing."""
    from deliver.discovery import enough
    from deliver.plugins import registry
    from deliver.plugins.careful import planned

    strategy = registry.load("deliver.strategies", wanted.strategy)
    plan = planned(strategy(), strategy.Options.model_validate(dict(wanted.options)), workload.facts)
    coming = enough.expected(plan, found.rate)
    if coming >= enough.PROOF:
        return entries
    told = f"at {found.rate:.3g} requests a second the candidate gets about {coming:.0f} before all users follow"
    if coming < enough.HARM:
        session.say(f"metrics: not used: {told}, too few to judge by; --discover takes them all the same")
        return []
    limited = enough.fixed(entries)
    limits = ", ".join(f"{entry['name']} {entry['max']}" for entry in limited)
    session.say(f"metrics: {told}, too few for evidence (about {enough.PROOF}): judged by fixed limits, {limits}")
    return limited


def _tell(given: Given, found: "Discovered") -> None:
    if not found.metrics:
        last = found.told[-1] if found.told else "metrics: none"
        session.say(f"{last}; judged by its pods and health checks alone")
    elif not given["quiet"]:
        for line in found.told:
            session.say(line)
