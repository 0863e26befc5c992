"""How sure a share of counted requests is."""

from math import sqrt

NAME = "Wilson 95 %"
Z = 1.959963984540054


def wilson(bad: int, total: int) -> tuple[float, float] | None:
    """Wilson's score interval of bad/total, as shares (Wilson 1927); None without a request. It is never empty, also at 0 and at 1."""
    if total <= 0:
        return None
    share, square = min(max(bad / total, 0.0), 1.0), Z * Z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = Z / (1 + square / total) * sqrt(share * (1 - share) / total + square / (4 * total * total))
    return (0.0 if bad <= 0 else middle - half), (1.0 if bad >= total else middle + half)
