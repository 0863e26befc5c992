"""What a 3-step canary with bakes of 60 s asks of the API server, by its own audit log."""

from bench.shop import shop
from bench.table import Row
from tests.e2e.support.audit import Audit
from tests.e2e.support.lab import AUDIT_LOG

BAKE = 60
POLL = 5
WATCHED = ("pods", "endpointslices", "services", "replicasets", "deployments")


def measure(bake: int = BAKE) -> list[Row]:
    with shop("requests") as world, world.users(50):
        strategy = {"canary": {"weight": [10, 50], "bake": f"{bake}s"}}
        world.file("1.1.0", strategy=strategy, analysis={"poll": f"{POLL}s"}, limits={"drain": "10s"})
        audit = Audit(AUDIT_LOG)
        result = world.deliver("run", timeout=120 + 5 * bake)
        assert result.code == 0, result
        calls = audit.calls(world.namespace, agent="deliver/")
        metrics = audit.calls("monitoring", agent="python-requests")
    whole = calls.total() + metrics.total()
    rows = [Row(f"API requests of a 3-step canary, bakes of {bake} s, {result.took:.0f} s in all", str(whole))]
    rows += [Row(f"  {call.verb} {call.resource}", str(count)) for call, count in (calls + metrics).most_common()]
    reads = sum(count for call, count in calls.items() if call.verb in ("get", "list") and call.resource in WATCHED)
    limit = 60  # preflight, the first lists, one read before each guarded write, the last look; a poll each 5 s would be 200 and more
    rows.append(Row("  reads of what is watched", str(reads), f"<= {limit}", reads <= limit))
    return rows
