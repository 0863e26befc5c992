"""docs/migration.md shows what `deliver import` makes of the examples, and its commands do what they say."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from deliver.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
COMMANDS = [line[2:] for line in PAGE.splitlines() if line.startswith("$ ")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "examples" / "migration", tmp_path / "examples" / "migration")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_its_commands_work_in_order(here: Path):
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        program, *words = shlex.split(command)
        assert program == "deliver" and main(words) == 0, command
    assert sorted(file.name for file in (here / "converted").iterdir()) == ["cart.yaml", "web.yaml"]


@pytest.mark.parametrize("tool", ["argo", "flagger"])
def test_it_shows_what_becomes_of_the_example(tool: str, here: Path):
    assert main(["import", f"examples/migration/{tool}.yaml", "-o", "made.yaml"]) == 0
    made = (here / "made.yaml").read_text()
    body = "".join(line for line in made.splitlines(keepends=True) if not line.startswith("#"))
    shown = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert body in shown, f"docs/migration.md should show:\n{body}"
