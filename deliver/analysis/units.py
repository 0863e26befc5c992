"""What a histogram's bounds are in: seconds by Prometheus' conventions, milliseconds where its name says so."""

MILLISECONDS = ("_milliseconds", "_ms", "_millis", "_upstream_rq_time", "_downstream_rq_time")  # the last two: Envoy's


def per_second(histogram: str) -> float:
    """How many of its units make a second. histogram: its base name."""
    return 1000.0 if histogram.endswith(MILLISECONDS) else 1.0


def le_of(histogram: str, seconds: float) -> float:
    """A bound given in seconds, as the histogram's `le` has it."""
    scale = per_second(histogram)
    return seconds if scale == 1 else round(seconds * scale, 9)
