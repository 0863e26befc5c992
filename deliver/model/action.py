"""What the engine may do to a cluster. Each action is safe to do twice: it says what should be, not what to add."""

from dataclasses import dataclass
from enum import StrEnum

from deliver.model.plan import Exposure, Side

UNLOCKED = "rollback, before the lock was taken"  # why of the one action that may go before it


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
    NOTE_UNDO = "note-undo"
    SET_SHARE = "set-share"
    KILL_FLAG = "kill-flag"
    RESTORE_FLAG = "restore-flag"
    RELEASE_FLAG = "release-flag"
    CLEAR_UNDO = "clear-undo"
    OPEN_PREVIEW = "open-preview"
    CLOSE_PREVIEW = "close-preview"


@dataclass(frozen=True)
class Action:
    """verb with its arguments. pods: for create and scale. exposure: for route. why: for the journal, one sentence.

    share: percent of users, and revision: what the flag was when that was decided, for set-share.
    """

    sparse = True  # for the codec, as Entry

    verb: Verb
    why: str
    pods: int = 0
    exposure: Exposure | None = None
    share: float = 0.0
    revision: str = ""

    @property
    def side(self) -> Side | None:
        return self.exposure.side if self.exposure else None

    @property
    def weight(self) -> float | None:
        return self.exposure.weight if self.exposure else None

    def __str__(self) -> str:
        match self.verb:
            case Verb.ROUTE:
                return f"{self.verb} {self.exposure}"
            case Verb.CREATE_CANDIDATE | Verb.SCALE_CANDIDATE | Verb.SCALE_STABLE | Verb.HOLD_AUTOSCALER:
                return f"{self.verb} {self.pods}"
            case Verb.SET_SHARE:
                return f"{self.verb} {self.share:g}"
            case _:
                return str(self.verb)
