"""How long the cluster package waits for what. Seconds throughout."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """connect, read: of one attempt; read is the longest silence, not the whole answer. backoff, cap: between attempts of one call.

    watch: after how long the API server ends a watch by itself. mute: a watch without a byte for this long is taken for dead (bookmarks
    come about once a minute). silence: after this long without a byte on any watch the API server is probed, with `probe` as timeout.
    stream_backoff, stream_cap: between attempts of a watch. listing: for one list of a watch with its retries.
    """

    connect: float = 3.0
    read: float = 5.0
    deadline: float = 15.0
    backoff: float = 0.1
    cap: float = 2.0
    watch: float = 240.0
    mute: float = 75.0
    silence: float = 15.0
    probe: float = 2.0
    stream_backoff: float = 0.2
    stream_cap: float = 5.0
    listing: float = 10.0
