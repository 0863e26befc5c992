"""A running release as lines, and as JSON lines: what is told, when, and with what characters."""

import io
import json
import os
import pty
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from deliver.model.errors import ClusterError, DeliverError, GateRefused
from deliver.model.journal import Event
from deliver.model.release import Phase
from deliver.model.spec import PluginSpec
from deliver.model.verdict import CheckResult, Verdict
from deliver.render.errors import error_text, error_view
from deliver.render.events import Narrator
from deliver.render.lines import waiting_for
from deliver.render.reporters import make_reporter, report_error
from tests.journalled import intent, outcome


class Clock:
    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def reporter(clock, err, out=None, **options):
    wanted = {"output": "text", "color": "auto", "ci": "auto", "quiet": False, "verbose": False, "environ": {}} | options
    return make_reporter(stdout=out or io.StringIO(), stderr=err, clock=clock, **wanted)


def play(scene, err, out=None, **options):
    """The whole of a release, one journal line an update, then its end."""
    clock = Clock(scene.release.started)
    shown = reporter(clock, err, out, **options)
    for i in range(len(scene.release.journal) + 1):
        journal = scene.release.journal[:i]
        clock.at = journal[-1].at if journal else clock.at
        shown.update(replace(scene.release, journal=journal, outcome=None, phase=Phase.SHIFTING, ended=0.0), scene.seen)
    clock.at = scene.now
    shown.end(scene.release, scene.seen)
    return err.getvalue() if isinstance(err, io.StringIO) and not err.closed else ""


def test_stream_of_a_release(named_scene, golden):
    name, shown = named_scene
    golden(f"{name}.lines.txt", play(shown, io.StringIO()).rstrip("\n"))


def test_an_intent_and_its_outcome_are_one_line(scene):
    text = play(scene("mid-bake"), io.StringIO())
    assert text.count("candidate `web-candidate` created") == 1 and "create-candidate" not in text


def test_verbose_tells_the_intent_too(scene):
    text = play(scene("mid-bake"), io.StringIO(), verbose=True)
    assert "► create the candidate `web-candidate` with 1 pod" in text


def test_a_failed_and_an_unknown_outcome_say_so(scene):
    release = intent(replace(scene("mid-bake").release, journal=()), 1, "route stable")
    failed = outcome(release, 2, "route stable: 409 conflict", "failed", of=1)
    unknown = outcome(release, 2, "route stable: timed out", "unknown", of=1)
    assert Narrator().tell(failed)[0].text == "could not send traffic to the stable side only: 409 conflict"
    assert Narrator().tell(failed)[0].level == "fail"
    assert Narrator().tell(unknown)[0].level == "warn"


def test_a_move_by_weight_is_told_with_its_weight(scene):
    release = intent(replace(scene("mid-bake").release, journal=()), 1, "route both 12.5 %: 12.5 %: 12.5 % by weight")
    [told] = Narrator().tell(outcome(release, 2, "route both 12.5 %", of=1))
    assert told.text.startswith("Services send traffic to both sides, 12.5 % by weight")


def test_journal_lines_of_an_earlier_driver_are_not_told_again(scene):
    shown = scene("mid-bake")
    err = io.StringIO()
    clock = Clock(shown.release.started + 3600)
    again = reporter(clock, err)
    again.update(shown.release.noted(clock.at, Event.TAKEN_UP, actor="sam"), shown.seen)
    assert "taken up by sam" in err.getvalue() and "paused for the release" not in err.getvalue()


def test_bake_progress_comes_every_15_seconds_or_when_the_verdict_changes(scene):
    shown, err = scene("mid-bake"), io.StringIO()
    clock = Clock(shown.now)
    lines = reporter(clock, err)
    for _ in range(31):
        lines.update(shown.release, shown.seen)
        clock.at += 1
    assert err.getvalue().count("baking 10 %: ") == 3
    blind = replace(shown.release.checks[1], verdict=Verdict.BLIND, why="no data")
    lines.update(replace(shown.release, checks=(blind,)), shown.seen)
    assert err.getvalue().count("baking 10 %: ") == 4 and "(no data)" in err.getvalue()


def test_bake_line_says_when_nothing_but_pods_judges(scene):
    shown, err = scene("mid-bake"), io.StringIO()
    reporter(Clock(shown.now), err).update(replace(shown.release, checks=()), replace(shown.seen, checks=()))
    assert "judged by pods alone, no check is configured" in err.getvalue()


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        (Phase.PREPARING, "still waiting for candidate pods: 1/1 ready"),
        (Phase.WAITING, "still waiting for approval to go on after 10 %: `deliver promote`"),
        (Phase.PAUSED, "still waiting for `deliver resume`"),
    ],
)
def test_silence_is_broken_every_30_seconds(scene, phase, told):
    shown, err = scene("mid-bake"), io.StringIO()
    clock = Clock(shown.now)
    lines = reporter(clock, err)
    for _ in range(66):
        lines.update(replace(shown.release, phase=phase), shown.seen)
        clock.at += 1
    assert err.getvalue().count(told) == 2


def test_with_all_pods_ready_it_is_said_what_else_is_waited_for(scene):
    """It was "still waiting for candidate pods: 3/3 ready", and a health check that could not be reached."""
    shown = scene("mid-bake")
    release = replace(shown.release, phase=Phase.PREPARING)

    def told(seen):
        return waiting_for(release, seen, Narrator())

    blind = CheckResult(
        "http", "health", Verdict.BLIND, "1 of 1 pods (web-1) could not be judged: the API server's proxy cannot be reached"
    )
    assert told(replace(shown.seen, checks=(blind,))) == f"health check http to pass: {blind.why}"
    stable = replace(shown.seen.stable, desired=shown.seen.stable.ready + 1)
    assert told(replace(shown.seen, stable=stable)) == f"stable pods: {stable.ready}/{stable.desired} ready"
    asked = replace(
        release, exposed=False, spec=replace(release.spec, analysis=replace(release.spec.analysis, health=(PluginSpec("http"),)))
    )
    assert waiting_for(asked, replace(shown.seen, checks=()), Narrator()) == "a first answer to the health checks of the 1 candidate pod"
    late = replace(shown.seen, candidate=replace(shown.seen.candidate, pods=()), checks=(blind,))
    assert told(late) == f"candidate pods: 0/{late.candidate.desired} ready"


def test_an_unanswered_action_is_what_is_waited_for(scene):
    shown, err = scene("mid-bake"), io.StringIO()
    clock = Clock(shown.now)
    lines = reporter(clock, err)
    release = intent(replace(shown.release, phase=Phase.SHIFTING), clock.at, "route stable")
    lines.update(release, shown.seen)
    clock.at += 31
    lines.update(release, shown.seen)
    assert "still waiting for the answer to an action: send traffic to the stable side only" in err.getvalue()


def test_notes_are_told_as_warnings_and_quiet_tells_the_summary_alone(scene):
    shown, err = scene("rolled-back"), io.StringIO()
    reporter(Clock(shown.now), err).note("the API server does not answer\x1b[2J, trying again")
    assert err.getvalue() == "00:51:45 ⚠ the API server does not answer, trying again\n"
    assert play(shown, io.StringIO(), quiet=True).startswith("✗ Result: ROLLED BACK")


@pytest.mark.parametrize("environ", [{}, {"FORCE_COLOR": "1"}, {"CLICOLOR_FORCE": "1"}, {"NO_COLOR": "1"}, {"CI": "true"}])
def test_no_escape_code_off_a_terminal(named_scene, environ):
    out, err = io.StringIO(), io.StringIO()
    play(named_scene[1], err, out, environ=environ | {"TERM": "xterm-256color"}, output="jsonl")
    assert "\x1b" not in out.getvalue() + err.getvalue()


def test_color_on_a_terminal_in_ci_and_no_color_wins(scene):
    environ = {"TERM": "xterm", "CI": "true"}
    assert "\x1b[" in play(scene("rolled-back"), Tty(), environ=environ)
    assert "\x1b" not in play(scene("rolled-back"), Tty(), environ=environ | {"NO_COLOR": "1"})
    assert "\x1b" not in play(scene("rolled-back"), Tty(), environ=environ, color="never")
    assert "\x1b[" in play(scene("rolled-back"), io.StringIO(), color="always")


def test_latin_1_terminal_gets_ascii_symbols(scene):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    play(scene("rolled-back"), stream)
    text = raw.getvalue().decode("latin-1")
    assert "x Result: ROLLED BACK" in text and "1.0.0` -> `1.1.0`" in text and "?" not in text


def test_closed_and_missing_streams_cost_output_only(scene):
    closed = io.StringIO()
    closed.close()
    play(scene("rolled-back"), closed)
    shown = scene("rolled-back")
    lines = make_reporter(
        output="jsonl", color="auto", ci="auto", quiet=False, verbose=False, stdout=None, stderr=None, environ={}, clock=Clock(shown.now)
    )
    lines.update(shown.release, shown.seen)
    lines.end(shown.release, shown.seen)


def test_a_bug_in_the_display_does_not_stop_the_release(scene):
    err = io.StringIO()
    reporter(Clock(0), err).update(None, None)
    assert "the release goes on" in err.getvalue()


def test_broken_pipe_leaves_the_exit_code_alone():
    code = "import sys, time; from deliver.render.out import Out; o = Out(sys.stdout)\nwhile not o.dead: o.line('x' * 4096)\nsys.exit(3)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert (process.wait(10), process.stderr.read()) == (3, b"")
    process.stderr.close()


def test_jsonl_is_an_object_a_journal_line_and_the_release_last(scene):
    shown, out, err = scene("rolled-back"), io.StringIO(), io.StringIO()
    play(shown, err, out, output="jsonl")
    objects = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [o.get("seq") for o in objects[:-1]] == [entry.seq for entry in shown.release.journal]
    assert {o["kind"] for o in objects[:-1]} == {"ReleaseEvent"} and objects[-1]["kind"] == "Release"
    verdict = next(o for o in objects if o.get("type") == "verdict")
    assert verdict["event"].startswith("rolling back") and verdict["checks"][1]["verdict"] == "FAIL"
    assert {"id", "target", "strategy", "phase", "outcome", "reason", "exposure", "at"} <= set(verdict)
    verified = next(o for o in objects if o.get("code") == "traffic-verified")
    assert (verified["subject"], verified["numbers"]) == ("both", {"candidate": 1, "total": 5})
    moved = next(o for o in objects if o.get("code") == "intent" and o["action"]["verb"] == "route")
    assert moved["action"]["exposure"]["side"] == "both"
    assert "Result: ROLLED BACK" in err.getvalue()
    silent = io.StringIO()
    play(shown, silent, io.StringIO(), output="jsonl", quiet=True)
    assert silent.getvalue() == ""


def test_jsonl_on_a_terminal_is_not_mixed_with_lines(scene):
    err = io.StringIO()
    play(scene("rolled-back"), err, Tty(), output="jsonl")
    assert err.getvalue() == ""


def test_error_shape():
    error = GateRefused("quota `q` is too small\n2 pods are missing", why="4 > 2\x1b[2J", state="nothing changed", hint="raise it")
    assert error_text(error) == "error: quota `q` is too small\n  2 pods are missing\nwhy: 4 > 2\nstate: nothing changed\nhint: raise it"
    assert error_text(DeliverError("only this")) == "error: only this"
    view = error_view(ClusterError("no answer"))
    assert (view["kind"], view["code"], view["exit_code"]) == ("Error", "UNREACHABLE", 8)


def test_an_error_in_github_is_one_annotation(tmp_path):
    err, outputs = io.StringIO(), tmp_path / "out"
    error = GateRefused("no\n::set-env::x", why="100%")
    report_error(error, color="auto", ci="auto", stderr=err, environ={"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs)})
    commands = [line for line in err.getvalue().splitlines() if line.lstrip().startswith("::")]
    assert commands == ["::error title=deliver::no ::set-env::x: 100%25"]
    assert outputs.read_text() == "result=REFUSED\nrelease=\nreason=no ::set-env::x: 100%\n"


def test_reporters_may_be_told_from_several_threads(scene):
    shown, err = scene("mid-bake"), io.StringIO()
    lines = reporter(Clock(shown.now), err)
    threads = [threading.Thread(target=lines.note, args=("n" * 50,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert err.getvalue().count("n" * 50 + "\n") == 20


def test_rich_is_not_imported_for_lines():
    code = "import sys, deliver.render.reporters, deliver.render.text, deliver.render.explain, deliver.render.lists\n"
    heavy = "('rich', 'yaml', 'pydantic', 'kubernetes', 'httpx')"
    done = subprocess.run(
        [sys.executable, "-c", code + f"print([m for m in {heavy} if m in sys.modules])"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_terminal_that_hangs_up_stops_nobody(scene):
    shown = scene("mid-bake")
    master, slave = pty.openpty()
    stream = os.fdopen(slave, "w", encoding="utf-8")
    lines = reporter(Clock(shown.now), stream, verbose=True)
    lines.update(shown.release, shown.seen)
    os.close(master)
    lines.note("nobody reads this")
    lines.end(shown.release, shown.seen)
    stream.close()
