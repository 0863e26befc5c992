"""What every family's contract asks."""

import time
from abc import ABC
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

SPARE = 1.0  # seconds beyond the timeout in which the last piece of an answer may end


class PluginContract(ABC):
    plugin: ClassVar[Any]

    def test_it_says_what_it_is(self) -> None:
        assert self.plugin.name
        assert self.plugin.summary


@contextmanager
def in_time(timeout: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun <= timeout + SPARE, "a call ends within its timeout"
