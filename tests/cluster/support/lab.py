"""What this run has to work with: the lab, or a cluster of the user's own."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "tests/lab/lab"
REGISTRY = os.environ.get("LAB_REGISTRY", "")
AUDIT_LOG = os.environ.get("LAB_AUDIT_LOG", "")
KUBECONFIG = os.environ.get("KUBECONFIG", "")


def lab(*args: str, timeout: float = 120) -> None:
    done = subprocess.run([str(LAB), *args], capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise AssertionError(f"lab {' '.join(args)}: {done.stderr}")


@contextlib.contextmanager
def frozen(component: str) -> Iterator[None]:
    """Stopped where it stands: its connections stay open and say nothing."""
    lab("freeze", component)
    try:
        yield
    finally:
        lab("thaw", component)


@contextlib.contextmanager
def killed(component: str) -> Iterator[None]:
    lab("kill", component)
    try:
        yield
    finally:
        lab("start", component)


@contextlib.contextmanager
def no_prometheus() -> Iterator[None]:
    lab("prometheus", "down")
    try:
        yield
    finally:
        lab("prometheus", "up")
