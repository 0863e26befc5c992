"""Lines of a journal in few words, for tests: `intent(release, at, "route both: 50 %")`."""

from deliver.model.action import Action, Verb
from deliver.model.journal import Event, Result
from deliver.model.plan import Exposure, Side
from deliver.model.release import Release


def action(words: str) -> Action:
    """`verb argument: why`, as an action writes itself."""
    told, _, why = words.partition(": ")
    name, _, argument = told.partition(" ")
    verb = Verb(name)
    if verb is Verb.ROUTE:
        side, _, weight = argument.partition(" ")
        return Action(verb, why, exposure=Exposure(Side(side), weight=float(weight.removesuffix(" %")) if weight else None))
    if verb is Verb.SET_SHARE:
        return Action(verb, why, share=float(argument))
    return Action(verb, why, pods=int(argument or 0))


def intent(release: Release, at: float, words: str) -> Release:
    return release.noted(at, Event.INTENT, action=action(words))


def outcome(release: Release, at: float, words: str, result: str = "done", of: int = 0) -> Release:
    """words: `verb argument: what it met`."""
    told, _, reason = words.partition(": ")
    return release.noted(at, Event.OUTCOME, action=action(told), of=of, result=Result(result), reason=reason)


def carried_out(release: Release, at: float, until: float, words: str) -> Release:
    """Both lines of an action that was carried out."""
    asked = intent(release, at, words)
    return outcome(asked, until, words.partition(": ")[0], of=asked.journal[-1].seq)
