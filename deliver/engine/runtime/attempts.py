"""What a driver does over and over in vain: since when, how often, and why it does not stand."""

from collections.abc import Callable
from dataclasses import dataclass

from deliver.formatting.durations import words
from deliver.model.action import Action, Verb
from deliver.model.errors import ClusterError

FEWEST = 5  # attempts before they are in vain
FORGOTTEN = 60.0  # seconds after which another attempt is a new beginning: what was done has stood meanwhile


_OBJECTS = {
    **dict.fromkeys((Verb.ROUTE, Verb.RESTORE_ROUTE), "services"),
    **dict.fromkeys((Verb.HOLD_STABLE, Verb.SCALE_STABLE, Verb.UPDATE_STABLE, Verb.RESTORE_STABLE, Verb.RELEASE_STABLE), "stable"),
    **dict.fromkeys((Verb.CREATE_CANDIDATE, Verb.SCALE_CANDIDATE, Verb.DELETE_CANDIDATE), "candidate"),
    **dict.fromkeys((Verb.HOLD_AUTOSCALER, Verb.RELEASE_AUTOSCALER), "autoscaler"),
    **dict.fromkeys((Verb.OPEN_PREVIEW, Verb.CLOSE_PREVIEW), "preview"),
}


@dataclass(frozen=True)
class Attempts:
    """Of one action. first, last: monotonic seconds. error: what the API server said to the last one; None when it took it.

    undone: how often in a row it was taken and had to be written once more, with no other change of ours of the same object in between.
    """

    count: int
    first: float
    last: float
    error: ClusterError | None = None
    undone: int = 0


class AttemptLog:
    """Two that undo each other, a write that is never answered, a person who puts it back: none of it goes on for ever."""

    def __init__(self) -> None:
        self._of: dict[Action, Attempts] = {}
        self._last: dict[str, Action] = {}  # by the object that it changes

    def note(self, action: Action, now: float, error: ClusterError | None = None, *, wrote: bool = False) -> None:
        """wrote: something else stood than what was wanted."""
        before = self._of.get(action)
        if before is None or now - before.last > FORGOTTEN:
            before = Attempts(0, now, now)
        changed = _OBJECTS.get(action.verb, "")
        again = before.count > 0 and self._last.get(changed) == action
        self._of[action] = Attempts(before.count + 1, before.first, now, error, before.undone + wrote if again else 0)
        self._last[changed] = action

    def in_vain(self, action: Action, now: float, limit: float, who: Callable[[], str] = str, *, patient: bool = False) -> str:
        """A sentence for a person: the action was attempted for so many seconds, or done and undone FEWEST times in a row.

        "" while it is worth another try. who: finds the field manager that changed last what it changes, "" when unknown. patient: what is
        undone harms nobody, and is done again as long as anything else is tried.
        """
        made = self._of.get(action)
        if made is None or now - made.last > FORGOTTEN:
            return ""
        fought = made.error is None and made.undone >= FEWEST - 1 and not patient
        if not fought and (made.count < FEWEST or now - made.first < limit):
            return ""
        tried = f"{action} was tried {made.count} times within {words(round(now - made.first))}"
        if made.error:
            return f"{tried}: {made.error.what}" + (f", {made.error.why}" if made.error.why else "")
        name = who()
        whom = f"{name} undoes it: stop it for the release, or give it what the release wants" if name else "somebody undoes it"
        return f"{tried}, and did not last: {whom}"
