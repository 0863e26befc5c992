"""From the first bad sample in Prometheus to the traffic off the candidate, verified by the EndpointSlices."""

import json
import sys
import time
from functools import partial
from urllib.parse import quote

from bench.shop import Watch, shop
from bench.table import Row, spread
from tests.e2e.support.events import baking
from tests.e2e.support.world import ERRORS, World

RUNS = 10
POLL = 2.0
WINDOW = 6.0  # seconds: good requests of before dilute a sudden fault, so the trailing window is part of the answer
LIMIT = POLL + 1


def measure(runs: int = RUNS) -> list[Row]:
    took: list[float] = []
    with shop("breach") as world, world.users(100):
        for run in range(runs):
            analysis = {"poll": f"{POLL:g}s", "metrics": [ERRORS | {"window": f"{WINDOW:g}s"}]}
            running = world.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "30m"}}, analysis=analysis)
            running.wait_for("the bake", baking(0))
            time.sleep(6)
            bad = set(world.pods("1.1.0"))
            watch = Watch(
                world,
                "endpointslices",
                "-l",
                "kubernetes.io/service-name=web",
                path="{.endpoints[?(@.conditions.ready==true)].targetRef.name}",
            )
            begin = time.time()
            world.chaos("1.1.0", "errors=80")
            off = watch.first(partial(without, bad), begin)
            result = running.end()
            assert result.code == 3, result
            watch.close()
            first = first_bad_sample(world, bad, begin)
            took.append(off - first)
            print(f"  run {run + 1}: {took[-1]:.2f} s", file=sys.stderr)
    title = f"breach in the data to traffic off (poll {POLL:g} s, window {WINDOW:g} s)"
    return [Row(title, spread(took), f"<= {LIMIT:g} s", max(took) <= LIMIT)]


def without(pods: set[str], line: str) -> bool:
    return not pods & set(line.split())


def first_bad_sample(world: World, pods: set[str], after: float) -> float:
    """When Prometheus scraped the first sample that shows an error, unix seconds."""
    query = f'http_requests_total{{code="500",namespace="{world.namespace}",pod=~"{"|".join(sorted(pods))}"}}[2m]'
    path = f"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query={quote(query)}"
    answer = json.loads(world.hands.read(path))
    times = [float(at) for series in answer["data"]["result"] for at, value in series["values"] if float(at) > after and float(value) > 0]
    return min(times)
