"""`deliver rollback`: from the start of its process to the Service patched, as a watch on the Service sees it."""

import subprocess
import sys
import time

from bench.shop import Watch, shop
from bench.table import Row, percentile, spread
from tests.e2e.support.events import baking

RUNS = 20
LIMIT = 0.5  # seconds, p95


def measure(runs: int = RUNS) -> list[Row]:
    """Half of the runs with a driver that lives, half with a dead one. `kubectl patch` of the same Service in between, for the ratio."""
    ours: list[float] = []
    kubectl: list[float] = []
    with shop("rollback", replicas=2) as world:
        for run in range(runs):
            running = world.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "30m"}}, limits={"drain": "0s"})
            running.wait_for("the bake", baking(0))
            if run % 2:
                running.kill()
            watch = Watch(world, "service", "web", path="{.metadata.annotations}{.spec.selector}")
            kubectl.append(patched_by_kubectl(world, watch, run))
            begin = time.time()
            back = world.deliver.start("rollback", "web", "-n", world.namespace)
            ours.append(watch.first(lambda line: "pod-template-hash" in line.rpartition("}{")[2], begin) - begin)
            result = back.end()
            assert result.code == 0, result
            running.end() if not run % 2 else None
            watch.close()
            print(f"  run {run + 1}: deliver {ours[-1]:.3f} s, kubectl {kubectl[-1]:.3f} s", file=sys.stderr)
    p95, ratio = percentile(ours, 95), percentile(ours, 50) / percentile(kubectl, 50)
    return [
        Row("rollback, process start to Service patched", spread(ours), f"p95 <= {LIMIT} s", p95 <= LIMIT),
        Row("  kubectl patch service, the same way", spread(kubectl)),
        Row("  ratio of the medians", f"{ratio:.1f}"),
    ]


def patched_by_kubectl(world, watch: Watch, run: int) -> float:
    mark = f"run-{run}"
    command = ["kubectl", "-n", world.namespace, "patch", "service", "web", "-p", f'{{"metadata":{{"annotations":{{"bench":"{mark}"}}}}}}']
    begin = time.time()
    subprocess.run(command, env=world.environ, check=True, stdout=subprocess.DEVNULL)
    return watch.first(lambda line: mark in line, begin) - begin
