"""Kubernetes' quantities as numbers."""

_UNITS = {"m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 1024.0, "Mi": 1024.0**2, "Gi": 1024.0**3, "": 1.0}


def quantity(text: object) -> float:
    """A Kubernetes quantity: 500m, 2, 128Mi."""
    value = str(text)
    digits = value.rstrip("mkMGiK")
    return float(digits) * _UNITS[value[len(digits) :]]
