"""What must be light stays light, and the process is a good citizen: pipes, closed streams, no HOME, no terminal."""

import json
import os
import subprocess
import sys

import pytest

# pydantic is not among them: typer itself needs it to read any option
HEAVY = ("kubernetes", "requests", "httpx", "prometheus_api_client", "rich", "yaml", "urllib3", "tenacity")
PROBE = """
import json, sys
from deliver.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]), file=sys.stderr)
"""


def run(*args: str, code: str = PROBE, env: dict[str, str] | None = None, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", code, *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, **(env or {})},
        **more,
    )


@pytest.mark.parametrize("args", [("--help",), ("version",), ("--version",), ("canry",)])
def test_nothing_heavy_is_imported(args: tuple[str, ...]) -> None:
    done = run(*args)
    _, modules = json.loads(done.stderr.splitlines()[-1])
    assert set(HEAVY) & set(modules) == set()


def test_completion_is_light_and_knows_commands_and_strategies() -> None:
    env = {"_DELIVER_COMPLETE": "complete_bash", "COMP_WORDS": "deliver ", "COMP_CWORD": "1"}
    done = run(env=env)
    _, modules = json.loads(done.stderr.splitlines()[-1])
    assert set(HEAVY) & set(modules) == set()
    assert {"canary", "rollback", "status"} <= set(done.stdout.split())


def test_help_names_every_command_and_every_exit_code() -> None:
    text = run("--help").stdout
    for word in ("canary", "run", "plan", "status", "history", "explain", "promote", "pause", "resume", "abort", "rollback"):
        assert f"\n  {word} " in text
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130, 143):
        assert f"\n  {code} " in text


SHELL = "import sys; from deliver.cli.main import main; sys.exit(main(sys.argv[1:]))"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f'"{sys.executable}" -c "{SHELL}" validate --schema | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=20)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


@pytest.mark.parametrize("redirect", [">&-", ">&- 2>&-", "2>&-", "<&-"])
@pytest.mark.parametrize(("command", "code"), [("--help", 0), ("version", 0), ("status statefulset/web", 2)])
def test_closed_streams(redirect: str, command: str, code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{SHELL}" {command} {redirect}'], check=False, capture_output=True, text=True, timeout=20
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_full_disk_under_stdout_is_no_traceback() -> None:
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{SHELL}" version > /dev/full'], check=False, capture_output=True, text=True, timeout=20
    )
    assert "Traceback" not in done.stderr


def test_no_home_and_no_terminal() -> None:
    env = {key: value for key, value in os.environ.items() if key not in ("HOME", "KUBECONFIG", "TERM", "USER", "LOGNAME")}
    done = subprocess.run(
        [sys.executable, "-c", SHELL, "rollback", "web", "--kubeconfig", "/no/such"],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
        env=env,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: kubeconfig /no/such does not exist\n")


def test_python_dash_m() -> None:
    done = subprocess.run([sys.executable, "-m", "deliver", "version"], check=False, capture_output=True, text=True, timeout=20)
    assert done.stdout.startswith("deliver ")


SECOND = """
import os, signal, sys, time
from deliver.cli.signals import stoppable
with stoppable() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    while not stop.is_set():
        time.sleep(0.001)
    assert stop.signum == signal.SIGTERM
    print("held", flush=True)
    if sys.argv[1:] == ["again"]:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
"""


def test_the_first_signal_asks_and_the_second_ends() -> None:
    once, twice = run(code=SECOND), run("again", code=SECOND)
    assert (once.returncode, once.stdout) == (0, "held\n")
    assert (twice.returncode, twice.stdout) == (130, "held\n")
    assert "a second signal exits at once" in once.stderr
