"""Seconds as words."""


def words(seconds: float) -> str:
    """45 s, 5 m, 1 m 30 s, 2 h."""
    parts, rest = [], seconds
    for unit, size in (("h", 3600), ("m", 60)):
        parts += [f"{rest // size:.0f} {unit}"] if rest >= size else []
        rest %= size
    return " ".join([*parts, *([f"{rest:g} s"] if rest or not parts else [])])
