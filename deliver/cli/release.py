"""What `run`, `plan` and the commands of the strategies share: their options, and the release that was asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deliver.cli import context
from deliver.cli.options import ANALYSIS, DISCOVER, DISPLAY, LIMITS, PLACE, TARGETING, Given, Option
from deliver.cli.request import Asked
from deliver.model.errors import InputError

if TYPE_CHECKING:
    from deliver.config.strategies import StrategyOption

COMMON = (*PLACE, *TARGETING, *ANALYSIS, DISCOVER, *LIMITS)
USUAL = "canary"  # what `plan` plans when neither an option nor the file names a strategy
PLAN = (
    Option("strategy", f"strategy to plan with; default: the file's, else {USUAL}", metavar="NAME"),
    Option("until_detectable", "say how long the steps must be to find so many times as many bad requests, e.g. 2x", metavar="RATIO"),
    Option("detailed_exitcode", "exit 10 when a release would change something", kind="flag"),
)


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
    from deliver.config.options import apply_strategy
    from deliver.config.strategies import options_of, replaced, values

    draft = context.draft(given)
    if strategy:
        fields = options_of(strategy)
        apply_strategy(draft, strategy, values(fields, given.values), replaced(fields))
    wanted = build(draft)
    if (how := context.discovers(given, draft, wanted)) is not False:
        from deliver.cli.discover import asked

        return asked(given, draft, wanted, by_habit=how is None, patient=patient)
    return Asked(wanted)


def say(lines: Sequence[str]) -> None:
    """What they quote comes out of the cluster."""
    from deliver.formatting.sanitize import clean

    for line in lines:
        context.say(clean(line))
