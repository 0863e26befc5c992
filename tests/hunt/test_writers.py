"""Two drivers and an operator in every order of their calls, within bounds: a sample here, all by `python -m tests.hunt.writers`."""

import pytest

from tests.hunt.writers import VERBS, Duel, every, fight

FOUND = (
    Duel(31, 16),  # its candidate was created while the rollback went on: announced, and noted as unknown by the heir
    Duel(31, 58),  # created when the rollback was over: it was left behind
    Duel(61, 7, still=3.0),  # it wrote the new template after the rollback's pin and before its lock: the pods led to were rolled away
    Duel(56, 7),
    Duel(31, 70, "takeover"),  # taken away by who made it, after the heir's own of that name (the referee)
)


@pytest.mark.parametrize("stride", [29, pytest.param(13, marks=pytest.mark.slow)])
@pytest.mark.parametrize("verb", VERBS)
def test_a_write_of_a_driver_that_was_overtaken_changes_nothing(verb: str, stride: int):
    for duel in every(stride):
        if duel.verb == verb:
            assert not fight(duel).broken, f"{duel}"


@pytest.mark.parametrize("duel", FOUND)
def test_a_duel_that_once_broke_a_rule_breaks_none(duel: Duel):
    assert not fight(duel).broken
