"""deliver.model.frozen: as dataclasses.replace, but an object that would be the same stays the same object."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

from deliver.model.frozen import made, replace


@dataclass(frozen=True)
class Pods:
    names: tuple[str, ...]
    ready: int = 0

    @cached_property
    def count(self) -> int:
        return len(self.names)


def test_other_values_make_another_object_and_leave_the_first_alone():
    one = Pods(("a",), 1)
    other = replace(one, ready=2)
    assert (other, one) == (Pods(("a",), 2), Pods(("a",), 1))


def test_the_very_same_values_give_the_very_same_object():
    one = Pods(("a",), 1)
    assert replace(one, names=one.names, ready=1) is one


def test_what_was_worked_out_of_the_old_values_is_worked_out_anew():
    one = Pods(("a",))
    assert one.count == 1
    assert replace(one, names=("a", "b")).count == 2


def test_a_field_that_is_none_is_refused():
    with pytest.raises(TypeError, match="Pods has no nodes"):
        replace(Pods(()), nodes=1)


@dataclass(frozen=True)
class Shelf:
    name: str
    size: int = 3
    marks: dict[str, int] = field(default_factory=dict)


@pytest.mark.parametrize("values", [{"name": "a"}, {"name": "a", "size": 4}, {"name": "a", "marks": {"b": 1}}])
def test_made_of_its_values_it_is_what_its_own_init_makes(values: dict[str, Any]):
    one = made(Shelf, values)
    assert (one, vars(one)) == (Shelf(**values), vars(Shelf(**values)))


def test_what_is_made_anew_each_time_is_nobody_elses():
    assert made(Shelf, {"name": "a"}).marks is not made(Shelf, {"name": "a"}).marks


def test_a_value_that_has_to_be_there_is_asked_for_in_the_words_of_its_init():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        made(Shelf, {"size": 4})
