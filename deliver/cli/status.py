"""`status`, `history`, `explain`: what stands, what was, and why."""

import time
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANSWER, DISPLAY, PLACE, Given, Option, command, output
from deliver.cli.signals import stoppable
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode
from deliver.model.release import Release
from deliver.model.spec import Target

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster

WHICH = Option("release", "number or id out of `deliver history`; default: the newest", metavar="N|ID")


def make(name: str, summary: str) -> TyperCommand:
    if name == "status":
        watch = Option("watch", "follow the release to its end; the exit code is the release's", "-w", kind="flag")
        return command(name, summary, status, (watch, *PLACE, output("text", "json", "yaml"), *DISPLAY))
    if name == "history":
        return command(name, summary, history, (*PLACE, output("text", "json", "yaml"), *ANSWER))
    step = Option("step", "one step alone, counted from 1", metavar="N")
    return command(name, summary, explain, (WHICH, step, *PLACE, output("text", "json", "yaml"), *ANSWER))


def status(given: Given) -> int:
    from deliver.engine import commands
    from deliver.render import text, view

    cluster, target = context.aim(given)
    if given["watch"]:
        return _watch(given, cluster, target)
    release, seen = commands.current(cluster, target)
    if release is None:
        raise none_of(target)
    now = time.time()
    driver = commands.lock_status(cluster, target) if release.outcome is None else None
    context.show_as(
        given,
        lambda: {**view.release_view(release, seen, now), "driver": view.driver_view(driver)},
        lambda style: text.status_text(release, seen, now, style, driver),
    )
    return ExitCode.PROMOTED


def _watch(given: Given, cluster: "KubernetesCluster", target: Target) -> int:
    """Looks on until the release has ended or is held; a signal ends the looking, not the release."""
    from deliver.engine import commands
    from deliver.engine.commands import follow

    release, seen = commands.current(cluster, target)
    if release is None:
        raise none_of(target)
    machine = given["output"] in ("json", "yaml")
    display = context.reporter(given, output="jsonl" if machine else "text", driving=False)
    if release.outcome is not None:
        display.end(release, seen)
        return context.ENDS[release.outcome]
    with stoppable(say="stopped watching; the release goes on") as stop:
        last = follow.follow(cluster, release, reporter=display, stop=stop)
        if last is None:
            return 128 + stop.signum
        display.end(*last)
        return context.ended(last[0], stop)


def history(given: Given) -> int:
    from deliver.engine import commands
    from deliver.render import lists, text

    releases, now = commands.history(*context.aim(given)), time.time()
    context.show_as(given, lambda: lists.list_view(releases, now), lambda style: text.history_text(releases, now, style))
    return ExitCode.PROMOTED


def explain(given: Given) -> int:
    from deliver.render import lists
    from deliver.render.explain import explain_text

    cluster, target = context.aim(given)
    release = chosen(given["release"], known(cluster, target), target)
    step, now = _step(given["step"], release), time.time()
    context.show_as(given, lambda: lists.explanation_view(release, now, step), lambda style: explain_text(release, now, step, style))
    return ExitCode.PROMOTED


def known(cluster: "KubernetesCluster", target: Target) -> list[Release]:
    """The live release, if there is one, and the past ones, newest first."""
    from deliver.engine import commands

    live = commands.current(cluster, target)[0]
    return [*([live] if live else []), *commands.history(cluster, target)]


def chosen(wanted: str | None, releases: list[Release], target: object) -> Release:
    if not releases:
        raise none_of(target)
    found = next((release for release in releases if wanted in (None, release.id, str(release.number))), None)
    if found is None:
        known = ", ".join(dict.fromkeys(str(release.number) for release in releases))
        raise InputError(f"no release `{wanted}` of {target}", why=f"known: {known}", hint="`deliver history` lists them")
    return found


def _step(text: str | None, release: Release) -> int | None:
    if text is None:
        return None
    if text.isdecimal() and 1 <= int(text) <= len(release.plan.steps):
        return int(text) - 1
    raise InputError(f"option --step: `{text[:20]}` is no step", why=f"{release.id} has the steps 1 to {len(release.plan.steps)}")


def none_of(target: object) -> InputError:
    return InputError(
        f"no release of {target} is known", why="there is no record of one in the cluster", hint="check TARGET and --namespace"
    )
