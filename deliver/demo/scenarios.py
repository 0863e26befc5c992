"""The scenarios by name."""

from collections.abc import Callable
from dataclasses import dataclass

from deliver.demo import versions
from deliver.demo.stage import Stage


@dataclass(frozen=True)
class Scenario:
    """seconds: about how long it takes."""

    name: str
    title: str
    seconds: int
    play: Callable[[Stage], None]


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("healthy", "a good version is promoted", 30, versions.healthy),
        Scenario("errors", "a version with errors is caught and taken back", 15, versions.errors),
        Scenario("slow", "a slow version is caught and taken back", 15, versions.slow),
        Scenario("crash", "a version that crashes never meets a user", 10, versions.crash),
        Scenario("blind", "Prometheus goes away: no data is not a PASS", 22, versions.blind),
        Scenario("killed-driver", "deliver itself is killed; another machine goes on", 55, versions.killed_driver),
        Scenario("two-drivers", "two releases at once: the second is refused", 35, versions.two_drivers),
        Scenario("foreign-edit", "somebody edits the Deployment in the middle of it", 18, versions.foreign_edit),
    )
}
DEFAULT = ("healthy", "errors")
