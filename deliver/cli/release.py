"""`run`, `plan` and a command for each strategy: a release as asked, shown or driven to its end."""

import os
import time
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from deliver.cli import session
from deliver.cli.options import ANALYSIS, DISPLAY, LIMITS, PLACE, TARGETING, Given, Option, command, output
from deliver.cli.signals import stoppable
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode
from deliver.model.spec import ReleaseSpec

if TYPE_CHECKING:
    from deliver.config.strategies import StrategyOption

COMMON = (*PLACE, *TARGETING, *ANALYSIS, *LIMITS)
PLAN = (
    Option("strategy", "strategy, when it is not the file's", metavar="NAME"),
    Option("set", "an option of the strategy, e.g. weight=10,50; may be repeated", kind="many", metavar="KEY=VALUE"),
)
# what a run would end with, by what preflight found, the gravest first
REFUSALS = {"input": ExitCode.USAGE, "locked": ExitCode.LOCKED, "forbidden": ExitCode.UNREACHABLE, "refuse": ExitCode.REFUSED}


def make(name: str, summary: str) -> TyperCommand:
    if name == "run":
        return command(name, summary, lambda given: drive(given, spec(given)), (*COMMON, output("text", "jsonl"), *DISPLAY))
    if name == "plan":
        detailed = Option("detailed_exitcode", "exit 10 when a release would change something", kind="flag")
        return command(name, summary, plan, (*PLAN, *COMMON, output("text", "json"), detailed, *DISPLAY))
    return _strategy(name, summary)


def _strategy(name: str, summary: str) -> TyperCommand:
    """A command out of the plugin's Options alone."""
    from deliver.config import strategies
    from deliver.plugins import registry

    fields = strategies.options_of(name)
    own = [_option(name, field) for field in fields]
    taken = {option.name for option in (*COMMON, *DISPLAY)}
    if clash := next((option.name for option in own if option.name in taken), None):
        raise InputError(f"strategy `{name}` has an option `{clash}` that every release has", hint="its author must rename it")
    summary = getattr(registry.load("deliver.strategies", name), "summary", summary)
    return command(name, summary, lambda given: drive(given, spec(given, name)), (*own, *COMMON, output("text", "jsonl"), *DISPLAY))


def _option(strategy: str, field: "StrategyOption") -> Option:
    text = f"{field.help} [default: {field.default}]" if field.default else field.help
    env = f"DELIVER_{strategy}_{field.key}".upper().replace("-", "_")
    if field.flag:
        return Option(field.key, text, kind="switch", env=env)
    return Option(field.key, text, metavar=f"{field.key.upper()},..." if field.many else field.key.upper(), env=env)


def spec(given: Given, strategy: str = "") -> ReleaseSpec:
    """strategy: "" for the file's."""
    from deliver.config.build import build
    from deliver.config.options import lay_strategy
    from deliver.config.strategies import options_of, replaced, values

    draft = session.draft(given)
    if strategy:
        fields = options_of(strategy)
        lay_strategy(draft, strategy, values(fields, given.values), replaced(fields))
    return build(draft)


def drive(given: Given, wanted: ReleaseSpec) -> int:
    from deliver.engine import service

    cluster = session.open_cluster(given)
    proposal = service.propose(cluster, session.placed(wanted, cluster), actor=session.actor(os.environ), now=time.time())
    with stoppable() as stop:
        release = service.run(cluster, proposal, reporter=session.reporter(given), stop=stop)
    return session.ended(release, stop)


def plan(given: Given) -> int:
    from deliver.engine import service
    from deliver.render import lists, text

    wanted = spec(_with_set(given), _named(given))
    cluster = session.open_cluster(given)
    proposal = service.propose(cluster, session.placed(wanted, cluster), actor=session.actor(os.environ), now=time.time())
    if given["output"] == "json":
        session.show_view(lists.plan_view(proposal), "json")
    else:
        session.show(text.plan_text(proposal, session.style(given)))
    levels = {finding.level for finding in proposal.findings}
    for level, code in REFUSALS.items():
        if level in levels:
            return code
    return ExitCode.CHANGES if given["detailed_exitcode"] and proposal.patches else ExitCode.PROMOTED


def _named(given: Given) -> str:
    """--strategy, or the file's when --set changes it."""
    if given["strategy"] or not given["set"]:
        return given["strategy"] or ""
    from deliver.config.draft import Draft

    section = Draft.of(session.document(given)).get(("strategy",))
    if isinstance(section, dict) and len(section) == 1:
        return str(next(iter(section)))
    raise InputError("option --set has no strategy to apply to", hint="add --strategy NAME")


def _with_set(given: Given) -> Given:
    """--set weight=10,50 as if the strategy's own command had got --weight 10,50."""
    pairs: dict[str, Any] = {}
    name = _named(given)
    known = _keys(name) if name and given["set"] else []
    for item in given["set"] or ():
        key, equals, value = item.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or key not in known:
            raise InputError(
                f"option --set: `{item[:60]}` is not KEY=VALUE with an option of `{name}`", hint=f"options: {', '.join(known)}"
            )
        pairs[key] = value
    return Given({**given.values, **pairs}, given.label)


def _keys(name: str) -> list[str]:
    from deliver.config.strategies import options_of

    return [field.key for field in options_of(name)]
