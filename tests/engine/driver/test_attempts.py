"""No action of the way forward is tried for ever: after `limits.ready` a person is told what was tried, and what the API server said."""

import pytest

from deliver.engine.runtime.attempts import AttemptLog
from deliver.model.action import Action, Verb
from deliver.model.journal import attempts
from deliver.model.plan import ORIGINAL, Exposure, Side
from deliver.model.release import Outcome
from deliver_sandbox.faults import Fault, unreachable
from tests.engine.rig import GOOD, Rig

MOST = 140  # attempts in five minutes: the journal has to fit into an object, beside the history


def test_a_write_that_is_never_answered_holds_the_release_in_the_api_servers_words():
    """A webhook that hangs for Deployments; hostile input, objects 7005030: 5,000 attempts within 8 hours."""
    rig = Rig.make()
    rig.when(
        lambda release: release.phase == "Finishing",
        lambda: rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="deployments")),
    )
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert release.reason.startswith("update-stable was tried")
    assert "within 5 m" in release.reason
    assert unreachable()().what in release.reason
    assert len(attempts(release.journal, Verb.UPDATE_STABLE)) <= MOST
    assert rig.world.traffic.tally.lost() == 0


@pytest.mark.parametrize("after", [0.01, 0.5])
def test_what_somebody_undoes_at_once_each_time_holds_the_release_and_says_so(after: float):
    """KEDA and self-healing GitOps controllers put things back within milliseconds."""
    rig = Rig.make()

    old = rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"]

    def heal(change) -> None:
        web = change.kind == "deployments" and change.obj["metadata"]["name"] == "web"
        if web and change.obj["spec"]["template"]["spec"]["containers"][0]["image"] == GOOD:
            rig.world.clock.after(after, lambda: rig.set_image("web", old))

    rig.world.store.listen(heal)
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert release.reason.startswith("update-stable was tried 5 times within "), release.reason
    assert release.reason.endswith("did not last: kubectl-set undoes it: stop it for the release, or give it what the release wants")
    assert len(attempts(release.journal, Verb.UPDATE_STABLE)) == 5
    assert rig.world.traffic.tally.lost() == 0


def test_an_autoscaler_of_kedas_is_named_and_not_fought():
    """It puts minReplicas back within 20 ms."""
    rig = Rig.make(hpa=True)
    floor = rig.get("horizontalpodautoscalers", "web")["spec"]["minReplicas"]

    def heal(change) -> None:
        if change.kind == "horizontalpodautoscalers" and change.obj["spec"]["minReplicas"] != floor:
            back = {"spec": {"minReplicas": floor}}
            rig.world.clock.after(0.02, lambda: rig.edit("horizontalpodautoscalers", "web", back, "keda"))

    rig.world.store.listen(heal)
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert "hold-autoscaler" in release.reason
    assert "did not last: keda undoes it" in release.reason
    assert len(attempts(release.journal, Verb.HOLD_AUTOSCALER)) == 5


def test_a_write_that_stands_and_is_not_seen_yet_is_nobody_undoing_it():
    """The watch is silent for half a minute, and what was done is asked for again and again."""
    log, action = AttemptLog(), Action(Verb.HOLD_STABLE, "")
    for second in range(20):
        log.note(action, float(second), wrote=second == 0)
    assert log.in_vain(action, 20.0, 300.0) == ""


def test_two_moves_that_take_turns_are_nobody_undoing_one():
    """Users follow pods that come and go."""
    log = AttemptLog()
    home, both = Action(Verb.ROUTE, "", exposure=Exposure(Side.STABLE, "h")), Action(Verb.ROUTE, "", exposure=ORIGINAL)
    for second in range(0, 20, 2):
        log.note(home, float(second), wrote=True)
        log.note(both, float(second + 1), wrote=True)
    assert log.in_vain(home, 20.0, 300.0) == ""
