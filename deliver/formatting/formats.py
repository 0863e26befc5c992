"""Numbers, times and names as people read them."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from deliver.formatting.durations import duration

NONE = "-"


def rfc3339(at: float) -> str | None:
    """UTC to the second; None for 0, which means "not yet" everywhere in the model."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def stamp(at: float) -> str:
    """Date and time in one column."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if at else NONE


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


def odds(value: float) -> str:
    """`412 : 1`, `1 : 3`, `over a billion : 1`: evidence grows without a limit, and beyond that a number says nothing any more."""
    if value >= 0.999e9:
        return "over a billion : 1"
    if value >= 1:
        return f"{value:.3g} : 1" if value < 1000 else f"{value:,.0f} : 1"
    return f"1 : {1 / max(value, 1e-9):.3g}"


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
