"""The preview Service before anything is written: which one cannot be used, and what the plan says of the one that will be made."""

import pytest

from deliver.model.errors import InputError
from deliver.model.names import RELEASE_LABEL
from tests.engine.blue_green import headless, preview, spec
from tests.engine.rig import Rig


def test_the_plan_does_not_name_the_wrong_service_for_its_ports():
    [line] = [one for one in headless(Rig.make(), "a-headless").propose(spec()).patches if "web-preview: created" in one]
    assert "a-headless" not in line
    [line] = [one for one in Rig.make().propose(spec()).patches if "web-preview: created" in one]
    assert "with the ports of Service web," in line


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ({"app": "web"}, "it selects the live pods"),
        (None, "it has no selector"),
        ({RELEASE_LABEL: "web-20250101-1"}, "its selector is what a release made of it"),
    ],
)
def test_a_service_that_cannot_be_a_preview_is_bad_input(selector: dict[str, str] | None, said: str):
    rig = preview(Rig.make())
    rig.edit(
        "services", "web-preview", {"spec": {"selector": {"app": None, **selector} if selector and "app" not in selector else selector}}
    )
    with pytest.raises(InputError, match=said):
        rig.propose(spec(preview_service="web-preview"))


def test_a_preview_service_that_does_not_exist_is_bad_input():
    with pytest.raises(InputError, match="preview Service `green` does not exist") as error:
        Rig.make().propose(spec(preview_service="green"))
    assert "one is made for the release" in error.value.hint


def test_a_strangers_service_of_the_name_that_would_be_made_is_left_alone():
    rig = preview(Rig.make())
    with pytest.raises(InputError, match="Service `web-preview` exists already") as error:
        rig.propose(spec())
    assert "--preview-service web-preview" in error.value.hint


def test_without_any_service_the_preview_is_not_rehearsed_and_that_is_said():
    rig = Rig.make()
    rig.remove("services", "web")
    assert [one.rule for one in rig.propose(spec()).refusals("refuse")] == ["no-service"]
