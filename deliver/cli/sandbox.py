"""`sandbox up`: the embedded cluster, kept running for the commands that a person types."""

import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from typer.core import TyperGroup

from deliver.cli import context
from deliver.cli.commands import SETTINGS
from deliver.cli.options import COLOR, Given, Option, number, whole
from deliver.cli.signals import handled
from deliver.cli.typer_commands import command
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver_sandbox.http.server import Door
    from deliver_sandbox.world import World

FASTEST = 1000.0
UP = (
    Option("seed", "of the sandbox's chance; another one, other numbers [default: 1]", metavar="N"),
    Option(
        "speed",
        "pods start and crash N times faster, users send N times more requests; clocks, bakes and drains stay real [default: 1]",
        metavar="N",
    ),
    Option("port", "port of its API on 127.0.0.1 [default: a free one]", metavar="PORT"),
    Option("write", "kubeconfig file to write, removed at the end [default: a temporary one]", metavar="FILE"),
    COLOR,
)


def make(name: str, summary: str) -> TyperGroup:
    up = command("up", "Start it and keep it until Ctrl-C. stdout: the export line for your shell", up_, UP, target=False)
    return TyperGroup(name=name, help=summary, commands={"up": up}, no_args_is_help=True, context_settings=SETTINGS, rich_markup_mode=None)


def up_(given: Given) -> int:
    from deliver_sandbox.live import live

    seed, port = whole(given, "seed", 1), whole(given, "port", 0, 65535)
    speed = number(given, "speed", 1.0, 1.0, FASTEST)
    try:
        with live(seed=seed, speed=speed, port=port) as (world, door), _kubeconfig(given["write"], door) as file:
            context.show(f"export KUBECONFIG={file}")
            context.say(_instructions(file, door, speed))
            over = threading.Event()
            with handled(lambda *_: over.set()):  # SIGINT or SIGTERM: both are how it is meant to end
                over.wait()
            context.say(_summary(world))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise InputError(f"port {port} cannot be used", why=error.strerror or "", hint="leave --port out for a free one") from None
    return ExitCode.PROMOTED


@contextlib.contextmanager
def _kubeconfig(wanted: str | None, door: "Door") -> Iterator[Path]:
    """In a folder of our own, or where the user wants it, never over a file that is there. It goes at the end, as the cluster does."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="deliver-sandbox-") as folder:
            file = Path(folder) / "kubeconfig"
            file.write_text(door.kubeconfig())
            yield file
        return
    file = Path(wanted).absolute()
    try:
        with file.open("x") as stream:
            stream.write(door.kubeconfig())
    except OSError as error:
        raise InputError(f"cannot write {wanted}", why=error.strerror or "", hint="a file that is there is not overwritten") from None
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def _instructions(file: Path, door: "Door", speed: float) -> str:
    from deliver.demo.child import program

    this = program()
    pace = f"Pods and users here are {speed:g} times as fast as usual; clocks, bakes and drains are real.\n" if speed != 1 else ""
    proxy = "\n  export NO_PROXY=127.0.0.1" if any(os.environ.get(key) for key in ("HTTP_PROXY", "http_proxy")) else ""
    return f"""
The sandbox is up at {door.url}: namespace shop, Deployment web
(4 pods, registry/web:1.0.0), its Service with users on it, and a Prometheus at
monitoring/prometheus:9090. Ctrl-C ends it, and nothing is left.
{pace}
In another terminal:

  export KUBECONFIG={file}{proxy}
  kubectl get pods -w
  {this} plan web --image registry/web:1.1.0 --weight 20,50 --bake 10s
  {this} canary web --image registry/web:1.1.0 --weight 20,50 --bake 10s \\
    --prometheus monitoring/prometheus:9090 --min-samples 20 \\
    --errors 'http_requests_total{{code=~"5.."}}' --requests http_requests_total
  {this} status web
  {this} rollback web

Tags that registry/web has: 1.0.0, 1.1.0, 1.2.0, and of 2.0.0: -errors,
-few-errors, -slow, -crash, -oom, -unready.
"""


def _summary(world: "World") -> str:
    with world.clock.lock:
        tally = world.traffic.tally.copy()
    served = ", ".join(f"{image.rpartition(':')[2]} {count:,}" for image, count in tally.by_image.most_common())
    return f"\nstopped. Requests by users: {tally.requests:,}, lost: {tally.lost():,}; answered by {served}"
