"""What people have reported of flag systems in public, played on a release that is taken back."""

import copy
import json
from typing import Any

import httpx
import pytest

from deliver.flags.http import FlagHttpClient
from deliver.model.errors import InputError
from tests.engine.driver.test_flag_undo import FLAG, STAFF, STAFF_RULE, WAS, UnleashRig, definition, taken_back
from tests.engine.driver.test_flagd_release import FlagdRig
from tests.engine.driver.test_flags import stopped
from tests.engine.rig import in_step
from tests.flags.support import Evaluator, treated
from tests.flags.unleash_server import STRATEGY


@pytest.fixture
def unleash() -> UnleashRig:
    return UnleashRig.make()


@pytest.fixture
def flagd() -> FlagdRig:
    return FlagdRig.make().begun()


def test_the_last_strategy_in_use_was_disabled_so_unleash_switched_the_environment_off_itself(unleash: UnleashRig):
    """Unleash 10302. To switch it on again would put a strategy there that gives it to everyone (Unleash 2137, 3543)."""

    def disable() -> None:
        for one in unleash.server.flag["strategies"]:
            one["disabled"] = True
        unleash.server.person(on=False)

    unleash.when(in_step(2), disable)
    assert unleash.run().outcome == "HELD"
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert "on" not in unleash.server.writes
    assert unleash.driven == {**STRATEGY, "disabled": True}
    assert len(unleash.server.flag["strategies"]) == 2


def test_a_flag_was_deleted_and_imported_again_from_what_was_exported_in_the_middle(unleash: UnleashRig):
    """Flagsmith 7166, Unleash's import: the same name, other strategies, with our share and our mark in them."""

    def again() -> None:
        export = copy.deepcopy(unleash.server.flag)
        for number, one in enumerate(export["strategies"]):
            one["id"] = f"imported-{number}"
        unleash.server.flags[FLAG] = export

    unleash.when(in_step(2), again)
    assert unleash.run().outcome == "HELD"
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    ours, staff = unleash.server.flag["strategies"]
    assert ours["parameters"] == STRATEGY["parameters"], "nobody has it by what we wrote"
    assert staff["parameters"] == STAFF["parameters"], "and who had it before by another rule has it still"
    assert [text.split(" was ")[1] for text in release.flag_left] == ["removed by somebody: it stays removed"] * 2 + [
        "added by somebody: it stays"
    ] * 2


def test_a_rule_that_ends_in_null_falls_back_to_the_default_which_was_ours(flagd: FlagdRig):
    """OpenTelemetry demo 3424 and 3817: targeting goes before defaultVariant, and null leads to it."""
    rule = {"if": [STAFF_RULE, "off", None]}

    def ruled(flag: dict[str, Any]) -> None:
        flag["targeting"] = rule

    flagd.when(in_step(3), lambda: flagd.put(json.dumps(edited(flagd, ruled))))
    assert flagd.run().outcome == "HELD"
    assert flagd.verb("rollback").outcome == "ROLLED_BACK"
    assert definition(flagd) == {**WAS, "targeting": rule}
    assert not treated(Evaluator(flagd.text()), 200)


def edited(rig: FlagdRig, edit: Any) -> Any:
    document = json.loads(rig.text())
    edit(document["flags"][FLAG])
    return document


def test_git_had_our_share_committed_and_puts_it_back_over_the_kill(flagd: FlagdRig):
    """What a self-healing controller does: killed again, since it is what we wrote, mark and all."""
    flagd.stopped()
    committed = flagd.text()
    flagd.when(lambda release: bool(release.traffic_off), lambda: flagd.put(committed))
    assert flagd.verb("rollback").outcome == "ROLLED_BACK"
    assert definition(flagd) == WAS


def test_the_configuration_was_taken_out_of_terraform_which_left_the_flag_serving_it_to_everyone(flagd: FlagdRig):
    """terraform-provider-launchdarkly 198: a share is a share, also of everyone."""

    def reset(flag: dict[str, Any]) -> None:
        flag.pop("targeting", None)
        flag.pop("metadata", None)
        flag["defaultVariant"] = "on"

    taken_back(flagd, reset, "in the release")
    assert definition(flagd) == {key: value for key, value in WAS.items() if key != "metadata"}, "their metadata is theirs to remove"


def test_a_rollback_that_is_asked_for_twice_changes_nothing_more(unleash: UnleashRig):
    unleash.when(in_step(2), lambda: unleash.server.person(on=False))
    assert unleash.run().outcome == "HELD"
    assert unleash.verb("rollback").outcome == "ROLLED_BACK"
    writes = list(unleash.server.writes)
    with pytest.raises(InputError):
        unleash.verb("rollback")
    assert unleash.server.writes == writes


class Died(BaseException):
    """As a SIGKILL."""


def dying(rig: UnleashRig, nth: int) -> httpx.MockTransport:
    """The server, whose nth write is this process's last deed."""
    writes: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        reply = rig.server._answer(request)
        if request.method in ("POST", "PATCH") and "playground" not in request.url.path:
            writes.append(request)
            if len(writes) == nth:
                raise Died
        return reply

    return httpx.MockTransport(answer)


@pytest.mark.parametrize("person", [False, True], ids=["nobody else", "a person switched it off"])
def test_a_rollback_that_dies_after_any_of_its_writes_ends_where_it_would_have(person: bool):
    deaths = 0
    for nth in range(1, 20):
        rig = UnleashRig.make()
        stopped(rig)
        if person:
            rig.server.person(on=False)
        well = rig.server.caller
        try:
            rig.server.caller = FlagHttpClient(transport=dying(rig, nth))
            rig.verb("rollback")
            break
        except Died:
            deaths += 1
        rig.server.caller = well
        assert rig.verb("rollback").outcome == "ROLLED_BACK"
        assert rig.server.flag == {**rig.before, "enabled": not person}, f"after write {nth}"
    assert deaths == (1 if person else 5), "told, off, share, on, untold; where it is off already, the share alone"
