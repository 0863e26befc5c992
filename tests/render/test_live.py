"""The live view: what a frame shows, that it fits, and where it is used at all."""

import io
import os
from dataclasses import replace

import pytest
from rich.console import Console

from deliver.model.plan import Plan, Side
from deliver.model.verdict import Verdict
from deliver.render import reporters
from deliver.render.events import Narrator
from deliver.render.frame import frame
from deliver.render.live import LiveView
from deliver.render.out import Out
from deliver.render.reporters import live_possible, make_reporter
from deliver.render.style import Style


def drawn(shown, width=80, height=23):
    return frame(shown.release, shown.seen, Narrator().tell(shown.release), shown.now, width, height)


def plain(shown, width=80, height=23):
    return "\n".join(line.plain.rstrip() for line in drawn(shown, width, height))


@pytest.mark.parametrize("width", [80, 140])
def test_frames(named_scene, golden, width):
    name, shown = named_scene
    golden(f"{name}.live-{width}.txt", plain(shown, width))


@pytest.mark.parametrize(("width", "height"), [(60, 15), (80, 23), (100, 12), (200, 50), (40, 8)])
def test_a_frame_fits_its_terminal(named_scene, width, height):
    lines = drawn(named_scene[1], width, height)
    assert len(lines) <= height and max(line.cell_len for line in lines) <= width


def test_many_steps_and_checks_fold_but_not_the_running_step_nor_the_failing_check(scene):
    shown = scene("mid-bake")
    step, check = shown.release.plan.steps[0], shown.release.checks[1]
    steps = tuple(replace(step, name=f"{i} %", weight=i) for i in range(1, 21))
    checks = (*(replace(check, name=f"m{i}") for i in range(12)), replace(check, name="bad", verdict=Verdict.FAIL, why="too many"))
    release = replace(shown.release, plan=Plan("canary", steps), step=9, checks=checks)
    text = plain(replace(shown, release=release), 80, 23)
    assert "► 10 %" in text and "bad" in text and "✗ FAIL too many" in text
    assert "more line" in text and "00:50:12" in text and "deliver rollback web -n shop" in text
    assert len(text.splitlines()) <= 23


def test_the_bake_bar_moves_with_the_clock(scene):
    shown = scene("mid-bake")
    early, late = (plain(replace(shown, now=shown.release.bake_since + at)) for at in (30, 270))
    assert "30s of 5m" in early and "4m30s of 5m" in late
    bars = [next(line for line in text.splitlines() if "of 5m" in line).count("█") for text in (early, late)]
    assert bars[0] < bars[1]


def test_traffic_that_should_be_off_and_is_not_is_red(scene):
    line = next(line for line in drawn(scene("rollback-failed")) if "by endpoints" in line.plain)
    assert any(str(span.style) == "bold red" and line.plain[span.start : span.end] == "20 %" for span in line.spans)


def test_markup_and_escapes_from_outside_are_shown_as_text(scene):
    shown = scene("mid-bake")
    text = plain(replace(shown, release=replace(shown.release, reason="[red]x[/red] \x1b[2J")))
    assert "[red]x[/red]" in text and "\x1b" not in text


def test_the_last_frame_and_the_summary_stay(scene):
    shown, screen = scene("rolled-back"), io.StringIO()
    console = Console(file=screen, width=80, height=24, force_terminal=True, color_system="truecolor", record=True)
    view = LiveView(Out(screen), Style(), lambda: shown.now, {}, console)
    view.note("before the first look")
    view.update(replace(shown.release, outcome=None), shown.seen)
    view.note("the API server does not answer, trying again")
    view.end(shown.release, shown.seen)
    text = screen.getvalue()
    last_frame, _, summary = text.rpartition("Result: ROLLED BACK")
    assert "ROLLED BACK" in last_frame and "the API server does not answer" in last_frame
    assert "\x1b[?25h" in text and "state: traffic" in summary


def test_a_view_that_never_began_ends_with_the_summary(scene):
    shown, screen = scene("promoted"), io.StringIO()
    LiveView(Out(screen), Style(), lambda: shown.now, {}).end(shown.release, shown.seen)
    assert "Result: PROMOTED" in screen.getvalue()


def test_a_bug_in_a_frame_does_not_reach_the_driver(scene):
    screen = io.StringIO()
    view = LiveView(Out(screen), Style(), lambda: 0.0, {}, Console(file=screen, width=80, height=24))
    view._shown = (None, None)
    assert "the release goes on" in str(view.draw().renderables[0])


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


GOOD = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("stream", "environ", "ci", "size", "live"),
    [
        (Tty(), GOOD, "auto", (80, 24), True),
        (Tty(), GOOD | {"NO_COLOR": "1"}, "auto", (80, 24), True),
        (io.StringIO(), GOOD | {"FORCE_COLOR": "1"}, "auto", (80, 24), False),
        (Tty(), GOOD | {"CI": "true"}, "auto", (80, 24), False),
        (Tty(), {"TERM": "dumb"}, "auto", (80, 24), False),
        (Tty(), {}, "auto", (80, 24), False),
        (Tty(), GOOD, "github", (80, 24), False),
        (Tty(), GOOD, "auto", (40, 24), False),
        (Tty(), GOOD, "auto", (80, 10), False),
        (None, GOOD, "auto", (80, 24), False),
    ],
)
def test_live_only_on_a_real_terminal_of_ones_own(monkeypatch, stream, environ, ci, size, live):
    monkeypatch.setattr(reporters.shutil, "get_terminal_size", lambda: os.terminal_size(size))
    assert live_possible(stream, ci, environ) is live


def test_make_reporter_takes_the_live_view_and_verbose_does_not(monkeypatch):
    monkeypatch.setattr(reporters.shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    options = {"output": "text", "color": "auto", "ci": "auto", "quiet": False, "stdout": Tty(), "stderr": Tty(), "environ": GOOD}
    assert isinstance(make_reporter(verbose=False, clock=lambda: 0.0, **options), LiveView)
    assert not isinstance(make_reporter(verbose=True, clock=lambda: 0.0, **options), LiveView)


def test_where_traffic_goes_is_told_as_read_back(scene):
    shown = scene("mid-bake")
    route = replace(shown.seen.route, side=Side.STABLE, pinned="5c4d", agreed=False, detail="1 endpoint of the candidate is left")
    assert "goes to both sides  ✔ EndpointSlices agree" in plain(shown, 100)
    moving = plain(replace(shown, seen=replace(shown.seen, route=route)), 120)
    assert "goes to the stable side only, pinned to 5c4d  ◎ moving: 1 endpoint of the candidate is left" in moving
    assert "goes by the Services' own selectors" in plain(scene("promoted"), 100)


def test_a_long_reason_wraps_instead_of_being_cut(scene):
    text = plain(scene("rollback-failed"), 80)
    assert "because aborted by sam: graphs look wrong)" in text


def test_who_only_looks_on_is_not_told_that_ctrl_c_holds_the_release(scene):
    shown = scene("mid-bake")
    for driving, told in ((True, "hold it: Ctrl-C"), (False, "stop watching: Ctrl-C")):
        lines = frame(shown.release, shown.seen, (), shown.now, 100, 40, driving=driving)
        assert lines[-1].plain.endswith(told)


def test_a_long_repository_never_hides_the_versions(scene):
    shown = scene("mid-bake")
    repository = "registry.example/" + "very-long-team-name/" * 6 + "web"
    release = replace(
        shown.release,
        spec=replace(shown.release.spec, image=f"{repository}:1.1.0"),
        snapshot=replace(shown.release.snapshot, image=f"{repository}:1.0.0"),
    )
    line = frame(release, shown.seen, (), shown.now, 80, 24)[1].plain
    assert line.endswith("web:1.0.0 → 1.1.0") and len(line) <= 80
