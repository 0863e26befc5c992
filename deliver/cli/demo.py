"""`demo`: real releases on the embedded cluster, for who has none."""

import os
import sys

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import COLOR, Given, Option, output, scrape, whole
from deliver.cli.typer_commands import command
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode


def make(name: str, summary: str) -> TyperCommand:
    options = (
        Option("scenario", "play this one; may be repeated; `all` for all [default: healthy, errors]", kind="many", metavar="NAME"),
        Option("list", "list the scenarios and play none", kind="flag"),
        Option("scrape", "time between two scrapes of a pod, 1s to 60s; a step bakes for two [default: 1s]", metavar="DURATION"),
        Option("seed", "of the sandbox's chance; another one, other numbers [default: 1]", metavar="N"),
        output("text", "json", "yaml"),
        COLOR,
    )
    return command(name, summary, demo, options, target=False)


def demo(given: Given) -> int:
    from deliver.demo.scenarios import DEFAULT, SCENARIOS

    data = given["output"] in ("json", "yaml")
    if given["list"]:
        return _list(given, data)
    names = list(SCENARIOS) if "all" in given["scenario"] else given["scenario"] or DEFAULT
    if unknown := next((name for name in names if name not in SCENARIOS), None):
        raise InputError(
            f"no scenario `{unknown[:40]}`", why=f"known: {', '.join(SCENARIOS)}, all", hint="`deliver demo --list` describes them"
        )
    return _play(given, names, scrape(given, 1.0), data)


def _play(given: Given, names: "list[str] | tuple[str, ...]", every: float, data: bool) -> int:
    from deliver.demo.halt import Halted, listening
    from deliver.demo.scenarios import SCENARIOS
    from deliver.demo.show import show
    from deliver.demo.stage import Pace
    from deliver.demo.teller import Teller
    from deliver.render.lists import items_view

    color = given["color"] or "auto"
    seed = whole(given, "seed", 1)
    with listening() as halt:
        teller = Teller(sys.stderr if data else sys.stdout, os.environ, color, halt.sleep)
        try:
            chosen = [SCENARIOS[name] for name in names]
            results = show(chosen, teller, os.environ, seed=seed, color=color, pace=Pace.scraped(every), halt=halt)
        except Halted as stop:
            teller.show_cursor()
            context.say("stopped; the sandbox is gone and nothing else was touched")
            return 128 + stop.number
    if data:
        items = [result.view() for result in results]
        context.show_view(items_view("DemoResult", items), given["output"])
    return ExitCode.PROMOTED if all(result.good for result in results) else ExitCode.INTERNAL


def _list(given: Given, data: bool) -> int:
    from deliver.demo.scenarios import DEFAULT, SCENARIOS
    from deliver.render.lists import items_view
    from deliver.render.style import table

    if data:
        items = [{"name": one.name, "title": one.title, "seconds": one.seconds} for one in SCENARIOS.values()]
        context.show_view(items_view("ScenarioList", items), given["output"])
        return ExitCode.PROMOTED
    rows = [(one.name, f"{one.seconds} s", one.title) for one in SCENARIOS.values()]
    context.show("\n".join(table(("SCENARIO", "TAKES", "WHAT HAPPENS"), rows, context.style(given), right=(1,))))
    context.show(f"\nwithout --scenario: {', '.join(DEFAULT)}")
    return ExitCode.PROMOTED
