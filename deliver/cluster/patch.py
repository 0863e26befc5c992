"""Merge patches (RFC 7386), made from what stands and what should."""

from typing import Any


def merge_patch_to(now: Any, wanted: Any) -> Any:
    """A merge patch that turns `now` into `wanted`, key by key: what is not wanted any more must be sent as null."""
    if not isinstance(now, dict) or not isinstance(wanted, dict):
        return wanted
    gone = {key: None for key in now if key not in wanted}
    return gone | {key: merge_patch_to(now.get(key), value) for key, value in wanted.items() if now.get(key) != value}
