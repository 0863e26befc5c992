"""Flag back ends against the real thing: pods that read a ConfigMap with flagd's provider, two generations of SDKs, an Unleash server."""

import json
import math
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from deliver.flags.flagd import Flagd
from deliver.flags.operator import OpenFeatureOperator
from deliver.flags.options import ConfigMapOptions, ResourceOptions
from deliver.model.errors import Conflict, Forbidden
from deliver.model.names import FENCE
from deliver.plugins.flags import Mark
from tests.e2e.support.flagged import DOCUMENT, FLAG, Flagged, application, confirmed, lab, mounted, set_to, until
from tests.e2e.support.unleashed import Server

pytestmark = [pytest.mark.cluster, pytest.mark.lab, pytest.mark.timeout(600)]
MARK = Mark("web-20261125-1", 1, 7)
PICK_UP = 5.0  # seconds from the write until every pod serves it


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Iterator[Flagged]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:40].strip("-")
    place = Flagged(f"flagback-{name}-{uuid.uuid4().hex[:6]}")
    yield place
    place.close()


def flagd(shop: Flagged, **options: object) -> Flagd:
    return Flagd(ConfigMapOptions.model_validate({"configmap": "web-flags", "users": 300, **options}), shop.reach())


@pytest.fixture
def app(shop: Flagged) -> dict[str, Any]:
    shop.configmap()
    return shop.run(application("web", lab("image", "flagd-python"), 2, *mounted()))


@pytest.fixture(scope="module")
def unleash() -> Server:
    lab("unleash", "up")
    return Server(lab("unleash", "env"))


def treated(variants: dict[str, str]) -> set[str]:
    return {user for user, variant in variants.items() if variant == "on"}


def test_steps_reach_every_pod_within_seconds_and_the_old_cohort_is_back_after_a_kill(shop: Flagged, app: dict[str, Any]) -> None:
    backend, pods = flagd(shop), shop.pods()
    assert backend.check(FLAG, app, shop.objects()) == []
    before = backend.read(FLAG)
    has: set[str] = set()
    for step, percent in enumerate((5, 25, 50)):
        revision = set_to(backend, shop.write, percent, step)
        ack, _ = confirmed(backend, revision, percent, pods)
        assert ack.whole, ack
        assert (ack.acked, ack.total) == (2, 2)
        now = treated(shop.variants(pods[0], 300))
        assert now == treated(shop.variants(pods[1], 300))
        assert has <= now, "a cohort only grows"
        p = percent / 100
        assert abs(len(now) - 300 * p) <= 4 * math.sqrt(300 * p * (1 - p)) + 1
        has = now

    revision = backend.kill(shop.write, FLAG, MARK)
    ack, took = confirmed(backend, revision, 0, pods)
    assert ack.whole, ack
    assert took < PICK_UP
    assert set(shop.variants(pods[0], 300).values()) == {"off"}

    revision = flagd(shop).restore(shop.write, FLAG, before.document, MARK)
    assert shop.text() == DOCUMENT
    ack, took = confirmed(backend, revision, 0, pods)
    assert ack.whole, ack
    assert took < PICK_UP
    notes = [one["metadata"].get("annotations") or {} for one in shop.objects()]
    assert not any("deliver.dev/flags" in note or FENCE in note for note in notes)


def test_a_promoted_flag_is_served_to_everyone_also_to_users_without_a_key(shop: Flagged, app: dict[str, Any]) -> None:
    backend, pods = flagd(shop), shop.pods()
    revision = set_to(backend, shop.write, 100)
    ack, _ = confirmed(backend, revision, 100, pods)
    assert ack.percent == 100
    backend.release(shop.write, FLAG)
    assert "deliver" not in shop.text()
    assert backend.read(FLAG).percent == 100


def test_a_kill_goes_over_a_strangers_edit_and_over_a_broken_document(shop: Flagged, app: dict[str, Any]) -> None:
    backend, pods = flagd(shop), shop.pods()
    revision = set_to(backend, shop.write, 50)
    confirmed(backend, revision, 50, pods)
    shop.edit(shop.text().replace("50000", "50001", 1).replace("50000", "49999", 1))
    with pytest.raises(Conflict):
        backend.set(shop.write, FLAG, 75, MARK, if_revision=revision)
    shop.edit(shop.text()[:-30])
    killed = backend.kill(shop.write, FLAG, MARK)
    ack, took = confirmed(backend, killed, 0, pods)
    assert ack.whole, ack
    assert took < PICK_UP


def test_pods_of_two_sdk_generations_disagree_about_users_and_that_is_found(shop: Flagged) -> None:
    shop.configmap()
    python = shop.run(application("web", lab("image", "flagd-python"), 1, *mounted()))
    shop.run(application("js", lab("image", "flagd-node"), 1, *mounted()))
    backend, pods = flagd(shop), shop.pods()
    assert backend.check(FLAG, python, shop.objects()) == []
    ack, _ = confirmed(backend, set_to(backend, shop.write, 5), 5, pods)
    assert "different hashes" in ack.disagree, ack
    with_either = treated(shop.variants(pods[0], 500)) | treated(shop.variants(pods[1], 500))
    assert len(with_either) > 500 * 0.05 * 1.5, "together they give it to more users than wanted"
    killed = backend.kill(shop.write, FLAG, MARK)
    ack, _ = confirmed(backend, killed, 0, pods)
    assert ack.whole, "about nobody they agree"


def test_a_mount_by_sub_path_never_sees_a_change_and_is_refused(shop: Flagged) -> None:
    shop.configmap()
    volumes, _ = mounted()
    mounts = [{"name": "flags", "mountPath": "/etc/flags/flags.json", "subPath": "flags.json"}]
    web = shop.run(application("web", lab("image", "flagd-python"), 1, volumes, mounts))
    assert [one.rule for one in flagd(shop).check(FLAG, web, shop.objects())] == ["sub-path"]


def test_pods_that_answer_no_ofrep_are_found_before_the_release(shop: Flagged, app: dict[str, Any]) -> None:
    found = flagd(shop, port=8099).check(FLAG, app, shop.objects())
    assert [one.rule for one in found] == ["no-ofrep"]
    assert "connection refused" in found[0].message


def test_the_roles_that_are_shipped_are_enough(shop: Flagged, app: dict[str, Any]) -> None:
    weak = shop.account("operator", "flags")
    backend = Flagd(ConfigMapOptions.model_validate({"configmap": "web-flags", "users": 50}), weak.reach())
    before, pods = backend.read(FLAG), shop.pods()
    assert backend.check(FLAG, app, shop.objects()) == []
    ack, _ = confirmed(backend, set_to(backend, weak.write, 50), 50, pods)
    assert ack.whole, ack
    ack, took = confirmed(backend, backend.kill(weak.write, FLAG, MARK), 0, pods)
    assert ack.whole, ack
    assert took < PICK_UP, "the kubelets were woken"
    backend.restore(weak.write, FLAG, before.document, MARK)
    assert shop.text() == DOCUMENT


# ------------------------------------------------------------------ the operator's resource


@pytest.fixture
def resource(shop: Flagged) -> Iterator[None]:
    """The operator itself is not here; its definition is, and who reads the resource is of no concern to who writes it."""
    shop.define()
    body = {"metadata": {"name": "flags"}, "spec": {"flagSpec": {"flags": json.loads(DOCUMENT)["flags"]}}}
    until(lambda: shop.tried("featureflags", body), 20)
    yield


def test_the_operators_resource_keeps_our_marks_and_is_put_back(shop: Flagged, resource: None) -> None:
    backend = OpenFeatureOperator(ResourceOptions.model_validate({"resource": "flags", "port": 0}), shop.reach())
    before = shop.cluster.get("featureflags", shop.namespace, "flags")
    state = backend.read(FLAG)
    revision = set_to(backend, shop.write, 25)
    now = backend.read(FLAG)
    assert (now.percent, now.revision, now.release) == (25, revision, MARK.release)
    with pytest.raises(Conflict):
        backend.set(shop.write, FLAG, 50, Mark(MARK.release, 2, 7), if_revision=state.revision)
    backend.kill(shop.write, FLAG, MARK)
    assert backend.read(FLAG).percent == 0
    assert backend.restore(shop.write, FLAG, state.document, MARK) == state.revision
    after = shop.cluster.get("featureflags", shop.namespace, "flags")
    assert after["spec"] == before["spec"]
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")


# ------------------------------------------------------------------ Unleash


def test_unleash_serves_each_step_to_the_clients_and_the_old_state_is_back_after_a_kill(shop: Flagged, unleash: Server) -> None:
    unleash.flag()
    environ = {"UNLEASH_URL": f"{unleash.url}/api", "UNLEASH_TOKEN": unleash.client, "UNLEASH_REFRESH": "1", "FLAG": unleash.name}
    shop.run(application("web", lab("image", "unleash-python"), 1, [], [], **environ))
    pod, backend = shop.pods()[0], unleash.backend(shop)
    assert backend.check(unleash.name, {}, []) == []
    before, has = backend.read(unleash.name), set[str]()
    for step, percent in enumerate((5, 25, 50)):
        now = backend.read(unleash.name)
        revision = backend.set(shop.write, unleash.name, percent, Mark(MARK.release, step, 7), if_revision=now.revision)
        ack, _ = confirmed(backend, revision, percent, [pod], flag=unleash.name)
        assert ack.whole, ack
        got = treated(shop.variants(pod, 300))
        assert has <= got, "a cohort only grows"
        assert len(got) > len(has)
        has = got

    revision = backend.kill(shop.write, unleash.name, MARK)
    ack, took = confirmed(backend, revision, 0, [pod], flag=unleash.name)
    assert ack.percent == 0
    assert took < PICK_UP
    assert set(shop.variants(pod, 300).values()) == {"off"}
    assert unleash.backend(shop).restore(shop.write, unleash.name, before.document, MARK) == before.revision
    assert unleash.state() == unleash.made


def test_unleash_refuses_what_a_stranger_changed_and_a_kill_goes_over_it(shop: Flagged, unleash: Server) -> None:
    unleash.flag()
    backend = unleash.backend(shop)
    old = backend.read(unleash.name).revision
    unleash.stranger("25")
    with pytest.raises(Conflict):
        backend.set(shop.write, unleash.name, 5, MARK, if_revision=old)
    backend.kill(shop.write, unleash.name, MARK)
    assert unleash.state()["enabled"] is False


def test_unleash_tells_a_wrong_an_expired_and_a_weak_token_apart_before_a_release_and_for_a_kill(shop: Flagged, unleash: Server) -> None:
    unleash.flag()
    for token, says in (
        ("*:*.nonsense", "wrong, revoked or expired"),
        (unleash.expired, "wrong, revoked or expired"),
        (unleash.client, "may not"),
    ):
        backend = unleash.backend(shop, token)
        found = backend.check(unleash.name, {}, [])
        assert [one.level for one in found] == ["input"]
        assert says in found[0].message
        with pytest.raises(Forbidden):
            backend.kill(shop.write, unleash.name, MARK)
        assert token not in repr(found)
    assert unleash.state() == unleash.made


def test_unleash_says_which_name_is_wrong(shop: Flagged, unleash: Server) -> None:
    unleash.flag()
    assert f"did you mean `{unleash.name}`?" in unleash.backend(shop).check(unleash.name[:-1], {}, [])[0].hint
    assert "no project `shopp`" in unleash.backend(shop, project="shopp").check(unleash.name, {}, [])[0].message
    assert "did you mean `development`?" in unleash.backend(shop, environment="developmnt").check(unleash.name, {}, [])[0].hint
