"""Numbers, times and names as people read them."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

NONE = "-"


def rfc3339(at: float) -> str | None:
    """UTC to the second; None for 0, which means "not yet" everywhere in the model."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def stamp(at: float) -> str:
    """Date and time in one column."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if at else NONE


def duration(seconds: float) -> str:
    """850ms, 42s, 2m10s, 1h05m, 3d4h."""
    if seconds < 0:
        return "0s"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms" if seconds else "0s"
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f}s"
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes}m{rest:02d}s" if rest else f"{minutes}m"
    if whole < 86400:
        hours, rest = divmod(whole, 3600)
        return f"{hours}h{rest // 60:02d}m" if rest >= 60 else f"{hours}h"
    days, rest = divmod(whole, 86400)
    return f"{days}d{rest // 3600}h" if rest >= 3600 else f"{days}d"


def finite(value: float | None) -> float | None:
    """For JSON, which knows neither NaN nor infinity. Six significant digits hold any share worth reading."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def number(value: float | None, unit: str = "") -> str:
    """`12.4 %`, `0.03 %`, `812 ms`: three significant digits below 100, whole numbers above; NaN is unknown."""
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value)
    text = f"{value:.0f}" if size >= 100 else f"{value:.3g}" if size >= 0.001 or not value else f"{value:.1e}"
    return f"{text} {unit}".rstrip()


def percent(value: float | None) -> str:
    """An exposure, to a tenth of a point; what is not quite 0 or 100 is not shown as such."""
    if value is None:
        return NONE
    if 0 < value < 0.05 or 99.95 <= value < 100:
        return f"{value:.4g} %"
    text = f"{value:.1f}"
    return f"{text.removesuffix('.0')} %"


def count(amount: int | None, noun: str) -> str:
    if amount is None:
        return f"{NONE} {noun}s"
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def share_observed(share: Mapping[str, float | None]) -> str:
    """`8.3 % of requests in the last 1m`: an observed share is of a window that is over."""
    window = share.get("window")
    return f"{percent(share['observed'])} of requests{f' in the last {duration(window)}' if window else ''}"


def endpoints_text(seen: Mapping[str, float]) -> str:
    """`1 of 5 ready endpoints runs the new version, 20 %`. seen: candidate, those of the new version; total, all of them."""
    new, total = int(seen["candidate"]), int(seen["total"])
    if not total:
        return "no ready endpoint"
    ends, run = f"ready endpoint{'s' * (total > 1)}", "runs" if 1 in (new, total) else "run"
    return f"{new} of {total} {ends} {run} the new version, {100 * new / total:.0f} %"


def image_change(old: str, new: str) -> tuple[str, str]:
    """Both images, the second as its tag or digest alone when the repository is the same."""
    repository, _, _ = image_parts(old)
    rest = new.removeprefix(repository)
    return (old, rest.lstrip(":@")) if repository and rest != new and rest[:1] in (":", "@") else (old, new)


def image_parts(image: str) -> tuple[str, str, str]:
    """Repository, separator, and tag or digest."""
    name, at, digest = image.partition("@")
    if ":" in name.rpartition("/")[2]:
        repository, colon, tag = name.rpartition(":")
        return repository, colon, f"{tag}{at}{digest}"
    return name, at, digest


def short_image(image: str, width: int) -> str:
    """The end of an image reference, which is the part that tells; a digest is cut to 12 digits."""
    name, at, digest = image.partition("@sha256:")
    text = f"{name}{at}{digest[:12]}" if at else name
    return text if len(text) <= width else f"..{text[-(width - 2) :]}" if width > 4 else text[:width]
