"""Unleash over its admin API: rollout by conditional patch, kill by the environment, restore, and every way to be refused."""

import copy
import json
from types import SimpleNamespace

import httpx
import pytest
from pydantic import ValidationError

from deliver.flags.http import FlagHttpClient
from deliver.flags.unleash.backend import Unleash
from deliver.flags.unleash.options import UnleashOptions
from deliver.model.errors import ClusterError, Conflict, Forbidden, NotFound, Rejected, Superseded, Unreachable
from deliver.plugins.flags import FlagReach, Mark
from tests.flags.support import MARK
from tests.flags.unleash_server import ADMIN, CLIENT, STRATEGY, URL, VIEWER, FakeUnleash

FLAG = "new-checkout"


class Desk:
    def __init__(self):
        self.server, self.now, self.confirmed = FakeUnleash(), 0.0, 0
        self.backend = self.again()
        self.write = SimpleNamespace(confirm=self._confirm)

    def _confirm(self):
        self.confirmed += 1

    def again(self, token=ADMIN, **options):
        reach = FlagReach("shop", None, None, None, None, {"UNLEASH_TOKEN": token} if token else {})
        wanted = UnleashOptions.model_validate({"url": URL, "environment": "development", **options})
        return Unleash(wanted, reach, self.server.caller, clock=lambda: self.now)

    def set(self, percent, mark=MARK, backend=None):
        backend = backend or self.backend
        return backend.set(self.write, FLAG, percent, mark, if_revision=backend.read(FLAG).revision)

    def check(self, **options):
        return [(one.rule, one.level) for one in self.again(**options).check(FLAG, {}, [])]


@pytest.fixture
def desk():
    return Desk()


# ------------------------------------------------------------------ set


def test_a_share_is_written_as_text_with_our_mark_and_the_stickiness_stays(desk):
    revision = desk.set(25)
    assert desk.server.strategy["parameters"] == {
        "groupId": "new-checkout",
        "rollout": "25",
        "stickiness": "default",
        "deliver": f"{MARK.release}/1/7",
    }
    state = desk.backend.read(FLAG)
    assert (state.percent, state.revision, state.release, state.fence) == (25, revision, MARK.release, 7)


@pytest.mark.parametrize("percent", [-1, 101, 0.5, 33.3])
def test_what_the_server_would_take_and_the_sdks_would_misread_is_never_sent(desk, percent):
    with pytest.raises(Rejected):
        desk.set(percent)
    assert desk.server.writes == []


def test_somebody_elses_edit_is_a_conflict(desk):
    old = desk.backend.read(FLAG).revision
    desk.server.strategy["parameters"]["rollout"] = "40"
    with pytest.raises(Conflict):
        desk.backend.set(desk.write, FLAG, 5, MARK, if_revision=old)
    assert desk.server.writes == []


def test_an_edit_between_our_reading_and_our_write_is_a_conflict_too(desk):
    desk.server.before = lambda: desk.server.strategy["parameters"].update(rollout="40")
    with pytest.raises(Conflict):
        desk.set(5)
    assert desk.server.strategy["parameters"]["rollout"] == "40"


def test_a_strategy_that_somebody_added_right_after_our_write_is_not_taken_for_ours(desk):
    def late():
        desk.server.flag["strategies"].append({**copy.deepcopy(STRATEGY), "id": "other"})

    desk.server.before = late
    with pytest.raises(Conflict, match="right after"):
        desk.set(5)


def test_the_same_step_written_again_changes_nothing(desk):
    old = desk.backend.read(FLAG).revision
    revision = desk.set(5)
    assert desk.again().set(desk.write, FLAG, 5, MARK, if_revision=old) == revision
    assert desk.server.writes == ["rollout 5"]


def test_an_older_fence_changes_nothing(desk):
    desk.set(5, Mark(MARK.release, 1, 8))
    with pytest.raises(Superseded):
        desk.set(25, Mark(MARK.release, 2, 7))


def test_the_lock_is_asked_before_each_write(desk):
    desk.set(5)
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.confirmed == 2

    def lost():
        raise Superseded("held by another")

    desk.write.confirm = lost
    writes = list(desk.server.writes)
    desk.server.flag["enabled"] = True
    for act in (lambda: desk.set(25), lambda: desk.backend.kill(desk.write, FLAG, MARK), lambda: desk.backend.release(desk.write, FLAG)):
        with pytest.raises(Superseded):
            act()
    assert desk.server.writes == writes


def test_an_environment_that_is_off_is_not_turned_on_by_a_release_that_did_not_turn_it_off(desk):
    desk.server.flag["enabled"] = False
    with pytest.raises(Rejected, match="is off in `development`"):
        desk.set(5)
    assert desk.server.writes == []


def test_a_step_turns_nothing_on_not_even_after_its_own_kill(desk):
    """No release goes forward again after its kill: what is off then is off by somebody."""
    desk.set(5)
    desk.backend.kill(desk.write, FLAG, MARK)
    with pytest.raises(Rejected):
        desk.set(10, Mark(MARK.release, 2, 8))
    assert "on" not in desk.server.writes


# ------------------------------------------------------------------ kill, restore, release


def test_a_kill_turns_the_environment_off_whatever_stands_there(desk):
    desk.set(50)
    desk.server.flag["strategies"].append({**copy.deepcopy(STRATEGY), "id": "other", "name": "default"})
    desk.backend.kill(desk.write, FLAG, MARK)
    assert not any(desk.server.serves(f"user-{n}") for n in range(100))


def test_a_kill_that_the_server_took_and_did_not_do_is_not_believed(desk):
    desk.set(50)
    plain = desk.server._answer
    lying = httpx.MockTransport(lambda request: httpx.Response(200) if request.url.path.endswith("/off") else plain(request))
    desk.server.caller = FlagHttpClient(transport=lying)
    with pytest.raises(Unreachable, match="still has it on"):
        desk.again().kill(desk.write, FLAG, MARK)


@pytest.mark.parametrize("rollout", ["0", "20"])
def test_restore_puts_back_all_of_it(desk, rollout):
    desk.server.strategy["parameters"]["rollout"] = rollout
    before, flag = desk.backend.read(FLAG), copy.deepcopy(desk.server.flag)
    desk.set(50)
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.again().restore(desk.write, FLAG, before.document, MARK) == before.revision
    assert desk.server.flag == flag
    assert desk.server.writes[-2:] == [f"rollout {rollout}", "on"]  # in this order: nobody gets the treatment in between


def test_a_strategy_that_somebody_removed_cannot_be_put_back_and_the_flag_stays_off(desk):
    before = desk.backend.read(FLAG)
    desk.set(50)
    desk.backend.kill(desk.write, FLAG, MARK)
    desk.server.flag["strategies"].clear()
    with pytest.raises((Rejected, NotFound)):
        desk.backend.restore(desk.write, FLAG, before.document, MARK)
    assert desk.server.flag["enabled"] is False


def test_a_promoted_flag_keeps_no_mark(desk):
    desk.set(100)
    desk.backend.release(desk.write, FLAG)
    assert "deliver" not in desk.server.strategy["parameters"]
    assert desk.backend.read(FLAG).percent == 100


# ------------------------------------------------------------------ confirm


def test_it_is_confirmed_by_the_servers_evaluation_once_the_applications_have_asked(desk):
    revision = desk.set(25)
    waiting = desk.backend.confirm(FLAG, revision, 25, [])
    assert (waiting.acked, waiting.total) == (0, 1)
    assert "the applications ask every 15 s" in waiting.missing[0]
    desk.now = 15.0
    ack = desk.backend.confirm(FLAG, revision, 25, [])
    assert ack.whole
    assert ack.percent == pytest.approx(25, abs=6)


def test_a_share_that_the_server_does_not_serve_is_found(desk):
    revision, desk.now = desk.set(25), 15.0
    desk.server.serves = lambda user: True
    assert "wanted are 25 %" in desk.backend.confirm(FLAG, revision, 25, []).disagree


def test_a_kill_is_confirmed_by_evaluation(desk):
    desk.set(50)
    revision, desk.now = desk.backend.kill(desk.write, FLAG, MARK), 15.0
    assert desk.backend.confirm(FLAG, revision, 0, []).percent == 0
    desk.backend = desk.again()
    desk.now = 30.0
    desk.server.serves = lambda user: True
    assert not desk.backend.confirm(FLAG, revision, 0, []).whole


def test_the_server_is_asked_for_all_users_once_a_revision(desk):
    revision = desk.set(25)
    for desk.now in (0.0, 5.0, 15.0, 30.0):
        desk.backend.confirm(FLAG, revision, 25, [])
    assert sum("playground" in str(one.url) for one in desk.server.sent) == 2


@pytest.mark.parametrize("stickiness", ["sessionId", "companyId"])
def test_made_up_users_are_what_the_strategy_tells_apart(desk, stickiness):
    desk.server.strategy["parameters"]["stickiness"] = stickiness
    desk.backend.confirm(FLAG, desk.set(25), 25, [])
    context = json.loads(desk.server.sent[-1].content)["context"]
    assert stickiness in context or stickiness in context["properties"]


# ------------------------------------------------------------------ what has no percentage


def other(**more):
    return {**copy.deepcopy(STRATEGY), "id": "other", **more}


@pytest.mark.parametrize(
    ("strategies", "why"),
    [
        ([], "no strategy in use"),
        ([other(disabled=True)], "no strategy in use"),
        ([other(), copy.deepcopy(STRATEGY)], "2 strategies, which are or-ed"),
        ([other(name="default", parameters={})], "`default`, which has no percentage"),
        ([other(constraints=[{"contextName": "country"}])], "has constraints"),
        ([other(segments=[1])], "has segments"),
        ([other(variants=[{"name": "blue"}])], "has variants"),
        ([other(parameters={"rollout": "0.5"})], "no whole percentage"),
        ([other(parameters={"rollout": "101"})], "no whole percentage"),
    ],
)
def test_a_flag_without_a_percentage_says_what_it_has_instead(desk, strategies, why):
    desk.server.flag["strategies"] = strategies
    state = desk.backend.read(FLAG)
    assert state.percent is None
    assert why in state.why


def test_a_strategy_that_is_named_is_driven_and_the_others_stay(desk):
    desk.server.flag["strategies"] = [other(constraints=[{"contextName": "country"}]), copy.deepcopy(STRATEGY)]
    backend = desk.again(strategy="other")
    revision = desk.set(25, backend=backend)
    assert [one["parameters"]["rollout"] for one in desk.server.flag["strategies"]] == ["25", "0"]
    desk.now = 15.0
    ack = backend.confirm(FLAG, revision, 25, [])
    assert ack.percent is None
    assert "not evaluated" in ack.how
    assert desk.again(strategy="nope").read(FLAG).percent is None


def test_a_strategy_that_is_switched_off_beside_ours_is_in_nobodys_way(desk):
    desk.server.flag["strategies"].append(other(disabled=True))
    assert desk.set(25)
    assert desk.backend.read(FLAG).percent == 25


def test_off_is_zero(desk):
    desk.server.strategy["parameters"]["rollout"] = "40"
    desk.server.flag["enabled"] = False
    assert desk.backend.read(FLAG).percent == 0


# ------------------------------------------------------------------ before a release


def test_a_plain_flag_may_be_released_and_asking_changes_nothing(desk):
    assert desk.check() == []
    assert desk.server.writes == []


def test_rights_to_kill_are_asked_for_before_the_release(desk):
    found = desk.again(token=VIEWER).check(FLAG, {}, [])
    assert (found[0].rule, found[0].level) == ("unleash", "input")
    assert "may not turn a flag off, which a rollback needs" in found[0].message
    assert desk.server.writes == []


def test_change_requests_dependencies_random_users_and_marks(desk):
    desk.server.change_requests = [{"environment": "production", "changeRequestEnabled": True}]
    assert desk.check() == []
    desk.server.change_requests.append({"environment": "development", "changeRequestEnabled": True})
    desk.server.feature["dependencies"] = [{"feature": "parent"}]
    desk.server.strategy["parameters"].update(stickiness="random", deliver="web-1/1/1")
    assert desk.check() == [(rule, "refuse") for rule in ("approvals", "depends", "random", "marked")]


def test_an_archived_flag(desk):
    desk.server.feature = None
    assert "archived" in desk.backend.check(FLAG, {}, [])[0].message


@pytest.mark.parametrize(
    ("options", "kind", "says", "hint"),
    [
        ({"project": "shopp"}, NotFound, "no project `shopp`", "`project`"),
        ({"environment": "developmnt"}, NotFound, "no environment `developmnt`", "did you mean `development`?"),
        ({"url": f"{URL}/elsewhere"}, Rejected, "does not answer as Unleash does", "without /api"),
        ({"token": "*:*.exp1red"}, Forbidden, "wrong, revoked or expired", "UNLEASH_TOKEN"),
        ({"token": CLIENT}, Forbidden, "may not read flag `new-checkout`", "admin token"),
        ({"token": ""}, Rejected, "UNLEASH_TOKEN is not set", "export"),
        ({"token": "tw o"}, Rejected, "does not hold a token", ""),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_by_read_and_by_kill(desk, options, kind, says, hint):
    backend = desk.again(**options)
    with pytest.raises(kind) as refused:
        backend.read(FLAG)
    assert says in refused.value.what
    assert hint in refused.value.hint
    with pytest.raises(kind):
        backend.kill(desk.write, FLAG, MARK)
    assert desk.server.writes == []


def test_a_flag_that_is_not_there_names_the_one_that_was_meant(desk):
    with pytest.raises(NotFound) as missing:
        desk.backend.read("new-chekout")
    assert missing.value.hint == "did you mean `new-checkout`?"


def test_a_server_that_is_away(desk):
    desk.server.down = True
    for act in (lambda: desk.backend.read(FLAG), lambda: desk.backend.check(FLAG, {}, [])):
        with pytest.raises(Unreachable, match="connection refused"):
            act()


def test_no_token_in_any_message(desk):
    for token in (CLIENT, VIEWER, "*:*.exp1red", "s3cret\x07token"):
        backend = desk.again(token=token)
        said = repr(backend.check(FLAG, {}, []))
        try:
            backend.kill(desk.write, FLAG, MARK)
        except ClusterError as error:
            said += f"{error} {error.why} {error.hint} {error.state}"
        assert token not in said
        assert token.split(".")[-1] not in said


def test_a_redirect_is_not_followed_so_the_token_goes_nowhere_else(desk):
    hosts = []

    def elsewhere(request):
        hosts.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://evil.example/"})

    desk.server.caller = FlagHttpClient(transport=httpx.MockTransport(elsewhere))
    with pytest.raises(Rejected, match="sends us elsewhere"):
        desk.again().read(FLAG)
    assert set(hosts) == {"unleash.acme.dev"}


@pytest.mark.parametrize(
    "options",
    [
        {"url": URL},
        {"url": "unleash.acme.dev", "environment": "e"},
        {"url": "https://me:pass@unleash.acme.dev", "environment": "e"},
        {"url": f"{URL}?token=x", "environment": "e"},
        {"url": URL, "environment": "a/b"},
        {"url": URL, "environment": "e", "token": "x"},
        {"url": URL, "environment": "e", "token_env": "*:*.secret"},
    ],
)
def test_options_that_make_no_sense(options):
    with pytest.raises(ValidationError):
        UnleashOptions.model_validate(options)


def test_an_address_with_api_at_its_end_is_meant_without():
    assert UnleashOptions(url=f"{URL}/api/", environment="e").url == URL
