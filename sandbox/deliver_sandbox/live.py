"""A sandbox for people and processes: on the machine's clock, with users, a Prometheus and an HTTP door."""

import contextlib
from collections.abc import Iterator

from deliver_sandbox import fixtures
from deliver_sandbox.clock import RealClock
from deliver_sandbox.http.server import Door
from deliver_sandbox.scrapes import Scraping
from deliver_sandbox.world import World

PAST = 120.0
"""Seconds that the application has been running when the door opens: its pods have an age, its metrics a history."""
KEEP = 3600.0
"""Seconds of scrapes that are kept."""
FASTEST_SCRAPE = 1.0


@contextlib.contextmanager
def live(*, seed: int = 1, speed: float = 1.0, port: int = 0, rps: float = 100.0, scrape: float = 5.0) -> Iterator[tuple[World, Door]]:
    """Namespace shop with Deployment web (4 pods, 1.0.0), Service web and users; monitoring/prometheus:9090.

    speed: pods start, crash and back off that many times faster, and `rps` and the rate of scrapes (at most one a second) are as many
    times higher. Clocks and time stamps are real at any speed, and so is every wait of the processes that talk to it.
    port: 0 for a free one. Raises OSError when it is taken.
    """
    clock = RealClock(speed, ago=PAST)
    world = fixtures.with_prometheus(fixtures.world(seed=seed, rps=rps * speed, scrape=scrape, clock=clock))
    with contextlib.closing(clock):
        clock.go()
        world.traffic.scrape(Scraping(max(scrape / speed, FASTEST_SCRAPE), apart=True))
        clock.after(0.0, lambda: _keep_going(world))
        with Door(world, port) as door:
            yield world, door


def _keep_going(world: World) -> None:
    """Requests are counted when somebody looks; look by ourselves, so that no look has days to account for."""
    world.traffic.forget(world.clock.now() - KEEP)
    world.clock.after(1.0, lambda: _keep_going(world))
