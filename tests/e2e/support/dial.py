"""What time it is on the sandbox, for the processes that share it: a page that one of them writes and all read."""

import mmap
import struct
import time
from pathlib import Path

_BEGUN, _DONE, _PAGE = struct.Struct("=q"), struct.Struct("=8xq"), struct.Struct("=qqdddd")
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
        Path(path).write_bytes(_PAGE.pack(0, 0, rate, leap, now, _monotonic()))
        return cls(path)

    def now(self) -> float:
        """Unix seconds."""
        return self._at(_monotonic())

    def turn(self) -> None:
        """Let time go on."""
        machine = _monotonic()
        now, (rate, leap, _, _), (writes,) = self._at(machine), self._read(), _BEGUN.unpack_from(self._page)
        _BEGUN.pack_into(self._page, 0, writes + 1)
        _PAGE.pack_into(self._page, 0, writes + 1, writes, rate, leap, now, machine)
        _PAGE.pack_into(self._page, 0, writes + 1, writes + 1, rate, leap, now, machine)

    @property
    def rate(self) -> float:
        return self._read()[0]

    def _at(self, machine: float) -> float:
        rate, leap, then, since = self._read()
        return then + min((machine - since) * rate, leap)

    def _read(self) -> tuple[float, float, float, float]:
        """Nothing that is half written: the last write that was done, if none has begun since."""
        while True:
            (done,) = _DONE.unpack_from(self._page)
            begun, _, rate, leap, then, since = _PAGE.unpack_from(self._page)
            if begun == done == _BEGUN.unpack_from(self._page)[0]:
                return rate, leap, then, since
