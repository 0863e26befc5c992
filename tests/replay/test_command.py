"""`deliver replay`: a release out of the record, pods by name, false alarms; and what it exits with."""

import json
from pathlib import Path
from typing import Any

import pytest

from deliver.cli import context
from deliver.cli.main import main
from deliver.engine import commands
from deliver.engine.runtime import analysis_factory
from deliver.engine.runtime.record_store import Record
from deliver.model.exitcodes import ExitCode
from deliver.model.frozen import replace
from deliver.model.release import Phase
from deliver.model.spec import Analysis
from deliver.plugins.interfaces import MetricsError
from tests.replay.conftest import Story


class Cluster:
    namespace = "shop"


FILE = """\
target: {deployment: web, namespace: shop}
analysis:
  prometheus: {service: monitoring/prometheus:9090}
  metrics: [{name: errors, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, max: 90%, min_samples: 20}]
"""


@pytest.fixture
def run(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(context, "open_cluster", lambda given: Cluster())
    monkeypatch.setattr(commands, "recorded", lambda cluster, target: Record(story.promoted, (story.promoted, story.back)))
    monkeypatch.setattr(analysis_factory, "provider_of", lambda cluster, analysis: story.provider if analysis.provider else None)
    return lambda *args: main(["replay", "web", *args])


def test_a_release_is_judged_by_its_own_spec_without_a_file(run: Any, story: Story, capsys: pytest.CaptureFixture[str]):
    assert run("--release", story.back.id) == ExitCode.PROMOTED
    out = capsys.readouterr().out
    assert "✗ would have been taken back after" in out and "in fact: ROLLED_BACK: errors" in out


def test_the_file_is_what_another_judgement_comes_from(run: Any, story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "deliver.yaml").write_text(FILE)
    assert run("--release", story.back.id, "--detailed-exitcode") == ExitCode.PROMOTED
    assert "would have passed" in capsys.readouterr().out


def test_with_detailed_exit_codes_a_pipeline_can_ask(run: Any, story: Story):
    assert run("--release", story.back.id, "--detailed-exitcode") == ExitCode.ROLLED_BACK
    assert run("--detailed-exitcode") == ExitCode.PROMOTED


def test_one_that_was_judged_without_metrics_cannot_be(run: Any, story: Story, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    bare = replace(story.promoted, spec=replace(story.promoted.spec, analysis=Analysis()))
    monkeypatch.setattr(commands, "recorded", lambda cluster, target: Record(bare))
    assert run() == ExitCode.USAGE
    assert f"why: {bare.id} was judged without metrics" in capsys.readouterr().err


def test_a_release_that_has_not_ended_is_said_to_go_on(run: Any, story: Story, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    live = replace(story.promoted, outcome=None, ended=0.0, reason="", phase=Phase.BAKING)
    monkeypatch.setattr(commands, "recorded", lambda cluster, target: Record(live))
    assert run() == ExitCode.PROMOTED
    assert "in fact: not ended yet (Baking)" in capsys.readouterr().out


def test_the_newest_release_of_a_time_can_be_asked_for(run: Any, story: Story, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.setattr("time.time", story.world.clock.now)
    assert run("--since", "10h") == ExitCode.PROMOTED
    assert "in fact: PROMOTED" in capsys.readouterr().out


def test_pods_are_found_by_hash_or_by_name(run: Any, story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "deliver.yaml").write_text(FILE)
    length = f"{story.world.clock.now() - story.back.started:.0f}s"
    for which in (("--candidate-hash", story.back.candidate_hash), ("--candidate-pods", f"web-candidate-{story.back.candidate_hash}-.*")):
        run("--since", length, *which, "-o", "json")
        view = json.loads(capsys.readouterr().out)
        assert view["kind"] == "Replay" and len(view["pods"]["candidate"]) == 4
        assert view["in_fact"] is None and view["turns"]


def test_false_alarms_are_counted_with_their_interval(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "deliver.yaml").write_text(FILE)
    assert run("--aa", "2", "--since", "5m") == ExitCode.PROMOTED
    out = capsys.readouterr().out
    assert "0 of 2 releases that were none would have been taken back: 0 % (Wilson 95 %: 0 to" in out
    assert run("--aa", "2", "--since", "5m", "-o", "json") == ExitCode.PROMOTED
    view = json.loads(capsys.readouterr().out)
    assert view["kind"] == "FalseAlarms" and view["percent"]["share"] == 0.0 and view["possible"] == 4


def test_pods_of_two_versions_are_told(run: Any, story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "deliver.yaml").write_text(FILE)
    length = f"{story.world.clock.now() - story.back.started:.0f}s"  # a release was promoted since
    assert run("--aa", "1", "--since", length) == ExitCode.PROMOTED
    assert "these pods are of 2 pod templates: something was released in that time" in capsys.readouterr().err
    assert run("--aa", "1", "--since", "5m") == ExitCode.PROMOTED
    assert "pod templates" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--release", "99"), "no release `99`"),
        (("--candidate-hash", "0000"), "no candidate pod in that time"),
        (("--since", "1h"), "no release of shop/web began in the last 1h"),
        (("--candidate-pods", "web-("), "Prometheus does not take the query"),
        (("--candidate-pods", "x", "--since", "5"), "--since: `5` has no unit"),
        (("--candidate-pods", "x", "--since", "1s"), "the past is too short"),
        (("--aa", "0"), "--aa: at least 1 is needed"),
        (("--aa", "2", "--release", "1"), "--release and --aa exclude each other"),
        (("--stable-hash", "abc"), "--stable-hash needs --candidate-pods or --candidate-hash"),
        (("--aa", "many"), "--aa: `many` is not a whole number"),
        (("--aa", "2", "--share", "200%"), "--share: `200%` is not between"),
    ],
)
def test_bad_input_is_said(run: Any, args: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "deliver.yaml").write_text(FILE)
    assert run(*args) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_a_prometheus_that_does_not_answer_is_no_verdict(
    run: Any, story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def down(timeout: float) -> float:
        raise MetricsError("connection refused")

    monkeypatch.setattr(story.world.metrics, "now", down)
    assert run() == ExitCode.UNREACHABLE
    assert "the past cannot be read: connection refused" in capsys.readouterr().err
