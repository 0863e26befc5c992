"""Command lines: every command, with options that exist and values that do not fit, and options that do not exist.

Commands that look at a cluster find an embedded one with a release under way; those that drive end before they change anything.
"""

from functools import cache
from random import Random
from typing import Any
from unittest import mock

from deliver.cli.app import app
from deliver.model.exitcodes import ExitCode
from tests.engine.rig import Rig, in_step
from tests.hostile.mutate import WORDS
from tests.hostile.watch import Fault, deliver

DRIVE = ("run", "canary", "blue-green", "flag")
LOOK = ("plan", "status", "history", "explain", "doctor")
ACT = ("promote", "pause", "resume", "abort", "rollback")
OTHERS = ("validate", "plugins", "version", "nonsense", "", "--version", "--help", "-h", "sandbox", "kubectl")
NEVER = {"watch", "takeover", "help", "install_completion", "show_completion"}  # -w follows a release for as long as it lives
FITTING = {
    "image": "reg/web:1.1.0",
    "weight": "10,50",
    "bake": "5m",
    "poll": "5s",
    "on_blind": "hold",
    "namespace": "shop",
    "file": "none",
    "errors": "e",
    "requests": "r",
    "prometheus": "monitoring/prometheus:9090",
    "health_http": "/healthz:8080",
    "output": "json",
    "color": "always",
    "ci": "github",
    "to": "1",
    "release": "1",
    "step": "1",
    "reason": "because",
    "strategy": "blue-green",
    "max_error_rate": "1%",
    "router": "none",
    "surge": "2",
    "service": "web",
    "kubeconfig": "nowhere",
}


@cache
def options(command: str) -> tuple[Any, ...]:
    import typer

    made: Any = typer.main.get_command(app)
    made._args = []
    found = made.get_command(None, command)
    return tuple(param for param in found.params if param.name not in NEVER and param.opts[0].startswith("-")) if found else ()


def line(random: Random) -> list[str]:
    command = random.choice((*DRIVE, *LOOK, *LOOK, *ACT, *OTHERS))
    args = [command]
    if random.random() < 0.8:
        args.append(random.choice(("web", "web", "web", "deployment/web", "deploy/web", "statefulset/web", "nosuch", random.choice(WORDS))))
    if command in DRIVE and random.random() < 0.7:
        args += ["-f", "none", "--image", "reg/web:1.1.0", "--weight", "10"]
    there = options(command)
    for param in random.sample(there, min(len(there), random.choice((0, 1, 1, 2, 4)))):
        args.append(random.choice((*param.opts, *param.secondary_opts)))
        if not param.is_flag:
            args.append(random.choice((random.choice(WORDS), random.choice(WORDS), FITTING.get(param.name or "", "1"))))
    if random.random() < 0.2:
        args.insert(random.randrange(len(args) + 1), random.choice(("--nonsense", "-x", "--", "--weight=", "-", "--image", *WORDS)))
    return [one.replace("\0", "") for one in args if "-w" not in one[:2] or one == "-w0"]  # no process can be given a NUL


@cache
def rig() -> Rig:
    """A release that waits in its first step; its driver is dead."""
    from deliver_sandbox.faults import Fault as Broken
    from deliver_sandbox.faults import Killed, killed

    made = Rig.make()
    made.when(in_step(1), lambda: made.world.cluster.script.add(Broken(killed, actor=made.actor)))
    try:
        made.run()
    except Killed:
        made.world.cluster.script.clear()
    return made


def case(seed: int) -> None:
    random = Random(f"argument {seed}")
    args = line(random)
    looks = args[0] in LOOK
    world = rig().world.cluster.as_actor("hostile@test")
    with mock.patch("deliver.cli.context.open_cluster", lambda given: world) if looks else mock.patch.dict("os.environ"):
        code, out, _ = deliver(*args)
    if not looks and code not in (ExitCode.PROMOTED, ExitCode.USAGE):
        raise Fault(f"exit code {code} of {args}: nothing was there to be asked")
    if args[0] in DRIVE and code == ExitCode.PROMOTED and "Usage" not in out:
        raise Fault(f"exit code 0 of {args}, and there is no cluster")
