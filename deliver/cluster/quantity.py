"""Kubernetes quantities: 500m, 1Gi, 2, 1e3."""

from decimal import Decimal


def quantity(text: str | float) -> Decimal:
    """Raises ValueError."""
    from kubernetes.utils.quantity import parse_quantity  # a quarter of a second, which most commands never need

    found = Decimal(parse_quantity(text))
    if not found.is_finite() or " " in str(text):  # the library takes whatever a Decimal takes
        raise ValueError(f"`{text}` is not a quantity")
    return found
