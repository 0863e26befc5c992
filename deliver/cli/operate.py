"""`promote`, `pause`, `abort`, `resume`: a request to the driver of a release, or carried out here where there is none."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import DISPLAY, PLACE, REASON, Given, Option, output
from deliver.cli.signals import stoppable
from deliver.cli.typer_commands import command
from deliver.model.exitcodes import ExitCode
from deliver.model.observation import Observation
from deliver.model.release import Release

if TYPE_CHECKING:
    from deliver.engine.runtime.reporter import Reporter


TAKEOVER = Option("takeover", "take the release from a driver that still holds the lock", kind="flag")


def make(name: str, summary: str) -> TyperCommand:
    options = (REASON, *PLACE, output("text", "jsonl"), *DISPLAY)
    if name == "resume":
        return command(name, summary, resume, (TAKEOVER, *options))
    return command(name, summary, partial(ask, verb=name), options)


class Display:
    """Passes on, and knows whether this process has driven the release itself, and so has told of it already."""

    def __init__(self, inner: "Reporter") -> None:
        self._inner = inner
        self.told = False

    def update(self, release: Release, seen: Observation | None) -> None:
        self.told = True
        self._inner.update(release, seen)

    def note(self, text: str) -> None:
        self._inner.note(text)

    def end(self, release: Release, seen: Observation | None) -> None:
        self.told = True
        self._inner.end(release, seen)


def answer(given: Given, display: Display, release: Release, verb: str) -> None:
    """Another process drives the release and has done what was asked: what it says now."""
    if display.told:
        return
    if given["output"] == "jsonl" or release.outcome is not None:
        display.end(release, None)
    else:
        from deliver.render.summary import taken_in

        context.say(taken_in(release, verb))


def ask(given: Given, verb: str) -> int:
    from deliver.engine import commands

    return act(given, verb, partial(commands.ask, verb=verb), taken_back=ExitCode.PROMOTED if verb == "abort" else ExitCode.ROLLED_BACK)


def resume(given: Given) -> int:
    from deliver.engine import commands

    return act(given, "resume", partial(commands.resume, takeover=bool(given["takeover"])))


def act(given: Given, verb: str, call: Callable[..., Release], *, taken_back: ExitCode = ExitCode.ROLLED_BACK) -> int:
    """Put it before the driver of the release, or drive the release where there is none."""
    from deliver.cli.discover import seek
    from deliver.engine import commands

    cluster, target = context.aim(given)
    display, actor = Display(context.reporter(given)), context.actor(os.environ)
    with stoppable() as stop:
        within = commands.dependencies(cluster, display, stop, actor, seek(cluster))
        release = call(cluster, target, actor=actor, reason=given["reason"] or "", reporter=display, stop=stop, within=within)
    answer(given, display, release, verb)
    return context.ended(release, stop, taken_back=taken_back)
