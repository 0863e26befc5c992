"""`deliver simulate`: a file, made-up users, and what became of it."""

import json
from pathlib import Path

import pytest

from deliver.cli.main import main
from deliver.model.exitcodes import ExitCode

FILE = """\
target: {deployment: api, namespace: prod}
strategy: {canary: {steps: [{weight: 50, bake: 30s}]}}
analysis:
  prometheus: {service: monitoring/prometheus:9090}
  metrics: [{name: errors, bad: failures_total, total: calls_total, max: 2%, min_samples: 20}]
  health: [{http: {path: /healthz, port: 8080}}]
limits: {drain: 1s}
"""
FAST = ("--rps", "50", "--past", "1m", "--scrape", "5s")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deliver.yaml").write_text(FILE)
    return tmp_path


def test_one_release_of_each_is_told_from_its_first_step_to_its_end(capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", *FAST, "--errors", "0.5%", "--regression", "1x", "--regression", "20x"]) == ExitCode.PROMOTED
    out, err = capsys.readouterr()
    assert "A new version with 20x errors" in out and "rolling back: errors" in out and "PROMOTED; users had it for" in out
    assert "TAKEN BACK" in out
    assert "not played: health checks (http)" in err


def test_many_are_a_table_and_the_json_has_their_numbers(capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", *FAST, "--errors", "0.5%", "--regression", "20x", "--runs", "2", "-q", "-o", "json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert view["kind"] == "Simulation" and view["setting"]["rps"] == 50
    (item,) = view["items"]
    assert item["runs"] == 2 and item["outcomes"] == {"ROLLED_BACK": 2} and item["failed_requests"] > 0


def test_the_last_release_can_be_written_as_a_report(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", *FAST, "--regression", "1x", "--report", "made.html"]) == 0
    assert "<h1>web-" in (here / "made.html").read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--regression", "0.5x"), "not between 1x and 1000x"),
        (("--regression", "fast=2x"), "neither `5x` nor `slow=2x`"),
        (("--errors", "120%"), "--errors: `120%` is not between 0 and 100 percent"),
        (("--latency", "0s"), "--latency: at least 0.001 s"),
        (("--regression", "5x,10x"), "`5x,10x` says it twice"),
        (("--regression", "slow=2x,slow=3x"), "says it twice"),
        (("--errors", "0%", "--regression", "5x"), "--errors: so many times nothing is nothing"),
        (("--runs", "0"), "--runs: at least 1"),
        (("--replicas", "0"), "--replicas: at least 1"),
        (("--past", "10s"), "--past: at least 30 s is needed"),
        (("--scrape", "0.5s"), "--scrape: `0.5s` is not a time from 1s to 60s"),
        (("--scrape", "2m"), "--scrape: `2m` is not a time from 1s to 60s"),
        (("--scrape", "often"), "--scrape: "),
        (("--report", "no/such/folder/r.html"), "there is no folder no/such/folder"),
        (("--rps", "many"), "--rps: `many` is not a number"),
        (("-f", "gone.yaml"), "cannot read gone.yaml"),
        (("--report", "x.pdf"), "ends with none of .html, .svg, .png"),
    ],
)
def test_bad_input_is_said_before_anything_is_played(args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", *args]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert said in err and out == ""


def test_what_no_metric_could_show_is_said(capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", *FAST, "--regression", "slow=3x"]) == 0
    assert "no metric of the spec counts slow requests: a slower version cannot be found" in capsys.readouterr().err


def test_a_slower_version_is_played_too_where_a_metric_could_see_it(here: Path, capsys: pytest.CaptureFixture[str]):
    slow = "  metrics: [{name: slow, histogram: h_seconds, slower_than: 100ms, max: 40%, min_samples: 20}]\n"
    lines = [slow if "metrics:" in line else line for line in FILE.splitlines(keepends=True)]
    (here / "deliver.yaml").write_text("".join(lines))
    assert main(["simulate", *FAST, "-q", "-o", "json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [(item["regression"], item["outcomes"]) for item in items] == [("1x errors", {"PROMOTED": 1}), ("2x slower", {"ROLLED_BACK": 1})]


def test_without_a_spec_there_is_nothing_to_play(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "deliver.yaml").unlink()
    (here / ".git").mkdir()
    assert main(["simulate"]) == ExitCode.USAGE
    assert "no target" in capsys.readouterr().err
