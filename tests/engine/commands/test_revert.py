"""`deliver rollback` after a promotion: to which version, once, and nothing that is not of the release."""

import pytest

from deliver.model.errors import InputError
from deliver.model.release import Outcome
from tests.engine.rig import Rig, in_step


def image(rig: Rig) -> str:
    text: str = rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    return text


def test_rollback_after_a_promotion_goes_to_the_version_before():
    rig = Rig.make()
    before = rig.before()
    rig.run()
    release = rig.verb("rollback", reason="slow logins")
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason == "rolled back by oncall@laptop: slow logins; back to registry/web:1.0.0 (before release 1)"
    assert rig.before() == before
    assert rig.world.traffic.tally.lost() == 0


def test_rollback_to_a_release_of_the_history():
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.run(rig.spec("registry/web:1.2.0"))
    assert image(rig) == "registry/web:1.2.0"
    rig.verb("rollback", to="1")
    assert image(rig) == "registry/web:1.1.0"


def test_a_second_rollback_does_not_go_further_back():
    """Two people on call type it at once: the version before is meant, once."""
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.run(rig.spec("registry/web:1.2.0"))
    rig.verb("rollback")
    with pytest.raises(InputError):
        rig.verb("rollback")
    assert image(rig) == "registry/web:1.1.0"


def test_rollback_after_a_release_that_was_taken_back_changes_nothing():
    """The newest release is undone already: the promotion before it is not meant."""
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.run(rig.spec("registry/web:2.0.0-crash"))
    with pytest.raises(InputError, match="nothing of shop/web can be rolled back"):
        rig.verb("rollback")
    assert image(rig) == "registry/web:1.1.0"


def test_rollback_to_a_number_while_a_release_is_held_is_refused():
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.when(in_step(2), lambda: rig.stop.request(2))
    assert rig.run(rig.spec("registry/web:1.2.0")).outcome is Outcome.HELD
    rig.stop = type(rig.stop)()
    with pytest.raises(InputError, match="under way"):
        rig.verb("rollback", to="1")
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert image(rig) == "registry/web:1.1.0"


def test_rollback_to_what_is_not_there():
    rig = Rig.make()
    with pytest.raises(InputError):
        rig.verb("rollback")
    rig.run()
    with pytest.raises(InputError, match="no promoted release `7`"):
        rig.verb("rollback", to="7")


def test_rollback_after_a_promotion_leaves_the_autoscaler_its_replicas():
    """It scales while the Deployment rolls back: its number is not ours to write."""
    rig = Rig.make(hpa=True)
    rig.run()
    rig.when(lambda release: release.spec.strategy == "rollback", lambda: rig.world.load.update({("shop", "web"): 7.0}))
    first = len(rig.world.cluster.calls)
    rig.world.load["shop", "web"] = 7.0
    rig.verb("rollback")
    written = [
        call.body["spec"]
        for call in rig.world.cluster.calls[first:]
        if call.changed and call.kind == "deployments" and isinstance(call.body, dict) and "spec" in call.body
    ]
    assert not [spec for spec in written if "replicas" in spec]


def test_rollback_after_a_promotion_keeps_what_became_of_the_services_since():
    rig = Rig.make()
    rig.run()
    rig.edit(
        "services",
        "web",
        {"spec": {"selector": {"tier": None, "app": "web"}, "ports": [{"name": "http", "port": 8080, "targetPort": 8080}]}},
    )
    rig.remove("services", "web")
    rig.world.clock.wait(1)
    rig.world.api.create(
        "services", "shop", {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}
    )
    service = rig.before()["services/web"]
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.before()["services/web"] == service


def test_where_only_kubectl_was_used_its_own_way_back_is_named():
    rig = Rig.make()
    rig.set_image("web", "registry/web:1.1.0")
    rig.world.clock.wait(60)
    before = rig.before()
    with pytest.raises(InputError) as told:
        rig.verb("rollback")
    assert told.value.why == "no release of it is recorded: what changed web was not deliver"
    assert told.value.hint == "`kubectl rollout undo deployment/web -n shop` goes back to revision 1 (registry/web:1.0.0)"
    assert rig.before() == before


def test_where_nothing_ever_changed_no_way_is_named_that_does_not_work():
    rig = Rig.make()
    with pytest.raises(InputError) as told:
        rig.verb("rollback")
    assert told.value.hint == "there is no other version of it in the cluster either: apply the one you want"


def test_after_a_release_that_was_taken_back_it_is_named_and_no_promotion_is_spoken_of():
    rig = Rig.make()
    rig.run(rig.spec("registry/web:2.0.0-crash"))
    with pytest.raises(InputError) as told:
        rig.verb("rollback")
    assert told.value.why == "the newest release of it, web-20260105-1 of registry/web:2.0.0-crash, is taken back already"
