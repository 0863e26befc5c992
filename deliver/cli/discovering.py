"""`canary` without a query: the metrics that discovery finds, laid into the draft where nobody named any."""

from typing import TYPE_CHECKING

from deliver.cli import session
from deliver.cli.ask import ask
from deliver.cli.options import Given
from deliver.model.errors import ClusterError
from deliver.model.spec import ReleaseSpec

if TYPE_CHECKING:
    from deliver.config.draft import Draft
    from deliver.discovery.words import Discovered

FLAG = "--discover"
ENOUGH = 1.0
"""Requests a second of the stable pods below which nobody who did not ask for it is held up by metrics that stay blind."""


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
    if not found.metrics:
        return
    if not given["discover"] and found.requests < ENOUGH * found.seconds:
        session.say(f"metrics: not used, {found.requests} requests are too few to judge by; --discover takes them all the same")
        return
    draft.put(("analysis", "prometheus"), dict(found.provider or {}), FLAG)
    draft.put(("analysis", "metrics"), [dict(metric.entry) for metric in found.metrics], FLAG)


def _tell(given: Given, found: "Discovered") -> None:
    if not found.metrics:
        last = found.told[-1] if found.told else "metrics: none"
        session.say(f"{last}; judged by its pods and health checks alone")
    elif not given["quiet"]:
        for line in found.told:
            session.say(line)
