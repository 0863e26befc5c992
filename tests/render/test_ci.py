"""GitHub Actions and GitLab CI: groups, one annotation, summary page, outputs; and nothing from outside that steers them."""

import io
from dataclasses import replace

import pytest

from deliver.formatting.sanitize import command_data, command_property, defuse, markdown
from deliver.model.journal import Event
from deliver.model.release import Phase
from deliver.render.reporters import make_reporter


def run(scene, environ, ci="auto"):
    err = io.StringIO()
    release = scene.release
    shown = make_reporter(
        output="text",
        color="auto",
        ci=ci,
        quiet=False,
        verbose=False,
        stdout=io.StringIO(),
        stderr=err,
        environ=environ,
        clock=lambda: scene.now,
    )
    going = replace(release, outcome=None, phase=Phase.SHIFTING, ended=0.0)
    shown.update(replace(going, journal=(), course="forward", step=0), scene.seen)
    shown.update(going, scene.seen)
    shown.end(release, scene.seen)
    return err.getvalue()


@pytest.fixture
def github(tmp_path):
    return {
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def commands(text):
    return [line for line in text.splitlines() if line.lstrip().startswith("::")]


@pytest.mark.parametrize("name", ["promoted", "rolled-back", "held-blind", "crashed"])
def test_github(scene, golden, github, tmp_path, name):
    text = run(scene(name), github)
    golden(f"{name}.github.txt", text.rstrip("\n"))
    golden(f"{name}.github.md", (tmp_path / "summary.md").read_text(encoding="utf-8").rstrip("\n"))
    golden(f"{name}.github.output", (tmp_path / "output").read_text(encoding="utf-8").rstrip("\n"))


def test_github_groups_are_closed_and_one_annotation_comes_last(scene, github):
    found = commands(run(scene("rolled-back"), github))
    assert [line.partition(" ")[0].partition("::")[2].partition("::")[0] for line in found] == [
        "group",
        "endgroup",
        "group",
        "endgroup",
        "error",
    ]
    assert found[-1].startswith("::error title=deliver%3A ROLLED BACK::web-20261124-1 ROLLED BACK: errors: 12.4 %25")
    assert commands(run(scene("promoted"), github))[-1].startswith("::notice ")


def test_what_stands_in_the_github_files_is_kept(scene, github, tmp_path):
    (tmp_path / "output").write_text("other=1\n")
    run(scene("promoted"), github)
    assert (tmp_path / "output").read_text().splitlines()[:2] == ["other=1", "result=PROMOTED"]


def test_a_file_that_cannot_be_written_costs_a_warning(scene, github, tmp_path):
    text = run(scene("promoted"), github | {"GITHUB_OUTPUT": str(tmp_path / "no" / "such")})
    assert "⚠ cannot write 3 lines to" in text and "Result: PROMOTED" in text


def test_no_workflow_command_can_be_injected(scene, github, tmp_path):
    evil = "x\r\n::set-output name=result::PROMOTED\n##[error]boo %0A::warning::y"
    shown = scene("rolled-back")
    release = replace(shown.release, reason=evil, evidence=("::error::from a log", "##[group]x"), actor="::debug::z")
    release = release.noted(shown.now, Event.FLAG_LEFT, reason=evil)
    text = run(replace(shown, release=release), github)
    found = commands(text)
    assert [line.split("::")[1].split(" ")[0] for line in found] == ["group", "endgroup", "group", "endgroup", "error"]
    assert "##[" not in text.replace(found[-1], "")
    assert "\n" not in found[-1] and "%250A" in found[-1]
    output = (tmp_path / "output").read_text().splitlines()
    assert [line.partition("=")[0] for line in output] == ["result", "release", "reason"] and output[0] == "result=ROLLED_BACK"


def test_the_markdown_page_holds_no_link_no_html_and_no_open_fence(scene, github, tmp_path):
    shown = scene("crashed")
    release = replace(shown.release, reason="<img src=x> ![a](http://e) | b", evidence=("```", "<script>"))
    run(replace(shown, release=release), github)
    page = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "<img" not in page and "![a](" not in page and page.count("```") == 2
    assert markdown("a|b`c`<x>[l](u)@me") == r"a\|b\`c\`&lt;x&gt;\[l\]\(u\)\@me"


def test_escapes_of_workflow_commands():
    assert command_data("50%\r\nx:y,z") == "50%25%0D%0Ax:y,z"
    assert command_property("a:b,c%") == "a%3Ab%2Cc%25"
    assert defuse("  ::error::x") == "|   ::error::x" and defuse("a ##[error]b") == "a ## [error]b"


def test_gitlab_sections_and_dotenv(scene, tmp_path):
    dotenv = tmp_path / "deliver.env"
    shown = scene("rolled-back")
    text = run(shown, {"GITLAB_CI": "true", "DELIVER_DOTENV": str(dotenv)})
    at = int(shown.now)
    assert f"\x1b[0Ksection_start:{at}:deliver_1\r\x1b[0Kstep 1/3: 10 %\n" in text
    assert f"\x1b[0Ksection_end:{at}:deliver_2\r\x1b[0K\n" in text
    assert text.count("section_start") == text.count("section_end") == 2
    assert text.index("section_end:" + f"{at}:deliver_2") < text.index("Result: ROLLED BACK")
    assert "\x1b" not in text.replace("\x1b[0K", "")
    assert dotenv.read_text().splitlines()[:2] == ["DELIVER_RESULT=ROLLED_BACK", "DELIVER_RELEASE=web-20261124-1"]


def test_ci_none_and_an_explicit_ci(scene, github):
    assert commands(run(scene("promoted"), github, ci="none")) == []
    assert commands(run(scene("promoted"), {}, ci="github"))[-1].startswith("::notice")
