"""A strategy's options on the command line: lists add up, help says what a value is."""

import pytest

from deliver.config.strategies import options_of, values


@pytest.mark.parametrize("given", [["configmap=a,key=b"], ["configmap=a", "key=b"], ["configmap=a ", " key=b"]])
def test_a_list_may_stand_in_one_option_or_in_several(given: list[str]):
    assert values(options_of("flag"), {"set": given, "weight": []}) == {"set": ["configmap=a", "key=b"]}


def test_the_help_says_what_a_value_is():
    words = {option.key: option.metavar for option in options_of("canary")}
    assert words == {
        "weight": "PERCENT",
        "bake": "DURATION",
        "min_bake": "DURATION",
        "max_bake": "DURATION",
        "surge": "N",
        "max_overshoot": "PERCENT",
    }
