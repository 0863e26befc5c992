"""What a driver does over and over in vain: since when, how often, and why it does not stand."""

from dataclasses import dataclass

from deliver.formatting.durations import words
from deliver.model.action import Action
from deliver.model.errors import ClusterError

FEWEST = 5  # attempts before they are in vain
FORGOTTEN = 60.0  # seconds after which another attempt is a new beginning: what was done has stood meanwhile


@dataclass(frozen=True)
class Attempts:
    """Of one action. first, last: monotonic seconds. error: what the API server said to the last one; None when it took it."""

    count: int
    first: float
    last: float
    error: ClusterError | None = None


class AttemptLog:
    """Two that undo each other, a write that is never answered, a person who puts it back: none of it goes on for ever."""

    def __init__(self) -> None:
        self._of: dict[Action, Attempts] = {}

    def note(self, action: Action, now: float, error: ClusterError | None = None) -> None:
        before = self._of.get(action)
        if before is None or now - before.last > FORGOTTEN:
            before = Attempts(0, now, now)
        self._of[action] = Attempts(before.count + 1, before.first, now, error)

    def in_vain(self, action: Action, now: float, limit: float) -> str:
        """A sentence for a person once the action was attempted for so many seconds; "" while it is worth another try."""
        made = self._of.get(action)
        if made is None or made.count < FEWEST or now - made.last > FORGOTTEN or now - made.first < limit:
            return ""
        tried = f"{action} was tried {made.count} times within {words(round(now - made.first))}"
        if made.error:
            return f"{tried}: {made.error.what}" + (f", {made.error.why}" if made.error.why else "")
        return f"{tried}, and did not last: somebody undoes it"
