"""`deliver plugins`: all of them, or one with its options as a person writes them."""

import json

import pytest

from deliver.cli.main import main


def test_one_plugin_tells_what_its_options_take_and_their_defaults(capsys: pytest.CaptureFixture[str]):
    assert main(["plugins", "show", "canary"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("canary (strategies): ")
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith("  ")}
    assert rows["bake"][:3] == ["bake", "duration", "5m"]
    assert rows["weight"][:4] == ["weight", "list", "of", "percent"]


def test_a_name_that_is_in_two_families_is_told_of_both_or_by_its_family(capsys: pytest.CaptureFixture[str]):
    assert main(["plugins", "show", "checks/http"]) == 0
    assert capsys.readouterr().out.startswith("http (checks): ")


def test_as_json_it_carries_the_schema(capsys: pytest.CaptureFixture[str]):
    assert main(["plugins", "show", "webhook", "-o", "json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert item["schema"]["properties"]["url_env"]["type"] == "string"
    assert [one["key"] for one in item["options"] if one["needed"]] == ["url_env"]
    assert item["hooks"] == ["Options", "notify"]


@pytest.mark.parametrize("words", [["show", "canry"], ["show"], ["list"], ["show", "canary", "flag"], ["show", "checks/canary"]])
def test_what_is_not_there_or_not_understood_is_bad_input(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(["plugins", *words]) == 2
    assert "hint: " in capsys.readouterr().err
