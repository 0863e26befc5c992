"""Admission as clusters have it: what it makes of our writes is ours, and what it would refuse is known before the first write."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.support import objects
from tests.e2e.support.admission import ANNOTATION, ENVIRON, NO_NEW, TEAM, Policy, digests, sidecar
from tests.e2e.support.events import Event, baking, did, ended, intends
from tests.e2e.support.process import Running
from tests.e2e.support.snapshot import differences, snapshot, with_image
from tests.e2e.support.world import World, image

Make = Callable[..., World]
OFF: dict[str, Any] = {"prometheus": None, "metrics": []}
CANARY: dict[str, Any] = {"canary": {"weight": [50], "bake": "4s"}}
BLUE_GREEN: dict[str, Any] = {"blue-green": {"preview_bake": "2s", "bake": "4s", "hold": "0s"}}
LONG: dict[str, Any] = {"canary": {"weight": [50], "bake": "10m"}}
RARELY = pytest.mark.slow  # on the lab: the sandbox plays it each time
STRATEGIES = pytest.mark.parametrize("strategy", [CANARY, pytest.param(BLUE_GREEN, marks=RARELY)], ids=["canary", "blue-green"])
FEW = 3
"""So often at most is one thing done in a whole release: what does not last is not written for ever."""


def _digest(shop: World) -> Policy:
    return digests({version: shop.place.digest(version) for version in ("1.0.0", "1.1.0")})


POLICIES: dict[str, Callable[[World], Policy]] = {
    "digest": _digest,
    "annotation": lambda shop: ANNOTATION,
    "environ": lambda shop: ENVIRON,
    "sidecar": lambda shop: sidecar(image("1.0.0")),
}
EACH = pytest.mark.parametrize("kind", [one if one == "digest" else pytest.param(one, marks=RARELY) for one in POLICIES])


@contextmanager
def admitted(shop: World, policy: Policy) -> Iterator[None]:
    """The policy was there before the application: its Deployment is as admission makes it."""
    with shop.place.admission(shop.namespace, policy):
        shop.hands.patch("deployment", "web", {"spec": {"template": {"metadata": {"annotations": {"example.com/restarted": "1"}}}}})
        shop.rolled_out()
        shop.eventually("the pods of before are gone", lambda: len(shop.hands.items("pods")) == len(shop.endpoints()))
        shop.before = snapshot(shop.hands)
        yield


def release(shop: World, **change: Any) -> Running:
    return shop.release("1.1.0", "--container", "web", **({"strategy": CANARY, "analysis": OFF} | change))


def promoted(shop: World, kind: str) -> None:
    """As `kubectl set image` would have left it: admission does to that what it did to ours."""
    new = f"{image('1.1.0')}@{shop.place.digest('1.1.0')}" if kind == "digest" else image("1.1.0")
    changed = differences(with_image(shop.before, new), snapshot(shop.hands))
    assert changed == [], "\n".join(changed)


def bounded(events: list[Event]) -> None:
    done = [str(event["event"]) for event in events if event.get("type") == "intent"]
    often = {action: done.count(action) for action in done if done.count(action) > FEW}
    assert not often, f"written over and over: {often}"


@EACH
@STRATEGIES
def test_a_release_is_promoted_where_admission_adds_to_what_is_written(world: Make, kind: str, strategy: dict[str, Any]) -> None:
    shop = world(replicas=2)
    with admitted(shop, POLICIES[kind](shop)), shop.users(40) as users:
        shop.file("1.1.0", strategy=strategy, analysis=OFF)
        plan = shop.deliver("plan", "--container", "web")
        assert plan.code == 0, plan
        assert ("admission adds to the pods of the new version: spec.containers[web].image" in plan.out) is (kind == "digest"), plan
        running = release(shop, strategy=strategy)
        ended(running.end(), 0, "PROMOTED")
        bounded(running.events)
        promoted(shop, kind)
    users.all_well()


@EACH
@pytest.mark.parametrize("moment", [pytest.param("the bake", marks=RARELY), "the finish"])
def test_a_rollback_gives_back_what_stood_where_admission_adds_to_what_is_written(world: Make, kind: str, moment: str) -> None:
    shop = world(replicas=2)
    with admitted(shop, POLICIES[kind](shop)), shop.users(40) as users:
        running = release(shop, **({"strategy": LONG} if moment == "the bake" else {}))
        running.wait_for(moment, baking(0) if moment == "the bake" else did("update-stable"))
        back = shop.on_target("rollback", "-o", "jsonl")
        ended(back, 0, "ROLLED_BACK")
        running.end()
        bounded(running.events)
        shop.unchanged()
    users.lost_none()


@pytest.mark.parametrize("boundary", [pytest.param("create-candidate", marks=RARELY), "update-stable"])
@pytest.mark.parametrize("kind", ["digest", pytest.param("sidecar", marks=RARELY)])
def test_what_a_killed_driver_wrote_is_known_as_ours_by_the_next(world: Make, kind: str, boundary: str) -> None:
    shop = world(replicas=2)
    with admitted(shop, POLICIES[kind](shop)), shop.users(40) as users:
        running = release(shop)
        running.wait_for(boundary, intends(boundary))
        running.kill()
        ended(shop.on_target("resume", "-o", "jsonl"), 0, "PROMOTED")
        promoted(shop, kind)
    users.all_well()


def test_an_image_that_somebody_writes_over_an_admitted_one_takes_the_release_back(world: Make) -> None:
    shop = world(replicas=2)
    with admitted(shop, _digest(shop)):
        running = release(shop, strategy=LONG)
        running.wait_for("the bake", baking(0))
        shop.hands.set_image("web-candidate", image("1.0.0"))
        result = running.end()
        ended(result, 3, "ROLLED_BACK")
        assert "candidate's image was changed" in result.out, result
        assert "by deliver" not in result.out, result
        shop.unchanged()


@STRATEGIES
def test_the_candidate_has_the_labels_that_a_policy_wants(world: Make, strategy: dict[str, Any]) -> None:
    shop = world(replicas=2)
    claims = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop", "helm.sh/chart": "web-1.0.0"}
    shop.hands.patch("deployment", "web", {"metadata": {"labels": {"team": "shop", **claims}}})
    with admitted(shop, TEAM), shop.users(40) as users:
        running = release(shop, strategy=strategy)
        running.wait_for("the candidate", did("create-candidate"))
        labels = shop.hands.get("deployment", "web-candidate")["metadata"]["labels"]
        ended(running.end(), 0, "PROMOTED")
        shop.as_with("1.1.0")
    users.all_well()
    assert labels["team"] == "shop"
    assert labels["app.kubernetes.io/managed-by"] == "deliver"
    assert not {"app.kubernetes.io/instance", "helm.sh/chart"} & labels.keys()


def refused(shop: World, *words: str) -> None:
    """`plan` and `run` say the same in the API server's words, and leave everything as it stands."""
    before = snapshot(shop.hands)
    shop.file("1.1.0", strategy=CANARY, analysis=OFF)
    planned, result = shop.deliver("plan"), shop.deliver("run")
    assert result.code == 9, result
    for word in words:
        assert word in " ".join(result.err.split()), f"`{word}` is not in {result}"
        assert word in " ".join(planned.said.split()), f"`{word}` is not in {planned}"
    assert "not permitted" not in result.said + planned.said, result
    assert snapshot(shop.hands) == before
    assert not [name for name in shop.hands.names("leases,configmaps") if name.startswith("deliver")]


@pytest.mark.parametrize("policy", [TEAM, NO_NEW], ids=lambda policy: str(policy.name))
def test_what_a_policy_would_refuse_is_refused_before_the_first_write_in_its_words(world: Make, policy: Policy) -> None:
    shop = world(replicas=2)
    with shop.place.admission(shop.namespace, policy):
        name = f"{shop.namespace}-{policy.name}"
        refused(shop, f"ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: {policy.message}")


def test_a_quota_of_objects_is_no_missing_right(world: Make) -> None:
    limit = objects.quota(pods=9) | {"spec": {"hard": {"count/deployments.apps": "1"}}}
    shop = world(replicas=2, extra=[limit])
    refused(shop, "exceeded quota: pods, requested: count/deployments.apps=1, used: count/deployments.apps=1")
