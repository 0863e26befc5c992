"""`notify` of deliver.yaml: who is told of which turns; what is wrong is said with its line."""

import pytest

from deliver.config.build import build
from deliver.config.draft import Draft
from deliver.config.loader import parse
from deliver.model.errors import InputError

FILE = """\
target: {deployment: web}
image: registry/web:1.1.0
strategy: {canary: {weight: [10]}}
notify:
  - ENTRY
"""


def built(entry: str):
    return build(Draft.of(parse(FILE.replace("ENTRY", entry).encode(), "deliver.yaml"))).notify


def test_a_notifier_with_its_options_and_events():
    (one,) = built("{webhook: {url_env: HOOK}, on: [rolled-back, held]}")
    assert (one.notifier.kind, one.notifier.options, one.events) == ("webhook", {"url_env": "HOOK"}, ("rolled-back", "held"))


@pytest.mark.parametrize(
    ("entry", "says", "hint"),
    [
        ("{webhok: {url_env: HOOK}}", "unknown notifier `webhok`", "did you mean `webhook`?"),
        ("{webhook: {url: 'https://x'}}", "`url`", "url_env"),
        ("{webhook: {url_env: HOOK}, on: [rollback]}", "`rollback` is no event", "rolled-back"),
        ("{webhook: {url_env: HOOK}, on: held}", "`on` must be a list", "held"),
        ("{on: [held]}", "names one notifier", "webhook"),
        ("{webhook: {url_env: HOOK}, other: {}}", "names one notifier", "webhook"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(entry: str, says: str, hint: str):
    with pytest.raises(InputError) as caught:
        built(entry)
    assert says in caught.value.what
    assert hint in caught.value.hint
    assert "deliver.yaml:" in caught.value.what
