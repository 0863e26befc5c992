"""`simulate`: what would this deliver.yaml do? Played on the embedded cluster, on virtual time, with made-up users."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import COLOR, PLACE, QUIET, Given, Option, number, output, parsed, scrape, whole
from deliver.cli.signals import stoppable
from deliver.cli.typer_commands import command
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver.render.style import Style
    from deliver.simulate.run import Run
    from deliver.simulate.scenario import Played, Regression, Setting


def _own(name: str, help: str, **more: Any) -> Option:
    """`--errors` is a share here and a selector elsewhere: its variable has a name of its own."""
    return Option(name, help, env=f"DELIVER_SIMULATE_{name.upper()}", **more)


OPTIONS = (
    _own("rps", "requests a second by all users [default: 20]", metavar="N"),
    _own("errors", "share of bad requests of the old version [default: 0.1%]", metavar="PERCENT"),
    _own("latency", "median answer time of the old version [default: 60ms]", metavar="DURATION"),
    _own(
        "regression",
        "how bad the new one is: `5x` the errors, `slow=2x` the latency, or both with a comma; may be repeated"
        " [default: 1x, then 5x and slow=2x where a metric could see it]",
        kind="many",
        metavar="TIMES",
    ),
    _own("replicas", "pods of the old version [default: 4]", metavar="N"),
    _own("past", "how long the old version has served before [default: 1h]", metavar="DURATION"),
    _own("scrape", "time between two scrapes of a pod, 1s to 60s [default: 15s]", metavar="DURATION"),
    _own("runs", "releases of each; more than 1 gives a table [default: 1]", metavar="N"),
    _own("seed", "of chance; another one, other numbers [default: 1]", metavar="N"),
    _own("report", "write the last release as a report: .html, .svg or .png", metavar="FILE"),
)


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, simulate, (*OPTIONS, PLACE[-1], output("text", "json", "yaml"), COLOR, QUIET))


def simulate(given: Given) -> int:
    from deliver.cli.report import form
    from deliver.report.report import can_draw
    from deliver.simulate.run import play
    from deliver.simulate.scenario import unseen, usual

    setting = _setting(given)
    found = _played(given, setting)
    regressions = [_regression(text) for text in given["regression"]] or usual(found.spec.analysis.metrics)
    if given["report"]:
        form(given["report"])
        can_draw()
        _writable(given["report"])
    runs, seed = whole(given, "runs", 1, 100_000, low=1), whole(given, "seed", 1)
    if not setting.errors and any(one.errors > 1 for one in regressions):
        raise InputError(f"{given.label('errors')}: so many times nothing is nothing", hint="e.g. `--errors 0.01%`")
    for text in found.left:
        context.say(f"not played: {text}")
    for text in unseen(found.spec.analysis.metrics, regressions):
        context.say(text)
    results: list[tuple[Regression, list[Run]]] = [(regression, []) for regression in regressions]
    with stoppable(say="stopping the simulation") as stop:
        for regression, done in results:
            for count in range(runs):
                if runs > 1 and not given["quiet"]:
                    context.say(f"{regression}: release {count + 1} of {runs}")
                run = play(found.spec, setting, regression, seed + count, stop)
                if stop.is_set():
                    return 128 + stop.signum
                done.append(run)
    _tell(given, setting, results, runs)
    if given["report"]:
        _report(given["report"], results[-1][1][-1])
    return ExitCode.PROMOTED


def _played(given: Given, setting: "Setting") -> "Played":
    """The file's spec; an image is not needed."""
    from deliver.config.build import build, moves_pods
    from deliver.simulate.scenario import NEW, played

    draft = context.draft(Given({key: given[key] for key in ("target", "file")}, given.label))
    strategy = draft.get(("strategy",))
    if not draft.get(("image",)) and all(map(moves_pods, strategy if isinstance(strategy, dict) else ())):
        draft.data["image"] = NEW
    return played(build(draft), setting)


def _setting(given: Given) -> "Setting":
    from deliver.plugins.types import parse_duration, parse_share
    from deliver.simulate.scenario import Setting

    setting = Setting(
        rps=number(given, "rps", 20.0, 0.0, 1e6),
        replicas=whole(given, "replicas", 4, 1000, low=1),
        errors=parsed(given, "errors", parse_share, 0.001),
        latency=parsed(given, "latency", parse_duration, 0.06),
        past=parsed(given, "past", parse_duration, 3600.0),
        scrape=scrape(given, 15.0),
    )
    least = (("latency", setting.latency, 0.001), ("past", setting.past, 2 * setting.scrape))
    for name, value, low in least:
        if value < low:
            why = "two scrapes of the old version" if name == "past" else ""
            raise InputError(f"{given.label(name)}: at least {low:g} s is needed", why=why)
    return setting


def _writable(file: str) -> None:
    """Said before it is played for minutes."""
    folder = Path(file).parent
    if not folder.is_dir():
        raise InputError(f"cannot write {file[:200]}", why=f"there is no folder {str(folder)[:200]}")


def _regression(text: str) -> "Regression":
    from deliver.plugins.types import parse_ratio
    from deliver.simulate.scenario import Regression

    found: dict[str, float] = {}
    for part in text.split(","):
        key, equals, value = part.strip().rpartition("=")
        name = "slower" if equals else "errors"
        try:
            if key != ("slow" if equals else ""):
                raise ValueError(f"`{part[:20]}` is neither `5x` nor `slow=2x`")
            if name in found:
                raise ValueError(f"`{text[:40]}` says it twice; two new versions are two options")
            found[name] = parse_ratio(value)
        except ValueError as error:
            raise InputError(f"option --regression: {error}", hint="e.g. `--regression 5x`, `--regression slow=2x`") from None
    return Regression(**found)


def _tell(given: Given, setting: "Setting", results: "list[tuple[Regression, list[Run]]]", runs: int) -> None:
    from deliver.render.view import API_VERSION
    from deliver.simulate.summary import line, view
    from deliver.simulate.text import story, table_text

    lines = [line(regression, done) for regression, done in results]

    def text(style: "Style") -> str:
        stories = [story(str(regression), run, style) + "\n" for regression, (run,) in results] if runs == 1 else []
        return "\n".join([*stories, table_text(lines, style)])

    data = {"apiVersion": API_VERSION, "kind": "Simulation", "setting": vars(setting), "items": [view(one) for one in lines]}
    context.show_as(given, lambda: data, text)


def _report(file: str, run: "Run") -> None:
    from deliver.cli.report import form, write
    from deliver.report.report import report

    write(file, report(run.release, form(file), run.release.ended or time.time()))
    context.say(f"it shows the last release: {Path(file).name}")
