"""Two drivers and an operator in every order of their calls, within bounds: a sample here, all by `python -m tests.hunt.writers`."""

import pytest

from tests.hunt.writers import VERBS, every, fight


@pytest.mark.parametrize("verb", VERBS)
def test_a_write_of_a_driver_that_was_overtaken_changes_nothing(verb: str):
    for duel in every(stride=13):
        if duel.verb == verb:
            assert not fight(duel).broken, f"{duel}"
