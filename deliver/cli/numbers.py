"""Options that are plain numbers."""

from deliver.cli.options import Given
from deliver.model.errors import InputError


def number(given: Given, name: str, default: float, low: float, high: float) -> float:
    """Raises InputError for what is no number from `low` to `high`."""
    text = given[name]
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise InputError(f"{given.label(name)}: `{text[:20]}` is not a number from {low:g} to {high:g}")
    return value


def whole(given: Given, name: str, default: int, high: int = 2**31) -> int:
    """Raises InputError for what is no whole number from 0 to `high`."""
    text = given[name]
    if text is not None and not (text.isascii() and text.isdecimal() and int(text[:12]) <= high):
        raise InputError(f"{given.label(name)}: `{text[:20]}` is not a whole number from 0 to {high}")
    return default if text is None else int(text)


def scrape(given: Given, default: float) -> float:
    """Seconds between two scrapes of the made-up Prometheus. Raises InputError for what nobody has."""
    from deliver.plugins.types import parse_duration

    text = given["scrape"]
    try:
        value = default if text is None else parse_duration(text)
    except ValueError as error:
        raise InputError(f"{given.label('scrape')}: {error}") from None
    if not 1.0 <= value <= 60.0:
        raise InputError(f"{given.label('scrape')}: `{str(text)[:20]}` is not a time from 1s to 60s", hint="e.g. `--scrape 30s`")
    return value


def ratio(given: Given, name: str) -> float:
    """`2x` as 2.0; 0 when it was not given. Raises InputError."""
    from deliver.plugins.types import parse_ratio

    if given[name] is None:
        return 0.0
    try:
        return parse_ratio(given[name])
    except ValueError as error:
        raise InputError(f"option {given.label(name)}: {error}", hint="e.g. 2x") from None
