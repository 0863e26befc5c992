"""The sandbox over HTTP: how fast a GET is answered, alone and while twenty drivers release on two hundred pods."""

import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from bench.table import Row, percentile
from deliver.cluster.client import connect
from deliver.engine import commands
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.release import Outcome
from deliver.model.spec import Analysis, Limits, ReleaseSpec, Target
from deliver_sandbox import fixtures
from deliver_sandbox.clock import RealClock
from deliver_sandbox.controllers.kubelet import Node
from deliver_sandbox.http.server import Door
from tests.engine.rig import Quiet

RELEASES, PODS = 20, 10
BUDGET = 3.0  # milliseconds
NEW = "registry/web:1.1.0"


def measure() -> list[Row]:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, _running(Path(folder)) as kubeconfig:
        address = Path(kubeconfig).with_suffix(".address").read_text()
        quiet = gets(address, 3.0)
        ends = context.Queue()
        drivers = context.Process(target=release_all, args=(kubeconfig, ends))
        drivers.start()
        busy: list[float] = []
        while drivers.is_alive() and ends.empty():
            busy += gets(address, 2.0)
        outcomes = ends.get(timeout=300)
        drivers.join()
    promoted = sum(outcome == Outcome.PROMOTED for outcome in outcomes)
    print(*sorted({outcome for outcome in outcomes if outcome != Outcome.PROMOTED}), sep="\n", end="", file=sys.stderr)
    alone = statistics.median(quiet)
    return [
        Row(f"sandbox over HTTP, a GET with {RELEASES * PODS} pods", _told(quiet), f"median < {BUDGET:g} ms", alone < BUDGET),
        Row(f"  while {RELEASES} releases run on them", _told(busy)),
        Row("  of these promoted", f"{promoted} of {RELEASES}", str(RELEASES), promoted == RELEASES),
    ]


def _told(times: list[float]) -> str:
    return f"median {statistics.median(times):.2f} ms, p95 {percentile(times, 95):.2f}, n {len(times)}"


def gets(address: str, seconds: float) -> list[float]:
    """Milliseconds of each GET of one Deployment, one after the other on one connection."""
    import http.client

    parts, found = urlsplit(address), []
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        connection.request("GET", f"{parts.path}/apis/apps/v1/namespaces/shop/deployments/web-3")
        assert connection.getresponse().read()
        found.append(1000 * (time.perf_counter() - began))
        time.sleep(0.005)
    connection.close()
    return found


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(str(folder), there))
    child.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        child.join(timeout=60)


def serve(folder: str, pipe: Connection) -> None:
    """In a process of its own: the world, on the machine's clock."""
    clock = RealClock(ago=120.0)
    made = fixtures.world(replicas=1, clock=clock, rps=100.0)
    made.kubelet.nodes.extend(Node(f"node-{i}", f"198.51.100.{i}") for i in range(3, 10))
    for i in range(RELEASES):
        made.api.create("deployments", "shop", fixtures.deployment(f"web-{i}", replicas=PODS))
        made.api.create("services", "shop", fixtures.service(f"web-{i}", f"web-{i}"))
    clock.wait(
        60.0, lambda: all(obj["status"].get("availableReplicas") == obj["spec"]["replicas"] for obj in made.api.list("deployments", "shop"))
    )
    clock.go()
    with Door(made) as door:
        file = Path(folder) / "kubeconfig"
        file.write_text(door.kubeconfig())
        file.with_suffix(".address").write_text(door.url)
        pipe.send(str(file))
        pipe.recv()
    clock.close()


def release_all(kubeconfig: str, ends: "multiprocessing.Queue[list[str]]") -> None:
    """In a process of its own: a driver in a thread for each release."""
    outcomes: list[str] = []
    threads = [Thread(target=lambda i=i: outcomes.append(release(kubeconfig, i, Quiet()))) for i in range(RELEASES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends.put(outcomes)


def release(kubeconfig: str, number: int, reporter: Reporter) -> str:
    """How it ended."""
    try:
        cluster = connect(kubeconfig)
        options = {"steps": [{"weight": 50, "bake": 5.0}], "bake": 5.0, "max_overshoot": 60}
        spec = ReleaseSpec(Target("shop", f"web-{number}"), NEW, "canary", options, analysis=Analysis(), limits=Limits(drain=2.0))
        proposal = commands.propose(cluster, spec, actor=f"bench-{number}", now=time.time())
        ended = commands.run(cluster, proposal, reporter=reporter, stop=Stop())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return str(ended.outcome)
