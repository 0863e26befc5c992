"""Seconds as people read them: in sentences, in columns, as an estimate, and as deliver.yaml has them."""

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def words(seconds: float) -> str:
    """In a sentence: 45 s, 5 m, 1 m 30 s, 2 h."""
    parts, rest = [], seconds
    for unit, size in (("h", 3600), ("m", 60)):
        parts += [f"{rest // size:.0f} {unit}"] if rest >= size else []
        rest %= size
    return " ".join([*parts, *([f"{rest:g} s"] if rest or not parts else [])])


def duration(seconds: float) -> str:
    """In a column: 850ms, 42s, 2m10s, 1h05m, 3d4h."""
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


def rough_duration(seconds: float) -> str:
    """An estimate: 45 s, 12 min, 1.5 h."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def show_duration(seconds: float) -> str:
    """300.0 to `5m`: the text that parse_duration reads back."""
    left, text = round(seconds * 1000), ""
    for unit, size in UNITS.items():
        count, left = divmod(left, round(size * 1000))
        text += f"{count}{unit}" if count else ""
    return text or "0s"
