"""What passed there passes here, and what failed fails: each usual form of a query, with each condition, on the same counts."""

from collections.abc import Callable
from itertools import product
from operator import ge, gt, le, lt

import pytest

from deliver.importers import metric
from deliver.importers.condition import condition
from deliver.importers.deliver_yaml import NotTaken

GOOD, BAD, ALL = 'sum(rate(n{code!~"5.."}[1m]))', 'sum(rate(n{code=~"5.."}[1m]))', "sum(rate(n[1m]))"
FORMS: dict[str, Callable[[float], float]] = {  # what each gives for a share of bad requests
    "BAD / ALL": lambda bad: bad,
    "GOOD / ALL": lambda bad: 1 - bad,
    "1 - BAD / ALL": lambda bad: 1 - bad,
    "1 - (GOOD / ALL)": lambda bad: bad,
    "GOOD / ALL * 100": lambda bad: 100 * (1 - bad),
    "100 * BAD / ALL": lambda bad: 100 * bad,
    "100 - GOOD / ALL * 100": lambda bad: 100 * bad,
    "(ALL - BAD) / ALL": lambda bad: 1 - bad,
    "(ALL - GOOD) / ALL * 100": lambda bad: 100 * bad,
    "(1 - BAD / ALL) * 100": lambda bad: 100 * (1 - bad),
    "BAD * 100 / ALL": lambda bad: 100 * bad,
    "0 - BAD / ALL": lambda bad: -bad,
}
COMPARED = {"<": lt, "<=": le, ">": gt, ">=": ge}
LIMITS = (0.0005, 0.05, 0.95, 5.0, 95.0, -0.05)
SHARES = (0.0, 0.0001, 0.003, 0.04, 0.06, 0.5, 0.94, 0.96, 1.0)


def query(form: str) -> str:
    return form.replace("ALL", ALL).replace("BAD", BAD).replace("GOOD", GOOD)


@pytest.mark.parametrize("form", FORMS)
def test_what_passed_there_passes_here(form: str):
    counted = 0
    for op, limit, failure in product(COMPARED, LIMITS, (False, True)):
        text = f"result[0] {op} {limit}"

        def passed(bad: float, op: str = op, limit: float = limit, failure: bool = failure) -> bool:
            return bool(COMPARED[op](FORMS[form](bad), limit)) is not failure

        try:
            made = metric.made(query(form), condition("" if failure else text, text if failure else "").bounds)
        except NotTaken:
            assert len({passed(bad) for bad in SHARES}) == 1, f"{text} tells good from bad"
            continue
        if "query" in made.keys:
            continue
        counted += 1
        most = float(made.keys["max"].removesuffix("%")) / 100
        turned = made.keys["bad"] != 'n{code=~"5.."}'
        for bad in SHARES:
            assert ((1 - bad if turned else bad) <= most) is passed(bad), f"{text}, with {bad} bad: {made.keys}"
    assert counted >= 8
