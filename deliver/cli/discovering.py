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


def lay_discovered(given: Given, draft: "Draft", wanted: ReleaseSpec) -> tuple[str, ...]:
    """How it was chosen, in lines. Found or not, a release goes on: judged by its pods and checks, as it says itself."""
    from deliver.discovery.find import discover
    from deliver.discovery.workload import look

    cluster = session.open_cluster(given)
    options = draft.get(("analysis", "prometheus"))
    try:
        workload = look(cluster, session.placed(wanted, cluster).target, wanted.container)
        found = discover(cluster, workload, ask, options if isinstance(options, dict) else None)
    except ClusterError as error:  # whatever cannot be read now, the release itself will say in its own words
        return (f"metrics: not looked for: {error.what}",)
    entries = [dict(metric.entry) for metric in found.metrics]
    if not entries:
        return (f"{found.told[-1] if found.told else 'metrics: none'}; judged by its pods and health checks alone",)
    told = () if given["quiet"] else found.told
    if not given["discover"]:
        entries, why = _judging(wanted, workload, found, entries)
        told += why
    if entries:
        draft.put(("analysis", "prometheus"), dict(found.provider or {}), FLAG)
        draft.put(("analysis", "metrics"), entries, FLAG)
    return told


def _judging(
    wanted: ReleaseSpec, workload: "Workload", found: "Discovered", entries: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Can these metrics say anything at this traffic? Too few requests for evidence are enough for a fixed limit, or for nothing."""
    from deliver.discovery import enough
    from deliver.plugins import registry
    from deliver.plugins.careful import planned

    strategy = registry.load("deliver.strategies", wanted.strategy)
    plan = planned(strategy(), strategy.Options.model_validate(dict(wanted.options)), workload.facts)
    coming = enough.expected(plan, found.rate)
    if coming >= enough.PROOF:
        return entries, ()
    told = f"at {found.rate:.3g} requests a second the candidate gets about {coming:.0f} before all users follow"
    if coming < enough.HARM:
        return [], (f"metrics: not used: {told}, too few to judge by; --discover takes them all the same",)
    limited = enough.fixed(entries)
    limits = ", ".join(f"{entry['name']} {entry['max']}" for entry in limited)
    return limited, (f"metrics: {told}, too few for evidence (about {enough.PROOF}): judged by fixed limits, {limits}",)
