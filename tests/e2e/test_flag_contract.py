"""The contract of a flag back end on a real Unleash: where it and the server in memory (tests/flags) differ, that one is wrong."""

import json
import os
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from deliver.flags.unleash.backend import Unleash
from deliver.flags.unleash.options import UnleashOptions
from deliver.plugins.flags import FlagReach
from deliver.testing import FlagBackendContract
from deliver.testing.flag_backends import MARK, Held
from tests.e2e.support.flagged import lab
from tests.e2e.support.unleashed import Server

pytestmark = [pytest.mark.cluster, pytest.mark.lab, pytest.mark.timeout(120)]
GERMANS = [{"contextName": "country", "operator": "IN", "values": ["DE"]}]


@pytest.fixture(scope="module")
def server() -> Server:
    lab("unleash", "up")
    return Server(lab("unleash", "env"))


class TestUnleash(FlagBackendContract):
    plugin: ClassVar[Any] = Unleash
    server: Server

    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        self.server = server

    def make(self) -> Held:
        self.server.flag()
        environ = {**os.environ, "UNLEASH_TOKEN": self.server.admin}
        reach = FlagReach("shop", _nothing, _nothing, _nothing, _nothing, environ)
        options = UnleashOptions.model_validate({"url": self.server.url, "environment": "development"})
        return Held(Unleash(options, reach), SimpleNamespace(confirm=lambda: None), self.server.name)

    def switched_off(self, held: Held) -> bool:
        was = self.server.state()["enabled"]
        self._click("off")
        return bool(was)

    def edited(self, held: Held) -> bool:
        self._strategy([{"op": "add", "path": "/constraints", "value": GERMANS}])
        return True

    def removed(self, held: Held) -> bool:
        self.server.ask("DELETE", f"/{self.server.name}")
        return True

    def _click(self, what: str) -> None:
        self.server.ask("POST", f"/{self.server.name}/environments/development/{what}")

    def _strategy(self, patch: list[dict[str, Any]]) -> None:
        id = self.server.state()["strategies"][0]["id"]
        self.server.ask("PATCH", f"/{self.server.name}/environments/development/strategies/{id}", patch)

    def _killed(self) -> tuple[Held, str]:
        held = self.able()
        before = held.backend.read(held.flag)
        held.backend.set(held.write, held.flag, 25.0, MARK, if_revision=before.revision)
        held.backend.kill(held.write, held.flag, MARK)
        return held, before.document

    def test_who_switches_on_and_off_again_over_our_kill_has_the_last_word(self) -> None:
        """Off before and after: the server's log tells the two apart."""
        held, before = self._killed()
        self._click("on")
        self._click("off")
        assert held.backend.undo(held.write, held.flag, before, MARK).left
        assert self.server.state()["enabled"] is False

    def test_on_is_never_pressed_over_a_flag_whose_only_strategy_somebody_disabled(self) -> None:
        """The server would put one there that gives it to everyone."""
        held, before = self._killed()
        self._strategy([{"op": "add", "path": "/disabled", "value": True}])
        assert held.backend.undo(held.write, held.flag, before, MARK).left
        state = self.server.state()
        assert (state["enabled"], len(state["strategies"])) == (False, 1)
        assert json.loads(before)["strategies"][0]["parameters"] == state["strategies"][0]["parameters"]


def _nothing(*_: object) -> Any:
    raise AssertionError("not asked for")
