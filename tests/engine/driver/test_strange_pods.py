"""A pod of somebody else that joins a Service while a release runs: named, warned of, held for at a shift, and nobody's fault."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from deliver.model.journal import Event
from deliver.model.names import HASH
from deliver.model.release import Outcome, Release
from deliver.render.sentences import sentence
from deliver.render.text import status_text
from deliver_sandbox.api import Write
from tests.engine.rig import Rig, in_step

ANSWERS = "pod migrate-x7 of Job migrate answers users of Service web too, and is no part of the release"


def joins(rig: Rig, labels: Mapping[str, str] = MappingProxyType({})) -> None:
    """A Job's pod with the application's labels."""
    spec = {"containers": [{"name": "web", "image": "registry/web:1.0.0"}], "restartPolicy": "Never"}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": {"template": template}}
    made = rig.world.api.create("jobs", "shop", job, Write(manager="kubectl"))
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "migrate", "uid": made["metadata"]["uid"], "controller": True}
    meta = {"name": "migrate-x7", "namespace": "shop", "labels": {"app": "web", **labels}, "ownerReferences": [owner]}
    rig.world.api.create("pods", "shop", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}, Write(manager="job"))


def told(release: Release, event: Event) -> list[str]:
    return [sentence(entry, release) for entry in release.journal if entry.event is event]


def test_in_a_bake_it_is_warned_of_once_and_the_release_goes_on():
    rig = Rig.make()
    rig.when(in_step(2, "Baking"), lambda: joins(rig))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert told(release, Event.STRANGERS) == [ANSWERS]


def test_at_a_shift_it_is_held_for_and_resumed_once_it_is_gone():
    rig = Rig.make()
    rig.when(in_step(1, "Preparing"), lambda: joins(rig))  # a pin keeps users off it until the first shift
    release = rig.run()
    assert release.outcome is Outcome.HELD, release.reason
    assert release.reason == (
        f"the shift was not seen to take effect within {release.spec.limits.shift:g} s: {ANSWERS}; "
        "`deliver resume` goes on once that is over"
    )
    again = rig.verb("resume")
    assert (again.outcome, again.reason) == (Outcome.HELD, release.reason), "it is there yet"
    rig.remove("pods", "migrate-x7")
    rig.world.clock.wait(10)
    assert rig.verb("resume").outcome is Outcome.PROMOTED


def test_a_rollback_does_not_wait_for_it_and_says_what_is_true():
    rig = Rig.make()
    before = rig.before()
    rig.when(in_step(2, "Baking"), lambda: joins(rig))
    rig.when(lambda release: bool(told(release, Event.STRANGERS)), lambda: rig.ask("abort"))
    release = rig.run()
    assert (release.outcome, rig.before()) == (Outcome.ROLLED_BACK, before), release.reason
    assert told(release, Event.TRAFFIC_OFF) == ["traffic is off the new version"], "a pinned Service does not lead to it"


def test_one_that_a_pin_does_not_shut_out_is_no_secret_on_the_way_back():
    rig = Rig.make()

    def copied() -> None:
        """Its template has the hash label of the stable pods too."""
        joins(rig, {HASH: rig.record().snapshot.hash})

    rig.when(in_step(2, "Baking"), copied)
    rig.when(lambda release: bool(told(release, Event.STRANGERS)), lambda: rig.ask("abort"))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK, release.reason
    assert told(release, Event.TRAFFIC_OFF) == ["traffic is off the new version, besides pod migrate-x7 of Job migrate"]


def test_status_names_it_and_counts_it_among_the_endpoints():
    rig = Rig.make()
    shown: list[str] = []
    rig.when(in_step(2, "Baking"), lambda: joins(rig))
    seen = rig.reporter.on_update

    def update(release: Release, look: Any) -> None:
        seen(release, look)
        if told(release, Event.STRANGERS) and not shown:
            shown.append(status_text(release, look, rig.world.clock.now()))

    rig.reporter.on_update = update
    rig.run()
    assert f"  {ANSWERS}" in shown[0].splitlines(), shown[0]
    assert "of 9 ready endpoints" in shown[0] and "1 of them no part of the release" in shown[0], shown[0]
