"""What the ladders ask about the flag: is what was read young enough, is it ours, has it arrived. Pure."""

from typing import Any

from deliver.engine.core.decision import Decision, wait
from deliver.engine.core.route import SECOND_LOOK
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import Ack, FlagSeen, FlagState, Observation
from deliver.model.plan import Side
from deliver.model.release import Direction, Release, RouteChange

POLL = 2.0  # seconds between two looks at a flag
STALE = 60.0  # seconds without an answer of the back end after which nothing is known of the flag
EXACT = 1e-6  # percent; below every back end's granularity


def known_state(release: Release, seen: Observation) -> FlagState | None:
    """What stands, when it was read after our last write; None: not known yet."""
    flag = seen.flag
    if flag.state is None or (release.shift and flag.at < release.shift.written):
        return None
    return flag.state


def serves(found: FlagState, percent: float) -> bool:
    return found.percent is not None and abs(found.percent - percent) < EXACT


def serves_nobody(found: FlagState) -> bool:
    """Nobody gets the treatment from the flag system."""
    return bool(found.off) or (serves(found, 0.0) and not found.besides)


def killed_by(release: str, found: FlagState) -> bool:
    """It carries that release's mark and serves nobody: its kill, although nobody may have been left to say so."""
    return found.release == release and serves(found, 0.0) and not found.off


def unread_reason(release: Release, seen: Observation, now: float) -> str:
    """Why nothing is known of the flag for too long; "" while that is no trouble."""
    heard = seen.flag.at if seen.flag.state else max(release.since, release.resumed)
    if now - heard < STALE:
        return ""
    why = seen.flag.error or "its back end does not answer"
    return f"flag {flag_name(release)} cannot be read for {now - heard:.0f} s: {why}"


def flag_name(release: Release) -> str:
    return release.plan.flag.flag if release.plan.flag else ""


def foreign_write(release: Release, found: FlagState) -> str:
    """Somebody else has written since our last write. One whose answer we never got is ours when it says what we asked for.

    What stood before is not ours any more once we have written: whoever put that back has switched it off.
    """
    if found.revision == (release.flag_revision or (release.snapshot.flag.revision if release.snapshot.flag else "")):
        return ""
    asked = journal.last(release.journal, Verb.SET_SHARE)
    if asked and asked.action and not journal.answered(release.journal, asked) and serves(found, asked.action.share):
        return ""
    who = f"release {found.release}" if found.release not in ("", release.id) else "somebody else"
    return f"flag {flag_name(release)} was changed by {who}: {serving_text(found)}"


def serving_text(found: FlagState) -> str:
    """What it does now, for a message."""
    if found.off:
        return found.off
    return f"it serves {found.percent:g} % now" if found.percent is not None else found.why


def ensure_arrived(release: Release, seen: Observation, found: FlagState, now: float) -> Decision | None:
    """None once every instance serves this revision, by evaluation where the back end can; until then when to look again."""
    shift = release.shift
    if shift is None or shift.hash != found.revision:
        shift = RouteChange(
            Side.STABLE if release.course is Direction.ROLLING_BACK else Side.BOTH,
            found.revision,
            written=seen.flag.at,
        )
    if not shift.switched:
        shift = replace(shift, switched=now)
    if not shift.verified and (how := arrival_proof(release, seen.flag, found, shift, now)):
        verified = replace(release, shift=replace(shift, verified=now), flag_revision=found.revision)
        known: dict[str, Any] = {"subject": found.off} if found.percent is None else {"numbers": {"percent": found.percent}}
        return Decision(verified.noted(now, Event.FLAG_SERVED, reason=how, **known), None, now)
    after = replace(release, shift=shift, flag_revision=found.revision)
    if after != release:
        return Decision(after, None, now + SECOND_LOOK)
    return None if shift.verified else wait(release, now, now + SECOND_LOOK)


def arrival_proof(release: Release, flag: FlagSeen, found: FlagState, shift: RouteChange, now: float) -> str:
    """The evidence that the revision is served, in words; "" while there is none. Where nobody can be asked, time, and it is said."""
    ack = acknowledgement(flag, found)
    if ack is None:
        return ""
    if ack.total == 0 and release.traffic_off and serves_nobody(found):
        return "nobody had the treatment any more before that"
    if ack.total == 0 and now - shift.switched >= ack.lag:
        return f"not confirmed, {ack.how or 'nobody can be asked'}; waited {ack.lag:g} s"
    everyone = serves_nobody(found) or serves(found, 100.0)  # then it does not matter who is in which group
    if ack.total and (ack.whole or (everyone and ack.acked >= ack.total)):
        share = f", {ack.percent:.1f} % of made-up users get it" if ack.percent is not None else ""
        return f"confirmed by {ack.acked} of {ack.total}{share}"
    return ""


def acknowledgement(flag: FlagSeen, found: FlagState) -> Ack | None:
    """The acknowledgement of this very revision."""
    return flag.ack if flag.ack and flag.acked_revision == found.revision else None


def missing_instances(release: Release, seen: Observation) -> str:
    """Who does not serve what was written last, for a message."""
    found = known_state(release, seen)
    if found is None or seen.flag.error:
        return seen.flag.error or "the flag could not be read"
    ack = acknowledgement(seen.flag, found)
    if ack is None:
        return "nobody has been asked yet"
    if ack.disagree:
        return ack.disagree
    missing = f"; not by {', '.join(ack.missing[:5])}" if ack.missing else ""
    return f"served by {ack.acked} of {ack.total}{missing}{': ' + ack.how if ack.how else ''}"
