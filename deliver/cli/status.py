"""`deliver status`: where a release stands; -w follows it to its end."""

import time
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import DISPLAY, PLACE, Given, Option, output
from deliver.cli.signals import stoppable
from deliver.cli.typer_commands import command
from deliver.cli.which import none_of
from deliver.model.exitcodes import ExitCode
from deliver.model.observation import Observation
from deliver.model.release import Release

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster


def make(name: str, summary: str) -> TyperCommand:
    watch = Option("watch", "follow the release to its end; the exit code is the release's", "-w", kind="flag")
    return command(name, summary, status, (watch, *PLACE, output("text", "json", "yaml"), *DISPLAY))


def status(given: Given) -> int:
    from deliver.engine import commands
    from deliver.render import text, view

    cluster, target = context.aim(given)
    release, seen = commands.current(cluster, target)
    if release is None:
        raise none_of(target)
    if given["watch"]:
        return _watch(given, cluster, release, seen)
    now = time.time()
    driver = commands.lock_status(cluster, target) if release.outcome is None else None
    context.show_as(
        given,
        lambda: {**view.release_view(release, seen, now), "driver": view.driver_view(driver)},
        lambda style: text.status_text(release, seen, now, style, driver),
    )
    return ExitCode.PROMOTED


def _watch(given: Given, cluster: "KubernetesCluster", release: Release, seen: Observation | None) -> int:
    """Looks on until the release has ended or is held; a signal ends the looking, not the release."""
    from deliver.engine.commands import follow

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
