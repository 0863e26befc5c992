"""Plays the stories with the code of 0.1.0 and keeps what its driver saved and decided; README.md says how to run it."""

import json
import lzma
import sys
from pathlib import Path
from typing import Any

from deliver.sandbox.faults import Fault, killed

from deliver.engine import driver
from deliver.model.codec import encode
from tests.engine.records_of_0_1_0.stories import NAMES, made

BIG = ("journal", "trail", "measures", "checks", "observed", "evidence")  # of a release: not compared whole


def played(name: str) -> dict[str, Any]:
    rig, spec = made(name)
    records: list[Any] = []
    decisions: list[Any] = []

    def saved(change: Any) -> None:
        data = dict(change.obj.get("data") or {}) if change.kind == "configmaps" and change.type != "DELETED" else {}
        if data.get("release") and (not records or records[-1]["release"] != data["release"]):
            records.append(data)

    real = driver.decide

    def decide(release: Any, seen: Any, now: float) -> Any:
        decision = real(release, seen, now)
        if release.outcome is None:
            old, new = encode(release), encode(decision.release)
            changed = {key: new[key] for key in new if new[key] != old[key] and key not in BIG}
            said = [[one["kind"], one["text"]] for one in new["journal"][len(old["journal"]) :]]
            one = {"release": json.dumps(old, separators=(",", ":")), "seen": encode(seen), "now": now}
            one |= {"action": encode(decision.action), "wake_at": decision.wake_at, "changed": changed, "said": said}
            if one["action"] or said or not decisions or decisions[-1]["changed"].keys() != changed.keys():
                decisions.append(one)
        return decision

    rig.world.store.listen(saved)
    driver.decide = decide
    try:
        if name.endswith("-killed"):
            rig.world.cluster.script.add(Fault(killed, actor="test@here", nth=60, times=1, applied=True))
            rig.outlived(spec)
        else:
            rig.run(spec)
    finally:
        driver.decide = real
    return {"records": records, "decisions": decisions}


folder = Path(sys.argv[1])
for name in NAMES:
    story = played(name)
    packed = lzma.compress(json.dumps(story, separators=(",", ":")).encode(), preset=9 | lzma.PRESET_EXTREME)
    (folder / f"{name}.json.xz").write_bytes(packed)
    outcome = json.loads(story["records"][-1]["release"])["outcome"]
    sys.stdout.write(f"{name} {outcome}: {len(story['records'])} records, {len(story['decisions'])} decisions, {len(packed)} bytes\n")
