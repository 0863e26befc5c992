"""What the engine may do to a cluster. Each action is safe to do twice: it says what should be, not what to add."""

from dataclasses import dataclass
from enum import StrEnum

from deliver.model.plan import Side


class Verb(StrEnum):
    HOLD_STABLE = "hold-stable"
    HOLD_AUTOSCALER = "hold-autoscaler"
    CREATE_CANDIDATE = "create-candidate"
    SCALE_CANDIDATE = "scale-candidate"
    SCALE_STABLE = "scale-stable"
    ROUTE = "route"
    UPDATE_STABLE = "update-stable"
    RESTORE_STABLE = "restore-stable"
    KEEP_EVIDENCE = "keep-evidence"
    DELETE_CANDIDATE = "delete-candidate"
    RELEASE_STABLE = "release-stable"
    RELEASE_AUTOSCALER = "release-autoscaler"
    RESTORE_ROUTE = "restore-route"


@dataclass(frozen=True)
class Action:
    """verb with its arguments. pods: for create and scale. side, hash: for route. why: for the journal, one sentence."""

    verb: Verb
    why: str
    pods: int = 0
    side: Side | None = None
    hash: str = ""

    def __str__(self) -> str:
        match self.verb:
            case Verb.ROUTE:
                return f"route {self.side}"
            case Verb.CREATE_CANDIDATE | Verb.SCALE_CANDIDATE | Verb.SCALE_STABLE | Verb.HOLD_AUTOSCALER:
                return f"{self.verb} {self.pods}"
            case _:
                return str(self.verb)
