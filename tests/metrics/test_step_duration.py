"""What `plan` says of time: how often the pods are scraped, how late that shows, and which bakes no two scrapes fit in."""

import pytest

from deliver.metrics.step_duration import step_duration_findings
from deliver.model.frozen import replace
from deliver.model.spec import Analysis, EvidenceMetric, QueryMetric
from deliver.plugins.interfaces import Finding
from deliver_sandbox import fixtures
from deliver_sandbox.world import World
from tests.engine.rig import METRIC, Rig

FREE = EvidenceMetric("errors", bad='http_requests_total{code="500"}', total="http_requests_total", duty=False)


def findings(world: World, bake: str = "10s", analysis: Analysis | None = None) -> list[Finding]:
    rig = Rig(world, judge=None)  # type: ignore[arg-type]  # nothing is run
    proposal = rig.propose(replace(rig.spec(bake=bake), analysis=Analysis()))
    release = replace(proposal.release, spec=replace(proposal.release.spec, analysis=analysis or Analysis(metrics=(FREE,))))
    return step_duration_findings(release, world.metrics, proposal.stable, world.clock.monotonic)


def made(scrape: float, past: float = 400, lag: float = 0.0) -> World:
    world = fixtures.world(4, rps=50, scrape=scrape)
    world.clock.wait(past)
    world.metrics.series.lag = lag
    return world


@pytest.mark.parametrize(("scrape", "least"), [(2, 4), (15, 30), (30, 60), (60, 120)])
def test_a_step_takes_two_scrapes_at_the_least(scrape: float, least: float) -> None:
    first = findings(made(scrape))[0]
    assert first.message == f"the pods are scraped every {scrape} s: a step takes {least} s at the least"
    assert first.level == "info"


def test_a_store_that_is_late_is_told_with_its_delay() -> None:
    first = findings(made(2, lag=30))[0]
    assert first.message.startswith("the pods are scraped every 2 s, and samples show ")
    assert "s late" in first.message


def test_bakes_that_are_too_short_are_warned_of_and_others_are_not() -> None:
    world = made(30)
    warned = findings(world)[1]
    assert (warned.level, warned.hint) == ("warn", "--bake 60s or more, or scrape more often")
    assert warned.message.startswith("the bake of 10 %, 50 %, 100 % is shorter than two scrapes (60 s): such a step lasts until")
    assert len(findings(world, bake="60s")) == 1


def test_what_is_not_known_is_said_and_what_asks_no_counter_is_silent() -> None:
    young = made(60, past=2)
    assert findings(young)[0].message == "how often the pods are scraped is not known yet: no series of them has two samples"
    assert findings(young, analysis=Analysis(metrics=(QueryMetric("load", "up", max=1),))) == []
    young.metrics.sick.down = "connection refused"
    unread = findings(young, analysis=Analysis(metrics=(METRIC,)))
    assert unread[0].message == "how often the pods are scraped is not known (connection refused)"
