"""What the command line calls, a file a verb: `commands.run(...)`. Each composes preflight, lock, record and driver."""

from deliver.engine.commands.deps import World, router_of, world
from deliver.engine.commands.operate import ask, resume
from deliver.engine.commands.propose import propose, refuse
from deliver.engine.commands.rollback import rollback
from deliver.engine.commands.run import run
from deliver.engine.commands.status import Driven, current, driver, history
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.stop_signal import Stop

__all__ = [
    "Driven",
    "Proposal",
    "Stop",
    "World",
    "ask",
    "current",
    "driver",
    "history",
    "propose",
    "refuse",
    "resume",
    "rollback",
    "router_of",
    "run",
    "world",
]
