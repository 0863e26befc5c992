"""`deliver demo` as a newcomer types it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deliver.cli.main import main
from deliver.demo.child import environment
from deliver.demo.scenarios import SCENARIOS
from deliver.demo.stage import Pace

ROOT = Path(__file__).resolve().parents[2]
DELIVER = Path(sys.executable).with_name("deliver")


def demo(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DELIVER, "demo", *args], capture_output=True, text=True, timeout=60, check=False)


def test_off_a_terminal_it_prints_lines_in_the_order_of_events_and_the_checks_as_data():
    done = demo("--scenario", "crash", "-o", "json")
    assert done.returncode == 0, done.stderr
    (item,) = json.loads(done.stdout)["items"]
    assert (item["scenario"], item["asTold"], {check["ok"] for check in item["checks"]}) == ("crash", True, {True})
    order = (
        "A small Kubernetes",
        "crash: ",
        "$ deliver run",
        "rolling back: ",
        "Result: ROLLED BACK",
        "✔ exit code 3",
        "What next",
        "demo --list",
    )
    places = [done.stderr.index(text) for text in order]
    assert places == sorted(places)
    assert "\x1b" not in done.stderr


def test_it_lists_its_scenarios(capsys: pytest.CaptureFixture[str]):
    assert main(["demo", "--list"]) == 0
    listed = capsys.readouterr().out
    assert {"healthy", "errors", "slow", "crash", "blind", "killed-driver", "two-drivers", "foreign-edit"} <= set(SCENARIOS)
    for scenario in SCENARIOS.values():
        assert re.search(rf"^{scenario.name} .*{re.escape(scenario.title)}$", listed, re.MULTILINE)


def test_the_made_up_prometheus_scrapes_as_often_as_asked_and_a_step_bakes_for_two():
    assert Pace.scraped(1.0).file() == Pace().file()
    slow = Pace.scraped(30.0)
    assert (slow.scrape, slow.bake) == (30.0, 60.0)
    assert slow.file().count("bake: 60s") == 2
    assert slow.file().count("window: 90s") == 2
    done = demo("--scenario", "crash", "--scrape", "2s", "-o", "json")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "args", [("--scenario", "nosuch"), ("--seed", "x"), ("--seed", "-1"), ("--scrape", "90s"), ("--scrape", "0s"), ("--scrape", "x")]
)
def test_bad_input(args: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    assert main(["demo", *args]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert out == ""


def processes() -> dict[int, int]:
    """Each with its parent."""
    lines = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.splitlines()
    return {int(pid): int(parent) for pid, parent in map(str.split, lines)}


def children_of(parent: int) -> set[int]:
    return {pid for pid, its in processes().items() if its == parent}


def in_the_background() -> None:
    """As a shell without job control starts `command &`: every process below has SIGINT ignored unless it asks for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize(
    ("number", "signal_to", "start"),
    [
        pytest.param(signal.SIGINT, os.killpg, None, id="ctrl-c, as a terminal does"),
        pytest.param(signal.SIGINT, os.kill, None, id="SIGINT to the demo alone"),
        pytest.param(signal.SIGINT, os.kill, in_the_background, id="SIGINT when in the background of a script"),
        pytest.param(signal.SIGTERM, os.kill, None, id="SIGTERM"),
    ],
)
def test_a_signal_ends_it_and_its_children(number: int, signal_to: Callable[[int, int], None], start: Callable[[], None] | None):
    process = subprocess.Popen(
        [DELIVER, "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=start,  # noqa: PLW1509  (it sets one signal's disposition and takes no lock)
    )
    assert process.stdout
    while "scaled to 1 pod" not in process.stdout.readline():
        assert process.poll() is None
    children = children_of(process.pid)
    assert children
    signal_to(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Result: HELD" in out
    assert "\x1b" not in out
    assert "Traceback" not in out + err
    assert err.splitlines()[-1] == "stopped; the sandbox is gone and nothing else was touched"
    assert not children & processes().keys()


def test_the_children_get_nothing_of_the_visitors_cluster_or_pipeline():
    visitor = {
        "KUBECONFIG": "mine",
        "DELIVER_IMAGE": "x",
        "GITHUB_ACTIONS": "true",
        "PATH": "/bin",
        "NO_PROXY": "a.example",
        "HTTP_PROXY": "p",
    }
    own = environment(visitor, Path("theirs"))
    assert own == {
        "PATH": "/bin",
        "HTTP_PROXY": "p",
        "KUBECONFIG": "theirs",
        "NO_PROXY": "a.example,127.0.0.1",
        "no_proxy": "a.example,127.0.0.1",
    }


def test_make_demo_sets_up_and_runs_it():
    assert re.search(r"^demo: setup\b.*\n\t@\$\(BIN\)/deliver demo$", (ROOT / "Makefile").read_text(), re.MULTILINE)
