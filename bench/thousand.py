"""A thousand metrics judged by evidence in one look: CPU time of the analysis."""

import time

from bench.table import Row
from deliver.analysis import sequential_test
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Calibration, Tally, Track

METRICS = 1000
LIMIT = 1.0
RULES = Rules(margin=1.2)
# rare events take the law of rare ones, and latency the exact one: half of each
KINDS = (
    (Calibration(likelihood=True, every=15.0, bad=1, total=1000), Tally(3, 600, 11, 5400)),
    (Calibration(likelihood=True, every=15.0, bad=50, total=1000, exact=True), Tally(30, 600, 270, 5400)),
)


def measure(metrics: int = METRICS) -> list[Row]:
    tracks = [(Track(calibration=kind), tally) for kind, tally in KINDS for _ in range(metrics // 2)]
    begin = time.process_time()
    judged = [sequential_test.update(track, tally, 1000.0, 1015.0, RULES) for track, tally in tracks]
    for track in judged:
        sequential_test.log_evidence_against(track, RULES)
        sequential_test.is_proven(track, RULES)
    took = time.process_time() - begin
    assert all(track.wealth.polls == 1 for track in judged)
    return [Row(f"{metrics} metrics judged in one look, CPU", f"{took:.2f} s", f"< {LIMIT:g} s", took < LIMIT)]
