"""What time it is on the sandbox, for the processes that share it: a page that one of them writes and all read."""

import mmap
import struct
import time
from pathlib import Path

_COUNT, _TIME, _PAGE = struct.Struct("=q"), struct.Struct("=dddd"), struct.Struct("=qqdddd")
_BEGUN, _DONE, _SINCE = 0, 8, 16  # offsets: writes begun, writes done, then rate, leap, and when it was what time
_monotonic = time.monotonic


class Dial:
    """Time passes `rate` times as fast as the machine's, from one turn() to the next, and no more than `leap` seconds in between.

    So it stands still when nobody turns it: who gets no turn from a busy machine does not find that everybody else's minute is over.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with Path(path).open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _PAGE.size)

    @classmethod
    def make(cls, path: str, rate: float, leap: float, now: float) -> "Dial":
        Path(path).write_bytes(_PAGE.pack(1, 1, rate, leap, now, _monotonic()))
        return cls(path)

    def now(self) -> float:
        """Unix seconds."""
        return self._at(_monotonic())

    def turn(self) -> None:
        """Let time go on."""
        machine = _monotonic()
        now, (rate, leap, _, _), (writes,) = self._at(machine), self._read(), _COUNT.unpack_from(self._page, _BEGUN)
        _COUNT.pack_into(self._page, _BEGUN, writes + 1)
        _TIME.pack_into(self._page, _SINCE, rate, leap, now, machine)
        _COUNT.pack_into(self._page, _DONE, writes + 1)

    @property
    def rate(self) -> float:
        return self._read()[0]

    def _at(self, machine: float) -> float:
        rate, leap, then, since = self._read()
        return then + min((machine - since) * rate, leap)

    def _read(self) -> tuple[float, float, float, float]:
        """Nothing that is half written: the last write that was done, if none has begun since.

        Counts begin with 1: pack_into fills its bytes with zeros before it writes them, and a reader may see that.
        """
        while True:
            (done,) = _COUNT.unpack_from(self._page, _DONE)
            begun, _, rate, leap, then, since = _PAGE.unpack_from(self._page)
            if begun == done == _COUNT.unpack_from(self._page, _BEGUN)[0] != 0:
                return rate, leap, then, since
