"""How Prometheus comes by its samples: what the judged worlds (tests/hunt) take for granted, seen on the lab too."""

import json
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote

import pytest

from tests.e2e.support.world import World

Make = Callable[..., World]
QUERY = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query="
EVERY = 2.0  # seconds between two scrapes, on the lab and on the sandbox
KNOWN = 6.0  # seconds in which a new pod is known as a target: the discovery gathers changes for five


def samples(shop: World, selector: str) -> dict[str, list[float]]:
    """Pod -> when its samples were taken."""
    found = json.loads(shop.hands.read(QUERY + quote(selector)))["data"]["result"]
    return {one["metric"]["pod"]: [at for at, _ in one["values"]] for one in found}


def test_each_pod_is_scraped_at_a_moment_of_its_own_and_keeps_it(world: Make) -> None:
    shop = world(replicas=4)
    shop.eventually("samples", lambda: min(map(len, samples(shop, up(shop, 30)).values()), default=0) >= 4)
    known = samples(shop, up(shop, 30))
    assert len(known) == 4
    assert all(later - earlier == pytest.approx(EVERY, abs=0.1) for taken in known.values() for earlier, later in pairwise(taken))
    assert len({round(taken[-1] % EVERY, 2) for taken in known.values()}) > 1


def test_a_young_pod_has_its_first_sample_within_a_scrape_and_what_discovery_takes(world: Make) -> None:
    shop = world(replicas=2)
    (old, _) = shop.hands.names("pods")
    before = set(shop.hands.names("pods"))
    shop.hands.delete(f"pod/{old}", wait=False)
    (young,) = shop.eventually("a new pod", lambda: set(shop.hands.names("pods")) - before)
    made = shop.pace.now()
    shop.eventually("its first sample", lambda: samples(shop, up(shop, 60)).get(young))
    assert samples(shop, up(shop, 60))[young][0] - made <= shop.at_most(KNOWN + EVERY + 2.0)


def up(shop: World, seconds: int) -> str:
    return f'up{{namespace="{shop.hands.namespace}",pod=~"web-.*"}}[{seconds}s]'
