"""What a release without a query is judged by, on the sandbox: whatever the first look shows, a metric that is there may take it back."""

import re
from collections.abc import Callable, Iterator

import pytest

from deliver.discovery.metric_choice import last_judged_release
from deliver.engine.runtime.record_store import Record, Store
from deliver.model.errors import GateRefused
from deliver.model.frozen import replace
from deliver.model.release import Outcome, Release, ReleaseKind
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.render.sentences import sentence
from deliver_sandbox.images import Behaviour
from deliver_sandbox.provider import provided
from tests.discovery.sighted import BAD, NEXT, Sighted
from tests.engine.rig import TARGET, in_step

Make = Callable[..., Sighted]
BROKEN = "registry/web:3.0.0"  # each of its answers is an error


@pytest.fixture
def world() -> Iterator[Make]:
    """A workload under load, with a Prometheus that is found."""
    open_ = []

    def make(rps: float = 100.0, scrape: float = 2.0, past: float = 0.0) -> Sighted:
        rig = Sighted.make(4, rps=rps, scrape=scrape, images={BROKEN: Behaviour(errors=1.0)})
        shown = provided(rig.world.metrics, "prometheus")
        shown.__enter__()
        open_.append(shown)
        rig.world.clock.wait(past)
        return rig

    yield make
    for shown in open_:
        shown.__exit__(None, None, None)


def names(release: Release) -> list[str]:
    return [metric.name for metric in release.spec.analysis.metrics]


# ---------------------------------------------------------------- whatever the first seconds of traffic were


@pytest.mark.parametrize(
    ("rps", "past", "weights", "bake"),
    [(40, 15, (25, 50), "15s"), (10, 600, (20,), "20s"), (5, 600, (20, 50), "10s")],
    ids=["known by 15 s of traffic", "a steady 10 rps", "a steady 5 rps"],
)
def test_little_traffic_never_lets_a_bad_version_through(
    world: Make, rps: float, past: float, weights: tuple[float, ...], bake: str
) -> None:
    rig = world(rps=rps, past=past)
    release = rig.canary(BAD, weights, bake)
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason.startswith("errors: ")
    assert rig.world.traffic.tally.errors_by_image[BAD] < 40


def test_a_pause_before_a_burst_decides_nothing(world: Make) -> None:
    rig = world(rps=60, past=600)
    rig.world.traffic.set(rps=0)
    rig.world.clock.wait(100)
    found = rig.look()
    assert found.rate == pytest.approx(60, rel=0.2), "what it is told by is not the last minute"
    rig.world.traffic.set(rps=60)
    release = rig.canary(BAD, (20,), "20s")
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.world.traffic.tally.errors_by_image[BAD] < 100


@pytest.mark.parametrize("rps", [0.0, 0.2, 2.0, 40.0])
def test_a_good_version_is_not_held_up_for_want_of_requests(world: Make, rps: float) -> None:
    rig = world(rps=rps, past=100)
    release = rig.canary(NEXT)
    assert release.outcome is Outcome.PROMOTED
    assert rps == 40 or release.unproved == ("errors", "latency")
    said = [sentence(entry, release) for entry in release.journal if "too few to judge by" in sentence(entry, release)]
    assert len(said) == len({text.partition(":")[0] for text in said}), "once a metric"


def test_a_candidate_that_nobody_scrapes_is_no_candidate_without_requests(world: Make) -> None:
    """No data is BLIND: only a pod that is seen can be known to have had none."""
    rig = world(rps=40, past=100)
    rig.when(in_step(1, "Preparing"), rig.world.metrics.stop)
    release = rig.canary(BAD, max_blind=60.0)
    assert release.outcome is Outcome.HELD
    assert "could not be judged" in release.reason


def test_few_requests_that_speak_against_it_are_no_reason_to_go_on(world: Make) -> None:
    rig = world(rps=1.0, past=600)
    release = rig.canary(BROKEN, (50,), "10s")
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.world.traffic.tally.by_image[BROKEN] < 50, "fewer than `min_samples`"


def test_metrics_that_were_found_need_not_be_proved_at_any_traffic(world: Make) -> None:
    assert [getattr(metric, "duty", True) for metric in world(past=100).look().metrics] == [False, False]


# ---------------------------------------------------------------- pods younger than their first sample


@pytest.mark.parametrize("lag", [0.0, 30.0])
def test_a_release_right_after_another_is_judged_by_what_its_pods_of_before_had(world: Make, lag: float) -> None:
    rig = world(scrape=30, past=600)
    assert rig.canary(NEXT).outcome is Outcome.PROMOTED
    rig.world.clock.wait(12)
    rig.world.metrics.series.lag = lag
    release = rig.canary(BAD, bake="30s", strategy="blue-green")
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason.startswith("errors: ")
    assert names(release) == ["errors", "latency"]


def test_after_an_eviction_too_without_any_record(world: Make) -> None:
    rig = world(scrape=30, past=600)
    rig.replaced()
    found = rig.look()
    assert [metric.name for metric in found.metrics] == ["errors", "latency"]
    assert found.notes[0] == "metrics: the pods of web are 4 s old and have no samples to go by yet; the pods before them had these:"
    assert found.wait == 0
    assert rig.canary(BAD, bake="30s").outcome is Outcome.ROLLED_BACK


def test_the_record_tells_what_the_store_has_forgotten(world: Make) -> None:
    rig = world(scrape=30, past=300)
    first = rig.canary(NEXT)
    rig.world.clock.wait(12)
    rig.replaced()
    rig.world.metrics.series.lag = 4000.0
    found = rig.look()
    assert found.metrics == first.spec.analysis.metrics
    assert found.last == first.id
    notes = f"errors and latency: taken as in {first.id}, the last release; not found now, the pods are N s old"
    assert re.sub(r"\d+ s old", "N s old", found.notes[-1]) == notes


def test_pods_that_nobody_knows_are_waited_for_until_they_are_old_enough(world: Make) -> None:
    rig = world(scrape=30)
    found = rig.look()
    assert 110 < found.wait <= 120
    assert found.why.startswith("the pods of web are ")
    assert found.why.endswith("waiting up to 1 m 58 s for their first samples, nothing is written meanwhile")
    rig.world.clock.wait(40)
    found = rig.look()
    assert (found.wait, found.why) == (0.0, "")
    assert [metric.name for metric in found.metrics] == ["errors", "latency"]


def test_pods_that_are_never_scraped_are_not_waited_for_for_ever(world: Make) -> None:
    rig = world(past=130)
    rig.world.metrics.series.lag = 9e9
    found = rig.look()
    assert (found.metrics, found.wait, found.seeking) == ((), 0.0, True)
    alone = "has no series of these pods; judged by its pods and health checks alone; metrics are looked for while it runs"
    assert found.notes == (f"Prometheus: monitoring/prometheus:9090: {alone}",)


def test_metrics_that_come_while_it_runs_judge_from_then_on(world: Make) -> None:
    rig = world(past=100)
    rig.world.metrics.sick.down = "connection refused"
    rig.world.clock.after(20, lambda: setattr(rig.world.metrics.sick, "down", ""))
    release = rig.canary(BAD, bake="30s")
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason.startswith("errors: ")
    assert [sentence(entry, release) for entry in release.journal if "metrics found" in sentence(entry, release)] == [
        "metrics found while the release runs: judged by errors and latency from now on"
    ]
    assert names(rig.record()) == ["errors", "latency"], "the record has it, for whoever takes over and for the next release"


def test_a_driver_that_takes_over_goes_on_looking(world: Make) -> None:
    rig = world(past=100)
    rig.world.metrics.sick.down = "connection refused"
    tools = rig.tools()
    rig.when(in_step(1), lambda: rig.stop.request(15))
    held = rig.canary(BAD, bake="60s")
    assert held.outcome is Outcome.HELD
    assert held.spec.analysis.seeking
    rig.world.metrics.sick.down = ""
    rig.stop = type(rig.stop)()
    assert tools.seek is not None
    assert rig.verb("resume").outcome is Outcome.ROLLED_BACK


# ---------------------------------------------------------------- never weaker than before without a word


def test_judged_before_and_no_prometheus_now_is_refused_before_anything_is_written(world: Make) -> None:
    rig = world(past=100)
    first = rig.canary(NEXT)
    rig.world.clock.wait(12)
    before = rig.before()
    rig.world.metrics.sick.down = "connection refused"
    with pytest.raises(GateRefused) as refused:
        rig.canary(BAD)
    assert f"{first.id} was judged by it. `--no-discover` releases web judged by its pods" in refused.value.hint
    assert rig.before() == before


def test_judged_before_and_the_series_gone_now_is_refused_too(world: Make) -> None:
    rig = world(past=100)
    first = rig.canary(NEXT)
    rig.world.metrics.stop()
    rig.world.clock.wait(700)
    with pytest.raises(GateRefused) as refused:
        rig.canary(BAD)
    assert "metric errors: no series matches http_requests_total for the 4 stable pods" in refused.value.what
    assert first.id in refused.value.hint


def test_one_of_two_that_is_not_found_now_is_taken_along(world: Make) -> None:
    rig = world(past=100)
    first = rig.canary(NEXT)
    more = EvidenceMetric("checkout", bad='http_requests_total{code="500"}', total="http_requests_total")
    store = Store(rig.world.cluster, TARGET)
    analysis = replace(first.spec.analysis, metrics=(*first.spec.analysis.metrics, more))
    last = replace(first, spec=replace(first.spec, analysis=analysis))
    store.load()
    store.save(last)
    assert [metric.name for metric in rig.look().metrics] == ["errors", "latency", "checkout"]
    assert [metric.name for metric in rig.look(less=True).metrics] == ["errors", "latency"], "--discover: what is found will do"


def test_a_last_release_without_metrics_was_somebodys_word_and_asks_for_none(world: Make) -> None:
    rig = world(past=100)
    judged = rig.canary(NEXT)
    assert last_judged_release(Record(judged)) is judged
    unjudged = replace(judged, id="web-2", spec=replace(judged.spec, analysis=Analysis()))
    assert last_judged_release(Record(unjudged, (unjudged, judged))) is None
    back = replace(judged, id="web-3", kind=ReleaseKind.REVERT, spec=replace(judged.spec, analysis=Analysis()))
    assert last_judged_release(Record(back, (back, judged))) is judged, "a rollback is no release that was to be judged"
