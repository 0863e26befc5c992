"""docs/operating.md quotes messages as the code has them, and names every state and exit code."""

import re
from pathlib import Path

import pytest

from deliver.model.exitcodes import MEANING, ExitCode
from deliver.model.release import Outcome, Phase

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
CODE = "\n".join(file.read_text(encoding="utf-8") for file in ROOT.glob("deliver/**/*.py"))
MESSAGES = re.compile(r"^\| the message says .*?\n\|[-|]+\|\n(.*?)\n\n", re.MULTILINE | re.DOTALL)


def messages() -> list[str]:
    rows = "\n".join(MESSAGES.findall(PAGE)).splitlines()
    return [row.split(" | ")[0].removeprefix("| ").strip("` ") for row in rows]


@pytest.mark.parametrize("message", messages())
def test_a_message_that_the_page_explains_is_one_that_the_code_says(message: str):
    for part in message.split("…"):
        assert part.strip() in CODE, f"nothing in deliver/ says `{part.strip()}`"


def test_the_page_explains_messages_of_all_three_tables():
    assert len(messages()) > 30


@pytest.mark.parametrize("word", [*Phase, *Outcome])
def test_the_page_names_every_phase_and_outcome(word: str):
    assert f"| {word} |" in PAGE


def test_the_page_shows_exit_codes_as_they_are():
    for code, meaning in MEANING.items():
        if code not in (ExitCode.SIGINT, ExitCode.SIGTERM):
            assert f"| {int(code)} | {meaning} |" in PAGE
