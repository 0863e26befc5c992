"""Wilson's interval of a fraction, for reports and replays."""

from math import sqrt

NAME = "Wilson 95 %"
Z = 1.959963984540054


def wilson_interval(bad: int, total: int) -> tuple[float, float] | None:
    """Wilson's score interval of bad/total, as fractions 0..1 (Wilson 1927); None without a request. It has a width at 0 and at 1 too."""
    if total <= 0:
        return None
    fraction, square = min(max(bad / total, 0.0), 1.0), Z * Z
    middle = (fraction + square / (2 * total)) / (1 + square / total)
    half = Z / (1 + square / total) * sqrt(fraction * (1 - fraction) / total + square / (4 * total * total))
    return (0.0 if bad <= 0 else middle - half), (1.0 if bad >= total else middle + half)
