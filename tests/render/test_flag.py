"""What is said of the end of a flag release: of whom it is true at that moment, by what was read back."""

from typing import Any

import pytest

from deliver.model.frozen import replace
from deliver.model.observation import FlagSeen, FlagState, Observation
from deliver.render.flag import meaning
from tests.render.conftest import flag_left

LEFT = ("`targeting` of flag `new-checkout` was added by somebody: it stays there",)
SAFE = "every user gets the safe variant again"
OURS = "no user gets the treatment by this release any more"
STAYS = "what somebody else changed in the flag stays"
BEFORE = '{"enabled": true}'


@pytest.mark.parametrize(
    ("state", "left", "says"),
    [
        ({"percent": 0.0, "document": BEFORE}, (), f"{SAFE}, and the flag is as it stood before"),
        ({"percent": 0.0, "document": "{}"}, (), f"{SAFE}, and what this release wrote is taken back"),
        ({"percent": 0.0, "document": "{}", "off": "it is off"}, LEFT, f"{SAFE}, and {STAYS}"),
        ({"percent": None, "off": "its state is DISABLED"}, LEFT, f"nobody gets the treatment from the flag any more, and {STAYS}"),
        ({"percent": None, "why": "a rule"}, LEFT, f"{OURS}; a rule of somebody else may give it to some, and {STAYS}"),
        ({"percent": 30.0}, (), f"{OURS}; a rule of somebody else may give it to some, and what this release wrote is taken back"),
        (
            {"percent": 0.0, "document": BEFORE, "besides": "its other strategies (`staff`)"},
            (),
            f"{OURS}; its other strategies (`staff`) may give it to some, and the flag is as it stood before",
        ),
    ],
)
def test_only_what_is_true_of_the_flag_as_it_stands_is_said(state: dict[str, Any], left: tuple[str, ...], says: str):
    release = replace(flag_left().release, flag_left=left)
    seen = Observation(at=0.0, flag=FlagSeen(FlagState(**{"revision": "1", "document": "", **state})))
    assert meaning(release, seen) == says


def test_what_could_not_be_read_is_not_claimed():
    release = replace(flag_left().release, flag_left=())
    assert meaning(release, None) == f"{OURS}, and what this release wrote is taken back"
    assert meaning(release, Observation(at=0.0, flag=FlagSeen(error="no answer"))) == f"{OURS}, and what this release wrote is taken back"
