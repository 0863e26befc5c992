"""Users of one Service whose fate is told second by second, as a load generator tells it. They come and go while the world runs."""

import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deliver_sandbox.chance import binomial, spread

if TYPE_CHECKING:
    from deliver_sandbox.traffic import Traffic

NO_ENDPOINT, REFUSED, RESET = "no endpoint", "connection refused", "connection reset"


@dataclass
class Second:
    """What came of the requests of one second. end: when it is over, unix seconds. failed: without any answer, by cause."""

    end: float
    versions: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


class Crowd:
    """rps requests a second. kept: on that many connections that stay open until their pod goes; 0: a new connection for each request.

    even: each pod answers badly or slowly exactly as often as its image does, with no chance in it: what is shown rests on how many
    requests there were, and not on the moments at which somebody looked.
    """

    def __init__(self, traffic: "Traffic", namespace: str, service: str, rps: float, kept: int = 0, *, even: bool = False) -> None:
        self.even = even
        self.traffic, self.namespace, self.service, self.rps = traffic, namespace, service, rps
        self.random = random.Random(f"crowd {namespace} {service} {kept}")
        self.seconds: list[Second] = []
        self._kept = [""] * kept
        self._turn = 0
        self._carry = 0.0
        self._begin = traffic.api.clock.now()

    def flow(self, since: float, to: float) -> None:
        """The requests between two moments in which nothing changed."""
        while since < to:
            second = self._second(since)
            until = min(second.end, to)
            amount = self._carry + self.rps * (until - since)
            whole = int(amount + 1e-9)
            self._carry = amount - whole
            self._ask(whole, second)
            since = until

    def cut(self, uid: str, latency: float, at: float) -> None:
        """A pod that crashes takes the requests that were under way there with it, and its connections."""
        view = self._view()
        places = self._kept or view
        under_way = self.rps * places.count(uid) / max(1, len(places)) * latency
        lost = int(under_way) + binomial(self.random, 1, under_way - int(under_way))
        if lost:
            self._second(at).failed[RESET] += lost
        self._kept = ["" if one == uid else one for one in self._kept]

    def _second(self, at: float) -> Second:
        end = self._begin + math.floor(at - self._begin + 1e-9) + 1.0
        if not self.seconds or self.seconds[-1].end < end - 1e-6:
            self.seconds.append(Second(end))
        return self.seconds[-1]

    def _view(self) -> tuple[str, ...]:
        return self.traffic.proxy.view(self.namespace, self.service)

    def _ask(self, n: int, second: Second) -> None:
        if not n:
            return
        view = self._view()
        if self._kept:
            for _ in range(n):
                self._serve(self._connection(view), 1, second)
        elif not view:
            second.failed[NO_ENDPOINT] += n
        else:
            for uid, count in zip(view, spread(self.random, n, [1.0] * len(view)), strict=True):
                self._serve(uid, count, second)

    def _connection(self, view: tuple[str, ...]) -> str:
        """The next one in turn; one whose pod has gone dials anew."""
        self._turn = (self._turn + 1) % len(self._kept)
        if not self.traffic.alive(self._kept[self._turn]):
            self._kept[self._turn] = self.random.choice(view) if view else ""
        return self._kept[self._turn]

    def _serve(self, uid: str, n: int, second: Second) -> None:
        if not n:
            return
        bad = self.traffic.serve(uid, n, None if self.even else self.random) if uid else None
        if bad is None:
            second.failed[REFUSED if uid else NO_ENDPOINT] += n
            return
        second.versions[self.traffic.pods[uid].image.partition("@")[0].rpartition(":")[2]] += n
        for status, count in (("200", n - bad), ("500", bad)):
            if count:
                second.statuses[status] += count
