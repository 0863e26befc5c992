"""No action of the way forward is tried for ever: after `limits.ready` a person is told what was tried, and what the API server said."""

import pytest

from deliver.model.action import Verb
from deliver.model.journal import attempts
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
    assert release.reason.startswith("update-stable was tried"), release.reason
    assert release.reason.endswith("did not last: somebody undoes it")
    assert len(attempts(release.journal, Verb.UPDATE_STABLE)) <= MOST
    assert rig.world.traffic.tally.lost() == 0
