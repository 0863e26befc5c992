"""`deliver run` and a command for each strategy: a release as asked, driven to its end."""

import os
import time

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import DISPLAY, TARGETING, Given, Option, output
from deliver.cli.release import COMMON, own_options, say, spec
from deliver.cli.request import Asked
from deliver.cli.signals import stoppable
from deliver.cli.typer_commands import command

# what a release of users has not: its pods and Services stay as they are
PODS = ("drain", "ready_timeout", "allow_affinity", "allow_twice", "discover")
USERS = tuple(option for option in COMMON if option not in TARGETING and option.name not in PODS)
DEPLOYMENT = Option("target", "the Deployment whose pods serve these users; default: from deliver.yaml", metavar="DEPLOYMENT")


def make(name: str, summary: str) -> TyperCommand:
    if name != "run":
        return _strategy(name, summary)
    return command(name, summary, lambda given: drive(given, spec(given)), (*COMMON, output("text", "jsonl"), *DISPLAY))


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


def drive(given: Given, asked: Asked) -> int:
    from deliver.cli.discover import seek
    from deliver.engine import commands
    from deliver.plugins.interfaces import LEFT_ALONE, STAYING
    from deliver.render.text import planned_code

    context.notifiable(asked.spec)
    cluster, actor = context.open_cluster(given), context.actor(os.environ)
    proposal = asked.checked(commands.propose(cluster, context.placed(asked.spec, cluster), actor=actor, now=time.time()))
    if planned_code(proposal.findings) is None:  # what is refused has nothing to be judged by
        left = [finding for finding in proposal.findings if finding.rule in (LEFT_ALONE, STAYING)]
        said = [f"{one.message}; {one.hint}" if one.rule == STAYING else one.message for one in left]
        say([*asked.notes, *said])  # whose users nobody moves, and what stays old, is not for the readers of a plan alone
    with stoppable() as stop:
        within = commands.dependencies(cluster, context.reporter(given), stop, actor, seek(cluster))
        release = commands.run(cluster, proposal, reporter=within.reporter, stop=stop, within=within)
    return context.ended(release, stop)
