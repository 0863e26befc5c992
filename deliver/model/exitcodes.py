"""Exit codes: one per way a run can end (docs/operating.md, `deliver --help`). A pipeline branches on them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller; 3 against 4 is what the person on call needs."""

    PROMOTED = 0
    INTERNAL = 1
    USAGE = 2
    ROLLED_BACK = 3
    ROLLBACK_FAILED = 4
    TIMEOUT = 5
    LOCKED = 6
    HELD = 7
    UNREACHABLE = 8
    REFUSED = 9
    CHANGES = 10
    ALREADY = 11
    UNSERVED = 12
    SIGINT = 130
    SIGTERM = 143


MEANING = {
    ExitCode.PROMOTED: "promoted, or the command did what it says",
    ExitCode.INTERNAL: "internal error: a bug of deliver",
    ExitCode.USAGE: "usage or bad input; nothing changed",
    ExitCode.ROLLED_BACK: "failed and rolled back; users are safe",
    ExitCode.ROLLBACK_FAILED: "rollback failed; page someone",
    ExitCode.TIMEOUT: "timeout",
    ExitCode.LOCKED: "locked by another driver",
    ExitCode.HELD: "held, waiting for a person",
    ExitCode.UNREACHABLE: "cluster unreachable or not permitted; nothing changed",
    ExitCode.REFUSED: "a gate refused; nothing changed",
    ExitCode.CHANGES: "`plan --detailed-exitcode` found changes",
    ExitCode.ALREADY: "already so: what was to be released runs already; nothing changed",
    ExitCode.UNSERVED: "taken back, but its Services are gone, and who came by them reaches nobody; page someone",
    ExitCode.SIGINT: "stopped by SIGINT, held safely",
    ExitCode.SIGTERM: "stopped by SIGTERM, held safely",
}
