"""Every error that deliver raises on purpose.

DeliverError                what failed, why, the state of the cluster now, what to do next; carries its exit code
├── InputError              2  usage, bad file, bad option, a target that does not exist
├── GateRefused             9  a preflight rule says no; nothing changed
├── Locked                  6  another driver holds the target
├── Superseded              3  another driver took the release over while we drove it
├── RollbackIncomplete      4  not all could be taken back from here
├── DeadlineExceeded        5  the time for it is over
└── ClusterError            8  the API server said no, or nothing
    ├── Unreachable            no answer: refused, reset, timed out, 5xx, 429 (worth another try)
    ├── Forbidden              401 or 403
    ├── NotFound               404
    ├── Conflict               409: the object changed, or exists already
    ├── Gone                   410: the watch position is too old
    └── Rejected               any other 4xx: the server will not have this object (422, admission, quota)

Errors that a metric provider or a check raises stay in their package; to the engine they are evidence (BLIND).
"""

from deliver.model.exitcodes import ExitCode


class DeliverError(Exception):
    """An error a person can act on."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, what: str, *, why: str = "", state: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.state, self.hint = what, why, state, hint

    @property
    def told(self) -> str:
        """What failed, and why, in one clause."""
        return f"{self.what}: {self.why}" if self.why else self.what


class InputError(DeliverError):
    exit_code = ExitCode.USAGE


class GateRefused(DeliverError):
    exit_code = ExitCode.REFUSED


class AlreadySo(DeliverError):
    """What was to be released runs already: the same command again, after it was promoted."""

    exit_code = ExitCode.ALREADY


class Locked(DeliverError):
    exit_code = ExitCode.LOCKED


class Superseded(DeliverError):
    """Another driver has a higher fence: whatever we would write now must change nothing."""

    exit_code = ExitCode.ROLLED_BACK


class RollbackIncomplete(DeliverError):
    """Something of the release could not be taken back from here."""

    exit_code = ExitCode.ROLLBACK_FAILED


class DeadlineExceeded(DeliverError):
    exit_code = ExitCode.TIMEOUT


class ClusterError(DeliverError):
    exit_code = ExitCode.UNREACHABLE

    def __init__(self, what: str, *, status: int = 0, why: str = "", state: str = "", hint: str = "") -> None:
        super().__init__(what, why=why, state=state, hint=hint)
        self.status = status


class Unreachable(ClusterError):
    """No usable answer. A write may or may not have been applied: read back before trying again."""


class Forbidden(ClusterError):
    pass


class NotFound(ClusterError):
    pass


class Conflict(ClusterError):
    pass


class Gone(ClusterError):
    pass


class Rejected(ClusterError):
    pass
