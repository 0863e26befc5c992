"""Unleash's switch: whose off it is, and a kill that waits for nothing to tell."""

import httpx
import pytest

from deliver.flags.http import FlagHttpClient
from tests.flags.support import MARK
from tests.flags.test_unleash import FLAG, Desk


@pytest.fixture
def desk():
    return Desk()


def test_a_kill_waits_for_no_strategy_that_is_removed_under_its_note(desk):
    desk.set(50)
    desk.server.before = desk.server.flag["strategies"].clear
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.server.flag["enabled"] is False


def test_a_token_that_may_turn_off_alone_can_kill(desk):
    """Without the note it is not known afterwards who did it: it stays off, which is the safe side."""
    before, answer = desk.backend.read(FLAG), desk.server._answer
    desk.set(50)

    def weak(request):
        return httpx.Response(403, json={"message": "no"}) if request.method == "PATCH" else answer(request)

    desk.server.caller = FlagHttpClient(transport=httpx.MockTransport(weak))
    desk.again().kill(desk.write, FLAG, MARK)
    assert desk.server.flag["enabled"] is False
    desk.server.caller = FlagHttpClient(transport=httpx.MockTransport(answer))
    assert desk.again().undo(desk.write, FLAG, before.document, MARK).left == (
        "environment `development` was switched off by somebody: it stays off",
    )
