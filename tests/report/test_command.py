"""`deliver report`: which release, which format, where to."""

import sys
from pathlib import Path
from typing import Any

import pytest

from deliver.cli import context
from deliver.cli.main import main
from deliver.engine import commands
from deliver.engine.runtime.record_store import Record
from deliver.model.exitcodes import ExitCode
from deliver.model.release import Release


class Cluster:
    namespace = "shop"


@pytest.fixture
def run(released: Release, bare: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    older = bare.__class__(**{**vars(bare), "id": "web-20260104-1", "number": 7})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(context, "open_cluster", lambda given: Cluster())
    monkeypatch.setattr(commands, "recorded", lambda cluster, target: Record(released, (released, older)))
    return lambda *args: main(["report", "web", *args])


@pytest.mark.parametrize(("file", "magic"), [("r.html", b"<!DOCTYPE html>"), ("r.svg", b"<?xml"), ("R.PNG", b"\x89PNG")])
def test_the_suffix_says_the_format(run: Any, tmp_path: Path, file: str, magic: bytes, capsys: pytest.CaptureFixture[str]):
    assert run("-o", file) == ExitCode.PROMOTED
    assert (tmp_path / file).read_bytes().startswith(magic)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"wrote {file}: ")


def test_a_stdout_that_takes_nothing_is_said(run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run() == ExitCode.USAGE
    assert "cannot write to stdout" in capsys.readouterr().err


def test_a_dash_is_stdout(run: Any, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]):
    assert run("-o", "-") == ExitCode.PROMOTED
    assert capsysbinary.readouterr().out.startswith(b"<!DOCTYPE html>") and list(tmp_path.iterdir()) == []


def test_without_a_file_the_page_goes_to_stdout(run: Any, capsysbinary: pytest.CaptureFixture[bytes]):
    assert run() == ExitCode.PROMOTED
    out, err = capsysbinary.readouterr()
    assert out.startswith(b"<!DOCTYPE html>") and err == b""


def test_an_older_release_is_chosen_by_number_or_id(run: Any, tmp_path: Path):
    for which in ("7", "web-20260104-1"):
        assert run("--release", which, "-o", "old.html") == ExitCode.PROMOTED
        assert "<h1>web-20260104-1</h1>" in (tmp_path / "old.html").read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("-o", "report.pdf"), "it ends with none of .html, .svg, .png"),
        (("-o", "no/such/folder/r.html"), "No such file or directory"),
        (("--release", "99"), "no release `99`"),
        (("--format", "pdf"), "not one of html, svg, png"),
    ],
)
def test_bad_input_is_said_and_nothing_is_written(
    run: Any, tmp_path: Path, args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
):
    assert run(*args) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
