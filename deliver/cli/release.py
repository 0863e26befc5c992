"""`run`, `plan` and a command for each strategy: a release as asked, shown or driven to its end."""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANALYSIS, ANSWER, DISCOVER, DISPLAY, LIMITS, PLACE, QUIET, TARGETING, Given, Option, command, output, ratio
from deliver.cli.request import Asked
from deliver.cli.signals import stoppable
from deliver.model.errors import DeliverError, InputError
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver.config.strategies import StrategyOption

COMMON = (*PLACE, *TARGETING, *ANALYSIS, DISCOVER, *LIMITS)
USUAL = "canary"  # what `plan` plans when neither an option nor the file names a strategy
# what a release of users has not: its pods and Services stay as they are
USERS = tuple(
    option for option in COMMON if option not in TARGETING and option.name not in ("drain", "ready_timeout", "allow_affinity", "discover")
)
DEPLOYMENT = Option("target", "the Deployment whose pods serve these users; default: from deliver.yaml", metavar="DEPLOYMENT")
PLAN = (
    Option("strategy", f"strategy to plan with; default: the file's, else {USUAL}", metavar="NAME"),
    Option("until_detectable", "say how long the steps must be to find so many times as many bad requests, e.g. 2x", metavar="RATIO"),
    Option("detailed_exitcode", "exit 10 when a release would change something", kind="flag"),
)


def make(name: str, summary: str, args: Sequence[str] = ()) -> TyperCommand:
    """args: what follows on the command line; `plan` looks there for the strategy whose options it has to offer."""
    if name == "run":
        return command(name, summary, lambda given: drive(given, spec(given)), (*COMMON, output("text", "jsonl"), *DISPLAY))
    if name == "plan":
        return _plan(name, summary, args)
    return _strategy(name, summary)


def _strategy(name: str, summary: str) -> TyperCommand:
    """A command out of the plugin's Options alone."""
    from deliver.plugins import registry
    from deliver.plugins.interfaces import moves_users

    plugin = registry.load("deliver.strategies", name)
    own, summary = own_options(name), getattr(plugin, "summary", summary)
    first = next((option for option in own if option.name in arguments(name)), None)
    common = USERS if moves_users(plugin) else COMMON
    options = (
        *(option for option in own if option is not first),
        *([DEPLOYMENT] if first else []),
        *common,
        output("text", "jsonl"),
        *DISPLAY,
    )
    return command(name, summary, lambda given: drive(given, spec(given, name)), options, argument=first)


def arguments(strategy: str) -> tuple[str, ...]:
    """Options that come first on the strategy's own command line, where others have TARGET."""
    from deliver.config.strategies import options_of

    return tuple(option.key for option in options_of(strategy) if option.argument)


def _plan(name: str, summary: str, args: Sequence[str]) -> TyperCommand:
    """Takes the options of the strategy it will plan with, under the same names as the strategy's own command."""
    strategy = strategy_of(args, os.environ)
    options = (*PLAN, *own_options(strategy), *COMMON, output("text", "json", "yaml"), *ANSWER, QUIET)
    return command(name, f"{summary}. With the options of `{strategy}`", lambda given: plan(given, strategy), options)


def strategy_of(args: Sequence[str], environ: Mapping[str, str]) -> str:
    """--strategy, else the file's, else the usual one. What is wrong with the file is said when the command runs."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--strategy", nargs="?")
    parser.add_argument("-f", "--file", nargs="?")
    found = parser.parse_known_args(list(args))[0]
    named = found.strategy or environ.get("DELIVER_STRATEGY")
    return named or _written(found.file or environ.get("DELIVER_FILE")) or USUAL


def _written(file: str | None) -> str:
    from deliver.config.draft import Draft

    try:
        section = Draft.of(context.document(Given({"file": file}, str))).get(("strategy",))
    except DeliverError:
        return ""
    return str(next(iter(section))) if isinstance(section, dict) and len(section) == 1 else ""


def own_options(strategy: str) -> list[Option]:
    """Raises InputError for one that is not installed, or that takes a name which every release has."""
    from deliver.config.strategies import options_of

    own = [_option(strategy, field) for field in options_of(strategy)]
    taken = {option.name for option in (*COMMON, *DISPLAY, *PLAN)} | {"output", "target"}
    if clash := next((option.name for option in own if option.name in taken), None):
        raise InputError(f"strategy `{strategy}` has an option `{clash}` that every release has", hint="its author must rename it")
    return own


def _option(strategy: str, field: "StrategyOption") -> Option:
    text = f"{field.help} [default: {field.default}]" if field.default else field.help
    env = f"DELIVER_{strategy}_{field.key}".upper().replace("-", "_")
    if field.flag:
        return Option(field.key, text, kind="switch", env=env)
    kind, metavar = ("many", f"{field.metavar},...") if field.many else ("text", field.metavar)
    return Option(field.key, text, kind=kind, metavar=metavar, env=env, hidden=field.hidden)


def spec(given: Given, strategy: str = "", *, patient: bool = True) -> Asked:
    """What was asked for, and how the metrics that nobody named were found. strategy: "" for the file's. patient: see `discover`."""
    from deliver.config.build import build
    from deliver.config.options import lay_strategy
    from deliver.config.strategies import options_of, replaced, values

    draft = context.draft(given)
    if strategy:
        fields = options_of(strategy)
        lay_strategy(draft, strategy, values(fields, given.values), replaced(fields))
    wanted = build(draft)
    if (how := context.discovers(given, draft, wanted)) is not False:
        from deliver.cli.discover import asked

        return asked(given, draft, wanted, by_habit=how is None, patient=patient)
    return Asked(wanted)


def drive(given: Given, asked: Asked) -> int:
    from deliver.cli.discover import seek
    from deliver.engine import commands
    from deliver.render.text import planned_code

    context.notifiable(asked.spec)
    cluster, actor = context.open_cluster(given), context.actor(os.environ)
    proposal = asked.checked(commands.propose(cluster, context.placed(asked.spec, cluster), actor=actor, now=time.time()))
    if planned_code(proposal.findings) is None:  # what is refused has nothing to be judged by
        _say(asked.told)
    with stoppable() as stop:
        within = commands.dependencies(cluster, context.reporter(given), stop, actor, seek(cluster))
        release = commands.run(cluster, proposal, reporter=within.reporter, stop=stop, within=within)
    return context.ended(release, stop)


def plan(given: Given, strategy: str) -> int:
    from deliver.engine import commands
    from deliver.render import lists, text

    asked = spec(given, strategy, patient=False)
    cluster = context.open_cluster(given)
    detectable = ratio(given, "until_detectable")
    proposal = asked.checked(
        commands.propose(cluster, context.placed(asked.spec, cluster), actor=context.actor(os.environ), now=time.time(), wanted=detectable)
    )
    _say(asked.told)
    context.show_as(given, lambda: lists.plan_view(proposal), lambda style: text.plan_text(proposal, style))
    if (code := text.planned_code(proposal.findings)) is not None:
        return code
    return ExitCode.CHANGES if given["detailed_exitcode"] and proposal.patches else ExitCode.PROMOTED


def _say(lines: Sequence[str]) -> None:
    """What they quote comes out of the cluster."""
    from deliver.text.sanitize import clean

    for line in lines:
        context.say(clean(line))
