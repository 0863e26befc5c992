"""`simulate`: what would this deliver.yaml do? Played on the embedded cluster, on virtual time, with made-up users."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from deliver.cli import session
from deliver.cli.numbers import number, whole
from deliver.cli.options import COLOR, PLACE, QUIET, Given, Option, command, output
from deliver.cli.signals import stoppable
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver.simulating.play import Run
    from deliver.simulating.setting import Played, Regression, Setting


def _own(name: str, help: str, **more: Any) -> Option:
    """`--errors` is a share here and a selector elsewhere: its variable has a name of its own."""
    return Option(name, help, env=f"DELIVER_SIMULATE_{name.upper()}", **more)


OPTIONS = (
    _own("rps", "requests a second by all users [default: 20]", metavar="N"),
    _own("errors", "share of bad requests of the old version [default: 0.1%]", metavar="PERCENT"),
    _own("latency", "median answer time of the old version [default: 60ms]", metavar="DURATION"),
    _own(
        "regression",
        "how bad the new one is: `5x` the errors, `slow=2x` the latency, or both with a comma; may be repeated [default: 1x, 5x]",
        kind="many",
        metavar="TIMES",
    ),
    _own("replicas", "pods of the old version [default: 4]", metavar="N"),
    _own("past", "how long the old version has served before [default: 1h]", metavar="DURATION"),
    _own("scrape", "time between two scrapes [default: 15s]", metavar="DURATION"),
    _own("runs", "releases of each; more than 1 gives a table [default: 1]", metavar="N"),
    _own("seed", "of chance; another one, other numbers [default: 1]", metavar="N"),
    _own("report", "write the last release as a report: .html, .svg or .png", metavar="FILE"),
)


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, simulate, (*OPTIONS, PLACE[-1], output("text", "json", "yaml"), COLOR, QUIET))


def simulate(given: Given) -> int:
    from deliver.cli.report import form
    from deliver.report.report import can_draw
    from deliver.simulating.play import play

    setting = _setting(given)
    found = _played(given, setting)
    regressions = [_regression(text) for text in given["regression"] or ("1x", "5x")]
    if given["report"]:
        form(given["report"])
        can_draw()
    runs, seed = whole(given, "runs", 1, 100_000) or 1, whole(given, "seed", 1)
    for text in found.left:
        session.say(f"not played: {text}")
    results: list[tuple[Regression, list[Run]]] = [(regression, []) for regression in regressions]
    with stoppable(say="stopping the simulation") as stop:
        for regression, done in results:
            for count in range(runs):
                if runs > 1 and not given["quiet"]:
                    session.say(f"{regression}: release {count + 1} of {runs}")
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
    from deliver.simulating.setting import NEW, played

    draft = session.draft(Given({key: given[key] for key in ("target", "file")}, given.label))
    strategy = draft.get(("strategy",))
    if not draft.get(("image",)) and all(map(moves_pods, strategy if isinstance(strategy, dict) else ())):
        draft.data["image"] = NEW
    return played(build(draft), setting)


def _setting(given: Given) -> "Setting":
    from deliver.plugins.types import parse_duration, parse_share
    from deliver.simulating.setting import Setting

    def parsed(name: str, parse: Any, default: float) -> float:
        try:
            return default if given[name] is None else float(parse(given[name]))
        except ValueError as error:
            raise InputError(f"{given.label(name)}: {error}") from None

    setting = Setting(
        rps=number(given, "rps", 20.0, 0.0, 1e6),
        replicas=whole(given, "replicas", 4, 1000) or 1,
        errors=parsed("errors", parse_share, 0.001),
        latency=parsed("latency", parse_duration, 0.06),
        past=parsed("past", parse_duration, 3600.0),
        scrape=parsed("scrape", parse_duration, 15.0),
    )
    for name, value, low in (("latency", setting.latency, 0.001), ("scrape", setting.scrape, 1.0)):
        if value < low:
            raise InputError(f"{given.label(name)}: at least {low:g} s is needed")
    return setting


def _regression(text: str) -> "Regression":
    from deliver.plugins.types import parse_ratio
    from deliver.simulating.setting import Regression

    errors = slower = 1.0
    for part in text.split(","):
        key, equals, value = part.strip().rpartition("=")
        try:
            if key == "slow" and equals:
                slower = parse_ratio(value)
            elif not equals:
                errors = parse_ratio(value)
            else:
                raise ValueError(f"`{part[:20]}` is neither `5x` nor `slow=2x`")
        except ValueError as error:
            raise InputError(f"option --regression: {error}", hint="e.g. `--regression 5x`, `--regression slow=2x`") from None
    return Regression(errors, slower)


def _tell(given: Given, setting: "Setting", results: "list[tuple[Regression, list[Run]]]", runs: int) -> None:
    from deliver.render import simulated
    from deliver.simulating.outcomes import line, view

    lines = [line(regression, done) for regression, done in results]
    if given["output"] in ("json", "yaml"):
        session.show_view(
            {
                "apiVersion": "deliver.dev/v1alpha1",
                "kind": "Simulation",
                "setting": dict(vars(setting)),
                "items": [view(one) for one in lines],
            },
            given["output"],
        )
        return
    if runs == 1:
        for regression, (run,) in results:
            session.show(simulated.story(str(regression), run, session.style(given)) + "\n")
    session.show(simulated.table_text(lines, session.style(given)))


def _report(file: str, run: "Run") -> None:
    from deliver.cli.report import form, write
    from deliver.report.report import report

    write(file, report(run.release, form(file), run.release.ended or time.time()))
    session.say(f"it shows the last release: {Path(file).name}")
