"""`doctor` has one mind with `plan`: by what a release would be judged."""

from deliver.doctor.metric_choice import judged_by_line
from deliver.doctor.metrics import DoctorTarget
from deliver_sandbox.provider import provided
from tests.discovery.sighted import NEXT, Sighted


def test_what_is_found_is_what_it_would_be_judged_by() -> None:
    rig = Sighted.make(4, rps=50, scrape=2)
    with provided(rig.world.metrics, "prometheus"):
        rig.world.clock.wait(60)
        found = judged_by_line(rig.world.cluster, "shop", None, DoctorTarget("web"), rig.world.clock.now())
    assert (found.name, found.level, found.message) == ("judged by", "done", "its pods, errors and latency, found in the cluster")


def test_young_pods_and_what_is_waited_for() -> None:
    rig = Sighted.make(4, rps=50, scrape=30)
    with provided(rig.world.metrics, "prometheus"):
        found = judged_by_line(rig.world.cluster, "shop", None, DoctorTarget("web"), rig.world.clock.now())
    assert found.level == "warn"
    assert "waiting up to 1 m 58 s for their first samples" in found.message


def test_the_files_word_and_its_silence() -> None:
    rig = Sighted.make(4, rps=50, scrape=2)
    now = rig.world.clock.now
    with provided(rig.world.metrics, "prometheus"):
        rig.world.clock.wait(60)

        def said(judged: DoctorTarget) -> str:
            return judged_by_line(rig.world.cluster, "shop", None, judged, now()).message

        assert said(DoctorTarget("web", metrics=({"name": "errors"},))) == "its pods and the file's metrics: errors"
        assert said(DoctorTarget("web", none_wanted=True)) == "its pods and health checks alone: the file says `metrics: []`"
        assert said(DoctorTarget("web", silent=True)) == "its pods and health checks alone: the file names no metrics"
        rig.canary(NEXT)
        assert said(DoctorTarget("web", silent=True)) == "its pods, errors and latency, found in the cluster", "not weaker than before"


def test_nothing_there_is_said_too() -> None:
    rig = Sighted.make(4, rps=50, scrape=2)
    with provided(rig.world.metrics, "prometheus"):
        rig.world.clock.wait(150)
        rig.world.metrics.sick.down = "connection refused"
        found = judged_by_line(rig.world.cluster, "shop", None, DoctorTarget("web"), rig.world.clock.now())
    assert found.level == "warn"
    assert "connection refused; judged by its pods and health checks alone" in found.message


def test_what_was_judged_before_and_cannot_be_had_now_is_no_tick() -> None:
    rig = Sighted.make(4, rps=50, scrape=2)
    with provided(rig.world.metrics, "prometheus"):
        rig.world.clock.wait(60)
        first = rig.canary(NEXT)
        rig.world.clock.wait(150)
        rig.world.metrics.sick.down = "connection refused"
        found = judged_by_line(rig.world.cluster, "shop", None, DoctorTarget("web"), rig.world.clock.now())
    text = f"its pods, errors and latency, as {first.id} was; none of them is found now, and a release is refused without"
    assert (found.level, found.message) == ("warn", text)
