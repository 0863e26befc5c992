"""`deliver plan`: what a release would change, in order; changes nothing."""

import os
import time
from collections.abc import Mapping, Sequence

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANSWER, QUIET, Given, output, ratio
from deliver.cli.release import COMMON, PLAN, USUAL, own_options, say, spec
from deliver.cli.typer_commands import command, peek
from deliver.model.errors import DeliverError
from deliver.model.exitcodes import ExitCode


def make(name: str, summary: str, args: Sequence[str]) -> TyperCommand:
    """With the options of the strategy that `args`, the rest of the command line, names: the same as on the strategy's own command."""
    strategy = strategy_of(args, os.environ)
    options = (*PLAN, *own_options(strategy), *COMMON, output("text", "json", "yaml"), *ANSWER, QUIET)
    return command(name, f"{summary}. With the options of `{strategy}`", lambda given: plan(given, strategy), options)


def strategy_of(args: Sequence[str], environ: Mapping[str, str]) -> str:
    """--strategy, else the file's, else the usual one. What is wrong with the file is said when the command runs."""
    named, file = peek(args, ("--strategy",), ("-f", "--file"))
    return named or environ.get("DELIVER_STRATEGY") or _written(file or environ.get("DELIVER_FILE")) or USUAL


def _written(file: str | None) -> str:
    from deliver.config.draft import Draft

    try:
        section = Draft.of(context.document(Given({"file": file}, str))).get(("strategy",))
    except DeliverError:
        return ""
    return str(next(iter(section))) if isinstance(section, dict) and len(section) == 1 else ""


def plan(given: Given, strategy: str) -> int:
    from deliver.engine import commands
    from deliver.render import lists, text

    asked = spec(given, strategy, patient=False)
    cluster = context.open_cluster(given)
    detectable = ratio(given, "until_detectable")
    proposal = asked.checked(
        commands.propose(cluster, context.placed(asked.spec, cluster), actor=context.actor(os.environ), now=time.time(), wanted=detectable)
    )
    say(asked.notes)
    context.show_as(given, lambda: lists.plan_view(proposal), lambda style: text.plan_text(proposal, style))
    if (code := text.planned_code(proposal.findings)) is not None:
        return code
    return ExitCode.CHANGES if given["detailed_exitcode"] and proposal.patches else ExitCode.PROMOTED
