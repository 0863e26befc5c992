"""What is worked out of an object once."""

from typing import Any

from deliver.engine.runtime.known import Known


def test_an_object_is_worked_out_once_and_one_that_equals_it_anew():
    asked: list[dict[str, Any]] = []
    known = Known(lambda obj: asked.append(obj) or obj["n"])
    first, second = {"n": 1}, {"n": 1}
    assert [known(first), known(first), known(second)] == [1, 1, 1]
    assert len(asked) == 2


def test_what_is_not_kept_is_worked_out_again():
    asked: list[dict[str, Any]] = []
    known = Known(lambda obj: asked.append(obj) or obj["n"])
    first, second = {"n": 1}, {"n": 2}
    known(first), known(second)
    known.keep([second, {"n": 3}])
    assert [known(first), known(second)] == [1, 2]
    assert asked == [first, second, first]
