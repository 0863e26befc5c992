"""The contract of a notifier: an end to every call, plain errors, and no secret in any of them."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from deliver.model.errors import InputError
from deliver.plugins.notifiers import EVENTS, News, NotifyError
from deliver.testing.plugin import PluginContract, in_time


class NotifierContract(PluginContract):
    """options: of the class. alive, dead: environments in which it gets through, and in which nobody answers. secrets: values in them."""

    options: ClassVar[Mapping[str, Any]] = {}
    secrets: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def alive(self) -> Mapping[str, str]:
        """The author's."""

    @abstractmethod
    def dead(self) -> Mapping[str, str]:
        """The author's."""

    def _made(self, environ: Mapping[str, str]) -> Any:
        return self.plugin(self.plugin.Options.model_validate(dict(self.options)), environ)

    def test_every_event_gets_through(self) -> None:
        made = self._made(self.alive())
        for event in EVENTS:
            made.notify(News(event, f"shop/web web-1: {event}", 1000.0, {"id": "web-1", "kind": "Release"}), 5.0)

    def test_nobody_there_is_an_error_in_time_without_a_secret(self) -> None:
        made = self._made(self.dead())
        with in_time(2.0), pytest.raises(NotifyError) as caught:
            made.notify(News("held", "shop/web web-1: held", 1000.0, {"id": "web-1"}), 2.0)
        assert not any(secret in str(caught.value) for secret in self.secrets)

    def test_what_is_missing_in_the_environment_is_said_before_a_release(self) -> None:
        if self.secrets:  # they come from the environment, so they are missed there
            with pytest.raises(InputError):
                self._made({})
