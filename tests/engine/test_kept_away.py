"""From "traffic is off" on nobody gets the rejected version, whichever pods run it; and what is said of traffic is so."""

from dataclasses import replace

import pytest

from deliver.model.observation import RouteSeen
from deliver.model.plan import Side
from deliver.model.release import Release, RouteChange
from deliver.model.spec import Limits
from deliver.render.sentences import sentence
from deliver.traffic import endpoints
from deliver_sandbox.faults import Fault, Killed, killed
from deliver_sandbox.images import Behaviour
from tests.engine.invariants import is_ready, watched
from tests.engine.moments import BEGUN, HOME, NEW, NOW, decide, going_back, pods, route, seen, stable, waits
from tests.engine.rig import GOOD, Rig
from tests.journalled import outcome

OLD = "registry/web:1.0.0"
SLOW = {OLD: Behaviour(start=20.0), GOOD: Behaviour(start=20.0, errors=0.2)}


def half_new(rig: Rig, release: Release) -> bool:
    """The Deployment rolls, and half of its own ready pods run the new version."""
    pods = rig.world.store.every("pods", "shop") if release.course == "finish" else ()
    own = [pod for pod in pods if "deliver.dev/release" not in pod["metadata"]["labels"] and is_ready(pod)]
    return sum(pod["spec"]["containers"][0]["image"] == GOOD for pod in own) == 2


@pytest.mark.parametrize("services", [("web",), ("web", "web-internal")])
def test_pods_of_the_rejected_version_that_the_deployment_still_has_get_no_user(services: tuple[str, ...]):
    rig = Rig.make(images=SLOW, services=services)
    rig.edit("deployments", "web", {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}})
    rig.world.clock.wait(1.0)
    before, dog, tally = rig.before(), watched(rig), rig.world.traffic
    rig.when(lambda release: half_new(rig, release), lambda: rig.ask("abort"))
    release = rig.run(rig.spec(limits=Limits(drain=3.0)))
    assert release.outcome == "ROLLED_BACK"
    assert rig.before() == before
    assert release.lingering >= release.traffic_off > 0, "the Deployment was not whole yet when traffic was off"
    assert tally.tally.fresh_at[GOOD] <= release.traffic_off
    assert tally.tally.lost() == 0
    dog.check(release)


@pytest.mark.parametrize("recorded", [True, False], ids=["resumed", "without a record"])
def test_so_it_is_when_the_driver_died_there_and_another_takes_it_back(recorded: bool):
    rig = Rig.make(images=SLOW)
    rig.edit("deployments", "web", {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}})
    rig.world.clock.wait(1.0)
    before, dog, tally = rig.before(), watched(rig), rig.world.traffic
    rig.when(lambda release: half_new(rig, release), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run(rig.spec(limits=Limits(drain=3.0)))
    if not recorded:
        rig.remove("configmaps", "deliver-web")
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert rig.before() == before
    assert release.lingering >= release.traffic_off > 0
    assert tally.tally.fresh_at[GOOD] <= release.traffic_off
    assert tally.tally.lost() == 0
    dog.check(release if recorded else None)


def test_a_rollback_that_such_a_pod_keeps_from_ending_names_it():
    late = decide(going_back(since=NOW - 1800), seen(Side.STABLE, candidate=None, remains=("twin-a",)), NOW).release
    assert late.outcome == "ROLLBACK_FAILED"
    assert "a pod of the new version (twin-a) is still there" in late.reason


def test_a_stranger_who_keeps_leading_the_services_away_does_not_keep_the_candidate_alive():
    """While they lead to the stable side the candidate goes: it will not last until that is proven."""
    fought = going_back()
    for n in range(6):
        fought = outcome(fought, NOW - 1 + n / 10, "route stable", "done")
    decision = decide(fought, seen(Side.STABLE), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.why) == (
        "delete-candidate",
        "somebody keeps leading the Services away from the stable side: it goes while they lead there",
    )
    assert decision.release.traffic_off == 0.0
    assert decide(fought, seen(Side.STABLE, route=route(Side.STABLE, agreed=False)), NOW).action is None


def test_the_selectors_stay_pinned_while_such_a_pod_lives_and_that_is_said_once():
    """It may not be ready yet, or of another Deployment: it counts."""
    done = going_back(shift=RouteChange(Side.STABLE, HOME, NOW - 12, NOW - 12, NOW - 10), traffic_off=NOW - 10)
    look = seen(Side.STABLE, candidate=None, remains=("web-a", "web-b"))
    first = decide(done, look, NOW)
    assert first.action is None
    assert sentence(first.release.journal[-1], first.release) == (
        "2 pods of the new version (web-a, ...) are still there: until they are gone the Services stay pinned to the stable pods;"
        " connections open on them end with them"
    )
    assert waits(decide(first.release, look, NOW))
    assert str(decide(first.release, replace(look, remains=()), NOW + 2).action) == "restore-route"


def test_pods_on_their_way_out_that_still_serve_are_waited_for_within_a_limit():
    done = going_back(shift=RouteChange(Side.STABLE, HOME, NOW - 12, NOW - 12, NOW - 10), traffic_off=NOW - 10)
    look = seen(Side.STABLE, candidate=None, leaving=1)
    assert waits(decide(done, look, NOW))
    assert str(decide(done, look, NOW + 900).action) == "restore-route"


def test_selectors_that_lead_to_such_a_pod_are_pinned_again():
    """A driver of before had given them back, or a stranger."""
    again = decide(going_back(), seen(Side.BOTH, candidate=None, remains=("web-a",)), NOW)
    assert (str(again.action), again.action.hash if again.action else "") == ("route stable", HOME)
    assert str(decide(going_back(), seen(Side.BOTH, candidate=None), NOW).action) != "route stable"


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (seen(Side.BOTH, remains=("web-a",)), "the Services were led away from the stable side"),
        (seen(Side.STABLE, stable=stable(pods=pods(4, HOME, ready=False))), "the stable side has lost its last ready pod"),
    ],
    ids=["a stranger", "nobody else is ready"],
)
def test_that_traffic_is_off_is_taken_back_when_it_is_not_so_any_more(look, why: str):
    off = going_back(shift=RouteChange(Side.STABLE, HOME, NOW - 12, NOW - 12, NOW - 10), traffic_off=NOW - 10)
    decision = decide(off, look, NOW)
    assert (decision.release.traffic_off, decision.release.shift) == (0.0, None)
    assert sentence(decision.release.journal[-1], decision.release) == f"traffic is not off the new version any more: {why}"


def test_the_deployments_own_new_pods_are_another_side_too():
    """One pod of before is not enough to take all users while three others are ready."""
    rolling = stable(pods=pods(1, HOME) + pods(3, NEW))
    assert waits(decide(going_back(), seen(Side.BOTH, stable=rolling, candidate=None, remains=("x",)), NOW))
    two = stable(pods=pods(2, HOME) + pods(2, NEW))
    assert str(decide(going_back(), seen(Side.BOTH, stable=two, candidate=None, remains=("x",)), NOW).action) == "route stable"


# ---------------------------------------------------------------- by version


class Look:
    """Service web with these endpoints; the pods of strangers as objects."""

    def __init__(self, uids: list[str], strangers: dict[str, str]) -> None:
        ends = [{"conditions": {"ready": True}, "targetRef": {"uid": uid}} for uid in uids]
        labels = {"kubernetes.io/service-name": "web"}
        service = BEGUN.snapshot.services[0]
        self.objects = {
            "services": [{"metadata": {"name": "web", "uid": service.uid}, "spec": {"selector": dict(service.selector)}}],
            "endpointslices": [{"metadata": {"name": "web-1", "labels": labels}, "addressType": "IPv4", "endpoints": ends}],
            "pods": [
                {"metadata": {"name": uid, "uid": uid}, "spec": {"containers": [{"image": image}]}} for uid, image in strangers.items()
            ],
        }

    def get(self, kind: str, name: str):
        return next((one for one in self.objects[kind] if one["metadata"]["name"] == name), None)

    def list(self, kind: str):
        return self.objects[kind]


def counts(found: RouteSeen) -> tuple[int, int, int]:
    return found.stable, found.candidate, found.other


def test_endpoints_are_counted_by_what_they_run_whoever_made_the_pod():
    own = pods(3, HOME, images=(OLD,)) + pods(2, "rolled", images=(GOOD,)) + pods(1, "restarted", images=(OLD,))
    strangers = {"job": "registry/tool:1", "twin": f"{GOOD}@sha256:0"}
    look = Look([*(pod.uid for pod in own), *strangers, "gone"], strangers)
    assert counts(endpoints.read(look, BEGUN, own, ())) == (3, 3, 3)
    pinned_by_hash = replace(BEGUN, new_hash="restarted")
    assert counts(endpoints.read(look, pinned_by_hash, own, ())) == (3, 4, 2)


def test_what_is_said_of_a_move_is_said_of_all_ready_endpoints():
    moved = going_back(shift=RouteChange(Side.BOTH, "", NOW - 3, NOW - 2))
    mixed = route(Side.BOTH, stable=1, candidate=2, other=1)
    assert "2 of 4 ready endpoints run the new version, 50 %" in _proof(moved, mixed)
    assert "1 of 2 ready endpoints runs the new version, 50 %" in _proof(moved, replace(mixed, candidate=1, other=0))


def _proof(release: Release, found: RouteSeen) -> str:
    from deliver.engine.core.route import follow_route_change

    return sentence(follow_route_change(release, seen(route=found), NOW, Side.BOTH, "").journal[-1], release)
