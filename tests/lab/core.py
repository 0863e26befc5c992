"""What the parts of the lab share: where things are, how a process is started and ended, how something is waited for."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("LAB_CACHE", "/var/cache/deliver-lab"))
RUN = Path(os.environ.get("LAB_RUN", "/var/lib/deliver-lab"))
HOST_IP, NODE_IP, NODE = "198.51.100.1", "198.51.100.2", "lab-node"
REGISTRY = f"{HOST_IP}:5000"


class LabError(Exception):
    """Something the person at the keyboard can act on."""


def sh(*command, check=True, capture=False, quiet=False, **kw):
    if capture:
        kw |= {"stdout": subprocess.PIPE, "text": True}
    if quiet:
        kw |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run([str(c) for c in command], check=check, **kw)


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def make(path):
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def alone(what):
    """One at a time: tests that run side by side ask for the same things."""
    with open(make(CACHE) / f".{what}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(*packages):
    """Debian packages that are not there yet."""
    missing = [p for p in packages if sh("dpkg", "-s", p, check=False, quiet=True).returncode]
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    sh("apt-get", "update", "-qq")
    sh("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing,
       env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


# ---------------------------------------------------------------- processes


def stat(pid):
    """A process's state and start time: its number with its start time names it for good."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return fields[0], fields[19]


def find(name):
    """The pid and state of our process; (None, "") if it has ended, even where its number is another's by now."""
    try:
        pid, born = (RUN / "pids" / name).read_text().split()
        state, started = stat(pid)
    except (OSError, ValueError):
        return None, ""
    return (int(pid), state) if started == born and state not in "ZX" else (None, "")


def spawn(name, command, **kw):
    """Start it in the background, with its own log and a note of its pid."""
    with open(make(RUN / "logs") / f"{name}.log", "ab") as log:
        process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                   start_new_session=True, **kw)
    (make(RUN / "pids") / name).write_text(f"{process.pid} {stat(process.pid)[1]}")


def send(name, sig):
    pid, _ = find(name)
    if not pid:
        raise LabError(f"{name} is not running")
    os.killpg(pid, sig)


def kill(name, sig=signal.SIGKILL):
    send(name, sig)
    wait(f"the end of {name}", lambda: not find(name)[0], every=0.02)


def wait(what, probe, timeout=90, every=0.1):
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        try:
            if probe():
                return
        except (OSError, subprocess.CalledProcessError) as error:
            last = error
        time.sleep(every)
    raise LabError(f"{what}: not ready after {timeout} s ({last}); see {RUN}/logs")
