"""Each command calls one function of deliver.engine.commands.run with what was asked, and turns its answer into output and exit code."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deliver.cli import context
from deliver.engine import commands
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.record_store import Record
from deliver.model.errors import Locked, Unreachable
from deliver.model.plan import Plan, Side, Step
from deliver.model.release import Direction, Outcome, Release, Snapshot
from deliver.model.spec import LatencyMetric, PluginSpec, RatioMetric, ReleaseSpec, Target
from deliver.plugins.interfaces import Finding
from tests.cli.conftest import FILE, Deliver

STEPS = (Step("50 %", 50, Side.BOTH, 2, 2), Step("100 %", 100, Side.CANDIDATE, 2, 2))


class Cluster:
    """Nothing can be read of it: whoever looks for metrics says so, and the command goes on."""

    namespace = "from-context"

    def get(self, *args: Any, **more: Any) -> Any:
        raise Unreachable("the API server does not answer")


class Service:
    """Stands for deliver.engine.commands.run: records what it was asked, answers with `release`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.release: Release | None = None
        self.findings: tuple[Finding, ...] = ()
        self.error: Exception | None = None

    def _answer(self, name: str, about: Any) -> Any:
        self.calls.append((name, about))
        if self.error:
            raise self.error
        return self.release

    def propose(self, cluster: Any, spec: ReleaseSpec, *, actor: str, now: float, wanted: float = 0.0) -> Proposal:
        self.calls.append(("propose", spec))
        self.release = self.release or release(spec=spec, outcome=Outcome.PROMOTED)
        return Proposal(replace(self.release, spec=spec), self.findings, ("patch Service web",), 600.0, "50 % for 5 m", "app=web")

    def run(self, cluster: Any, proposal: Proposal, **more: Any) -> Any:
        return self._answer("run", proposal)

    def ask(self, cluster: Any, target: Target, verb: str, **more: Any) -> Any:
        return self._answer(verb, (target, more["actor"], more["reason"]))

    def resume(self, cluster: Any, target: Target, **more: Any) -> Any:
        return self._answer("resume", (target, more["takeover"]))

    def rollback(self, cluster: Any, target: Target, **more: Any) -> Any:
        return self._answer("rollback", (target, more["to"], more["reason"]))

    def current(self, cluster: Any, target: Target) -> Any:
        return self._answer("current", target), None

    def recorded(self, cluster: Any, target: Target) -> Record:
        found = self._answer("recorded", target)
        return Record(found)


def release(spec: ReleaseSpec | None = None, outcome: Outcome | None = None) -> Release:
    spec = spec or ReleaseSpec(Target("shop", "web", ("web",)), "reg/web:2", "canary", {"weight": ["50"]})
    stood = Snapshot("uid", 2, {}, "digest", "abc", "reg/web:1", "web", ())
    return Release(
        "web-20261124-1",
        1,
        spec,
        Plan("canary", STEPS),
        stood,
        "web-candidate",
        "ann@host",
        1_800_000_000.0,
        outcome=outcome,
        ended=1_800_000_060.0 if outcome else 0.0,
    )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Service:
    fake = Service()
    for name in ("propose", "run", "ask", "resume", "rollback", "current", "recorded"):
        monkeypatch.setattr(commands, name, getattr(fake, name))
    monkeypatch.setattr(context, "open_cluster", lambda given: Cluster())
    return fake


def asked(engine: Service) -> ReleaseSpec:
    spec = next(about for name, about in engine.calls if name == "propose")
    assert isinstance(spec, ReleaseSpec)
    return spec


def test_no_file_is_needed(deliver: Deliver, engine: Service) -> None:
    run = deliver(
        "canary", "web", "-n", "shop", "--image", "reg/web:1.1.0", "--weight", "10,50", "--bake", "30s",
        "--prometheus", "monitoring/prometheus:9090", "--errors", 'http_requests_total{code=~"5.."}',
        "--requests", "http_requests_total", "--max-error-rate", "2%", "--min-samples", "20",
        "--latency-histogram", "http_request_duration_seconds", "--slower-than", "250ms",
        "--health-http", "/healthz:8080", "--health-tcp", "9000", "--health-grpc", "9001/shop.Web", "--drain", "20s", "--allow-affinity",
    )  # fmt: skip
    assert run.code == 0, run.err
    spec = asked(engine)
    assert (spec.target, spec.image, spec.strategy) == (Target("shop", "web"), "reg/web:1.1.0", "canary")
    assert spec.options == {"weight": ["10", "50"], "bake": "30s"}
    assert spec.analysis.provider == PluginSpec("prometheus", {"service": "monitoring/prometheus:9090"})
    assert spec.analysis.metrics == (
        RatioMetric("errors", 'http_requests_total{code=~"5.."}', "http_requests_total", 0.02, min_samples=20),
        LatencyMetric("latency", "http_request_duration_seconds", 0.25, 0.05, min_samples=20),
    )
    assert [check.kind for check in spec.analysis.health] == ["http", "tcp", "grpc"]
    assert spec.analysis.health[0].options == {"path": "/healthz", "port": 8080}
    assert (spec.limits.drain, spec.allow_affinity) == (20.0, True)


def test_the_namespace_comes_from_the_context_when_nobody_names_one(deliver: Deliver, engine: Service) -> None:
    assert deliver("canary", "web", "--image", "reg/web:2", "--weight", "10").code == 0
    assert asked(engine).target == Target("from-context", "web")


def test_an_option_goes_before_the_environment_and_that_before_the_file(
    deliver: Deliver, engine: Service, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "deliver.yaml").write_text(FILE)
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    monkeypatch.setenv("DELIVER_IMAGE", "reg/web:env")
    monkeypatch.setenv("DELIVER_POLL", "7s")
    assert deliver("canary", "--weight", "10", "--poll", "9s").code == 0
    spec = asked(engine)
    assert spec.target == Target("shop", "web", ("web",))
    assert (spec.image, spec.analysis.poll) == ("reg/web:env", 9.0)
    assert spec.options == {"weight": ["10"]}  # and the file's steps are gone
    assert spec.analysis.metrics[0] == RatioMetric("errors", 'http_requests_total{code=~"5.."}', "http_requests_total", 0.01, compare=True)


def test_a_wrong_environment_variable_is_named(deliver: Deliver, engine: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVER_POLL", "7")
    run = deliver("canary", "web", "--image", "reg/web:2", "--weight", "10")
    assert (run.code, engine.calls) == (2, [])
    assert "option DELIVER_POLL: `7` has no unit" in run.err


def test_run_takes_everything_from_the_file(deliver: Deliver, engine: Service, folder: Path) -> None:
    (folder / "other.yaml").write_text(FILE)
    assert deliver("run", "-f", "other.yaml").code == 0
    assert asked(engine).options["steps"][1] == {"weight": 50, "bake": "10m"}


def test_a_file_about_another_workload_is_not_used_by_accident(deliver: Deliver, engine: Service, folder: Path) -> None:
    (folder / "deliver.yaml").write_text(FILE)
    run = deliver("canary", "api", "--weight", "10")
    assert (run.code, engine.calls) == (2, [])
    assert "deliver.yaml is about `web`, not `api`" in run.err


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.PROMOTED, 0), (Outcome.ROLLED_BACK, 3), (Outcome.ROLLBACK_FAILED, 4), (Outcome.HELD, 7)],
)
def test_the_exit_code_says_how_it_ended(deliver: Deliver, engine: Service, outcome: Outcome, code: int) -> None:
    engine.release = release(outcome=outcome)
    assert deliver("canary", "web", "--image", "reg/web:2", "--weight", "10").code == code
    assert deliver("resume", "web").code == code
    assert deliver("promote", "web").code == code


@pytest.mark.parametrize(("error", "code"), [(Locked("held by bob"), 6), (Unreachable("no answer"), 8), (RuntimeError("bug"), 1)])
def test_an_error_of_the_engine_has_its_exit_code(
    deliver: Deliver, engine: Service, error: Exception, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine.error = error
    run = deliver("rollback", "web")
    assert run.code == code
    assert run.err.startswith("error: ")
    crash = list(tmp_path.glob("deliver-crash-*"))
    assert len(crash) == (code == 1)
    assert all(path.stat().st_mode & 0o077 == 0 and "RuntimeError: bug" in path.read_text() for path in crash)


def test_rollback_and_abort_succeed_when_the_traffic_is_back(deliver: Deliver, engine: Service) -> None:
    engine.release = release(outcome=Outcome.ROLLED_BACK)
    assert deliver("rollback", "web", "-n", "shop", "--to", "3", "--reason", "bad checkout").code == 0
    assert deliver("abort", "deployment/web", "-n", "shop").code == 0
    assert engine.calls[0] == ("rollback", (Target("shop", "web"), "3", "bad checkout"))
    engine.release = release(outcome=Outcome.ROLLBACK_FAILED)
    assert deliver("rollback", "web").code == 4


def test_a_broken_file_does_not_stand_in_the_way_of_a_rollback(deliver: Deliver, engine: Service, folder: Path) -> None:
    engine.release = release(outcome=Outcome.ROLLED_BACK)
    (folder / "deliver.yaml").write_bytes(b"target: \xff")
    assert deliver("rollback", "web").code == 0
    (folder / "deliver.yaml").write_text(FILE.replace("image:", "imge:"))
    assert deliver("rollback").code == 0
    assert engine.calls[-1] == ("rollback", (Target("shop", "web"), "", ""))


@pytest.mark.parametrize(
    ("env", "actor"),
    [
        ({"DELIVER_ACTOR": "ann\n\x1b[31m"}, "ann"),
        (
            {"GITHUB_ACTOR": "ann", "GITHUB_SERVER_URL": "https://gh", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"},
            "ann https://gh/a/b/actions/runs/7",
        ),
        ({"GITLAB_USER_LOGIN": "ann", "CI_JOB_URL": "https://gl/1"}, "ann https://gl/1"),
    ],
)
def test_who_did_it(env: dict[str, str], actor: str) -> None:
    assert context.actor(env).startswith(actor)
    assert "\n" not in context.actor(env)
    assert "\x1b" not in context.actor(env)


def test_plan_changes_nothing_and_says_what_would_happen(deliver: Deliver, engine: Service) -> None:
    args = ("plan", "web", "-n", "shop", "--image", "reg/web:2", "--strategy", "canary", "--weight", "50")
    text, data = deliver(*args), deliver(*args, "-o", "json", "--detailed-exitcode")
    assert (text.code, data.code) == (0, 10)
    assert "patch Service web" in text.out
    assert json.loads(data.out)["kind"] == "Plan"
    assert {name for name, _ in engine.calls} == {"propose"}
    assert asked(engine).options == {"weight": ["50"]}


@pytest.mark.parametrize(("level", "code"), [("refuse", 9), ("input", 2), ("warn", 0)])
def test_plan_says_by_its_exit_code_that_a_run_would_be_refused(deliver: Deliver, engine: Service, level: str, code: int) -> None:
    engine.findings = (Finding("rule", level, "because"),)
    assert deliver("plan", "web", "--image", "reg/web:2", "--strategy", "canary", "--weight", "50").code == code


def test_status_history_and_explain_answer_on_stdout(deliver: Deliver, engine: Service) -> None:
    engine.release = release(outcome=Outcome.PROMOTED)
    for command, kind in (("status", "Release"), ("history", "ReleaseList"), ("explain", "Explanation")):
        text, data = deliver(command, "web"), deliver(command, "web", "-o", "json")
        assert (text.code, data.code, text.err, data.err) == (0, 0, "", "")
        assert "web-20261124-1" in text.out
        assert json.loads(data.out)["kind"] == kind
    assert deliver("explain", "web", "--release", "9").code == 2
    assert deliver("explain", "web", "--step", "3").code == 2
    engine.release = None
    assert deliver("status", "web").code == 2


def test_only_what_has_progress_to_tell_takes_the_options_for_it(deliver: Deliver) -> None:
    """An option that is taken and does nothing would be a promise."""
    for command in ("run", "canary", "resume", "rollback", "status"):
        told = deliver(command, "--help").out
        assert "--quiet" in told
        assert "--verbose" in told
    for command in ("history", "explain", "validate", "doctor", "plugins", "version"):
        told = deliver(command, "--help").out
        assert "--color" in told
        assert "--quiet" not in told
        assert "--verbose" not in told


def test_plan_offers_the_options_of_the_strategy_it_plans_with(deliver: Deliver, engine: Service, folder: Path) -> None:
    assert "--max-overshoot" in deliver("plan", "--help").out
    assert deliver("plan", "web", "--strategy", "nope", "--image", "reg/web:2").code == 2
    (folder / "deliver.yaml").write_text("target: {deployment: web}\nimage: reg/web:2\nstrategy: {canary: {weight: [20]}}\n")
    assert deliver("plan").code == 0
    assert asked(engine).options == {"weight": [20]}
    assert deliver("plan", "--weight", "30,60").code == 0
    assert engine.calls[-1][1].options == {"weight": ["30", "60"]}


def test_what_a_live_driver_was_asked_is_answered_in_one_line(deliver: Deliver, engine: Service) -> None:
    engine.release = release(outcome=None)
    for verb in ("pause", "resume", "promote"):
        run = deliver(verb, "web", "-n", "shop")
        assert (run.code, run.out, len(run.err.splitlines())) == (0, "", 1)
        assert f"its driver did `{verb}`" in run.err


@pytest.mark.parametrize(
    ("course", "verb"), [(Direction.PROMOTING, "pause"), (Direction.ROLLING_BACK, "pause"), (Direction.ROLLING_BACK, "promote")]
)
def test_what_a_live_driver_could_not_do_any_more_is_not_said_to_be_done(
    deliver: Deliver, engine: Service, course: Direction, verb: str
) -> None:
    engine.release = replace(release(outcome=None), course=course)
    assert f"it is too late to `{verb}`" in deliver(verb, "web", "-n", "shop").err


def test_status_watch_ends_with_the_release(deliver: Deliver, engine: Service) -> None:
    engine.release = release(outcome=Outcome.ROLLED_BACK)
    run = deliver("status", "web", "-w")
    assert run.code == 3
    assert run.out == ""
