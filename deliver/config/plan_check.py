"""Ask a strategy for its plan before any cluster is asked: a planner is pure, so it can be tried on made-up sizes."""

from collections.abc import Callable, Mapping
from typing import Any

from deliver.model.errors import InputError
from deliver.model.plan import Plan
from deliver.model.spec import Facts, Target
from deliver.plugins import registry
from deliver.plugins.validation import checked_plan

SIZES = (1, 7, 60, 997)


def try_plan(name: str, options: Mapping[str, Any], target: Target, where: Callable[[], str]) -> Plan | None:
    """A plan for one of the sizes; None when some other size might have one.

    Raises the planner's own InputError when it says the same for every size: then no cluster can make the options right.

    Weights that do not rise are such a thing; a weight that cannot be had with three pods is not.
    """
    strategy = registry.load("deliver.strategies", name)
    checked = strategy.Options.model_validate(dict(options))
    said: list[InputError] = []
    for size in SIZES:
        try:
            plan: Plan = checked_plan(strategy(), checked, Facts(target, stable_pods=size))
        except InputError as error:
            said.append(error)
        else:
            return plan
    if len({error.what for error in said}) == 1:
        first = said[0]
        raise InputError(f"{where()}{first.what}", why=first.why, state=first.state, hint=first.hint)
    return None
