"""What holds where neither deliver.yaml nor an option says otherwise. Times are seconds, shares 0..1."""

from typing import Final

ROUTER = "service-selector"
KEPT_RELEASES = 10

# ---- how a metric is judged
MIN_SAMPLES = 50  # candidate requests
WINDOW = 60.0
CONSECUTIVE = 1  # polls in a row
MAX_ERROR_RATE = 0.01  # of --errors and --requests
MAX_SLOW = 0.05  # of --latency-histogram with --slower-than
MARGIN = 1.2  # times stable's odds: pods differ by this much without anything being wrong
WEIGHT = 1.0

# ---- how the release is judged
POLL = 5.0
WARMUP = 0.0
MAX_STALENESS = 60.0
MAX_BLIND = 300.0
ON_BLIND: Final = "hold"
FALSE_ALARMS = 0.05
PROVE = 3.0  # times as bad as stable
ACCEPTABLE = 0.01
INCONCLUSIVE: Final = "hold"
PROOF_OWED = 1000  # requests of the candidate below which the proof of a metric that nobody named is not missed
HISTORY = 21600.0

# ---- how long things may take
READY = 300.0
SHIFT = 60.0
TOTAL = 86400.0
PAUSE = 3600.0
DRAIN = 10.0
