"""What the command line calls, a file a verb: `commands.run(...)`. Each composes preflight, lock, record and driver."""

from deliver.engine.commands.deps import Dependencies, dependencies, router_of
from deliver.engine.commands.operate import ask, resume
from deliver.engine.commands.propose import propose, refuse
from deliver.engine.commands.rollback import rollback
from deliver.engine.commands.run import run
from deliver.engine.commands.status import LockStatus, current, history, lock_status, recorded, require_readable
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.stop_signal import Stop

__all__ = [
    "Dependencies",
    "LockStatus",
    "Proposal",
    "Stop",
    "ask",
    "current",
    "dependencies",
    "history",
    "lock_status",
    "propose",
    "recorded",
    "refuse",
    "require_readable",
    "resume",
    "rollback",
    "router_of",
    "run",
]
