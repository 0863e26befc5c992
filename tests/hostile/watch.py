"""What a case may not do: end in an exception that is no answer, an undocumented exit code, raw control characters, 2 s or 300 MB."""

import contextlib
import io
import os
import re
import resource
import signal
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from deliver.cli.main import main
from deliver.model.exitcodes import ExitCode

SECONDS, MEGABYTES = 2.0, 300
HANGS = 20.0  # seconds of CPU after which nobody waits any more
SLEEPS = 300.0  # and of the clock: a machine that others use may give a case a hundredth of itself
AGAIN = 2
LEFT = ("deliver.yaml", "kubeconfig")  # files that a case makes: the next one must not depend on it
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
DOCUMENTED = frozenset(code for code in ExitCode if code is not ExitCode.INTERNAL)


Case = Callable[[int], float | None]  # by its seed; returns how many commands it stands for, when that is more than one


class Fault(AssertionError):
    """A rule that a case has broken."""


class Hangs(BaseException):
    """Not an Exception: no handler of the product's may take it for one of its own."""


@dataclass(frozen=True)
class Report:
    """One case. fault: "" when it held. seconds: of the clock on a machine that is idle, else of CPU."""

    family: str
    seed: int
    fault: str
    seconds: float
    megabytes: float


def watched(family: str, seed: int, case: Case) -> Report:
    """Plays a case. One that was slow is played again: on a machine that others use, only what is slow twice is slow."""
    had, peak = _resident(), _peak()
    fault, seconds = _once(case, seed)
    for _ in range(AGAIN):
        if not fault and seconds > SECONDS:
            fault, seconds = _once(case, seed)
    if not fault and seconds > SECONDS:
        fault = f"took {seconds:.1f} s"
    used = _peak() - had if _peak() > peak else 0.0  # this process has done other things before, and they are not the case's
    if not fault and used > MEGABYTES:
        fault = f"the process has grown by {used:.0f} MB"
    return Report(family, seed, fault, seconds, used)


def _peak() -> float:
    """The most that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _resident() -> float:
    """What it has now, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _once(case: Case, seed: int) -> tuple[str, float]:
    for name in LEFT:
        Path(name).unlink(missing_ok=True)
    began, cpu = time.monotonic(), time.process_time()
    with _alarm():
        try:
            share = case(seed) or 1.0
        except Fault as fault:
            return str(fault), time.process_time() - cpu
        except Hangs:
            return f"did not end within {HANGS:g} s of CPU or {SLEEPS:g} s", time.process_time() - cpu
        except BaseException as error:
            return "".join(["an exception got out: ", repr(error)[:300], _where(error)]), time.process_time() - cpu
    idle = os.getloadavg()[0] < (os.cpu_count() or 1)
    return "", (time.monotonic() - began if idle else time.process_time() - cpu) / share


def _where(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "deliver" in frame.filename]
    return "".join(f" < {Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-3:]))


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise Hangs

    before = [(number, signal.signal(number, ring)) for number in (signal.SIGALRM, signal.SIGPROF)]
    signal.setitimer(signal.ITIMER_REAL, SLEEPS)
    signal.setitimer(signal.ITIMER_PROF, HANGS)
    try:
        yield
    finally:
        for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
        for number, handler in before:
            signal.signal(number, handler)


def deliver(*args: str) -> tuple[int, str, str]:
    """The command in this process; its output is checked here, and its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(args))
        except SystemExit as ended:  # shell completion
            code = int(ended.code or 0)
    checked(code, out.getvalue(), err.getvalue(), args)
    return code, out.getvalue(), err.getvalue()


def checked(code: int, out: str, err: str, args: Sequence[str] = ()) -> None:
    """Raises Fault."""
    said = f" of {[one[:60] for one in args]}: {err[-700:]!r}"
    if "Traceback" in out + err:
        raise Fault(f"a traceback{said}")
    if code not in DOCUMENTED:
        raise Fault(f"exit code {code}{said}")
    if code not in (0, ExitCode.CHANGES) and not (out + err).strip():
        raise Fault(f"exit code {code} without a word{said}")
    for name, text in (("stdout", out), ("stderr", err)):
        shown = COLOUR.sub("", text) if "always" in args else text
        if raw := sorted({char for char in shown if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs")}):
            raise Fault(f"raw {[hex(ord(char)) for char in raw[:4]]} on {name}{said}")


def environment(folder: Path) -> None:
    """A folder of its own, and nobody's cluster, CI or home."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".git").mkdir(exist_ok=True)
    os.chdir(folder)
    for name in list(os.environ):
        if name.startswith(("DELIVER_", "GITHUB_", "GITLAB_", "KUBE")) or name in ("CI", "COLUMNS"):
            del os.environ[name]
    os.environ |= {
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "no-such-kubeconfig"),
        "DELIVER_DEBUG": "1",
        "DELIVER_ACTOR": "hostile@test",
    }
