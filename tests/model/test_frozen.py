"""deliver.model.frozen: as dataclasses.replace, but an object that would be the same stays the same object."""

from dataclasses import dataclass
from functools import cached_property

import pytest

from deliver.model.frozen import replace


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
