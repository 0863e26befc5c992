"""What is said of a value that a model does not take."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from deliver.config.metrics import NAME
from deliver.config.problems import raise_for
from deliver.health.load import LoadOptions
from deliver.model.errors import InputError


class Named(BaseModel):
    name: str = Field("", pattern=NAME)
    key: str = Field("", pattern=r"^[-._a-zA-Z0-9]+$")


@pytest.mark.parametrize(
    ("model", "data", "says"),
    [
        (LoadOptions, {"port": 8080, "path": "healthz"}, "`healthz` does not begin with `/`, or has a space in it"),
        (Named, {"name": "Not This"}, "`Not This` may only hold lower case letters, digits, `-` and `_`"),
        (Named, {"key": "a b"}, "`a b` does not match ^[-._a-zA-Z0-9]+$"),
    ],
)
def test_text_of_the_wrong_form_is_told_which_form_it_needs(model: type[BaseModel], data: dict[str, object], says: str):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    with pytest.raises(InputError) as told:
        raise_for(caught.value, data=data, where=lambda path, key: "", keys=lambda path: ())
    assert told.value.what.endswith(says)
