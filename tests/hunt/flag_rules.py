"""The rules of a flag from the users' side, where people change it while its release runs.

A person's off stays off, and what they removed stays removed, whatever we write. From "no user gets the treatment any more" on nobody
gets it from what we wrote. At the end what people made of the flag is there, nothing of ours is, and what is said of both is true.
"""

import json
from typing import TYPE_CHECKING, Any

from deliver.model.codec import decode
from deliver.model.observation import FlagSeen, Observation
from deliver.model.release import Release
from deliver.render import flag
from tests.hunt.worlds import FOREIGN, PERSON

if TYPE_CHECKING:
    from tests.hunt.play import Play


class FlagRules:
    """theirs: what people have set last, by part: percent, on, rules, note, there."""

    def __init__(self, play: "Play") -> None:
        self.play = play
        self.theirs: dict[str, Any] = {}
        self.ours = False  # the share that stands there is our doing

    # ------------------------------------------------------------ while it runs

    def touched(self, parts: dict[str, Any]) -> None:
        self.theirs |= parts
        self.ours &= "percent" not in parts

    def put(self, on: bool, there: bool) -> None:
        """A write of ours to the whole of it. on, there: before it."""
        flags = self.play.flags
        if flags.on and not on and self.theirs.get("on") is False:
            self.play.referee.say(6, "the flag was switched on again that a person has switched off")
        if flags.there and not there:
            self.play.referee.say(6, "the flag was made again that a person has removed")

    def shared(self, verb: str, percent: float | None) -> None:
        """A write of ours to the share."""
        self.ours = True
        if percent and self._off():
            self.play.referee.say(6, f"{verb} gives the treatment to {percent:g} % after it was said that no user gets it any more")
        if percent and verb == "set" and self.theirs.get("on") is False and self.play.flags.on:
            self.play.referee.say(6, f"{verb} gives the treatment to {percent:g} % although a person has switched it off")

    def _off(self) -> bool:
        record = self.play.referee.record
        return bool(record.get("course") == "back" and record.get("traffic_off"))

    # ------------------------------------------------------------ at the end

    def final(self, outcome: str | None) -> None:
        story, say = self.play.story, self.play.referee.say
        kinds = {event.kind for event in story.events}
        if self.play.referee.record and outcome not in ("PROMOTED", "ROLLED_BACK") and kinds & set(PERSON) and not kinds & set(FOREIGN):
            say(5, f"a person's hand on the flag leaves it {outcome}: {self.play.referee.record.get('reason')}")
        if outcome == "ROLLED_BACK":
            self._taken_back()

    def _taken_back(self) -> None:
        flags, say = self.play.flags, self.play.referee.say
        before = json.loads(self.play.referee.record["snapshot"]["flag"]["document"])
        if flags.mark is not None and flags.there:
            say(6, "the flag carries a mark of ours after ROLLED_BACK")
        for part in ("on", "rules", "note", "there"):
            wanted, found = self.theirs.get(part, before.get(part, True)), getattr(flags, part)
            if found != wanted and (flags.there or part == "there"):
                say(6, f"`{part}` of the flag is {found!r} after ROLLED_BACK, and not {wanted!r}")
        if flags.percent and self.ours and flags.on and flags.there:
            say(6, f"{flags.percent:g} % of users keep the treatment after ROLLED_BACK")
        self._said(decode(Release, self.play.referee.record))

    def _said(self, release: Release) -> None:
        """The sentence at the end, of the flag as it stands now."""
        flags, say = self.play.flags, self.play.referee.say
        text = flag.meaning(release, Observation(at=0.0, flag=FlagSeen(flags.flag_client().look())))
        served = flags.on and flags.there and bool(flags.rules or flags.percent or flags.percent is None)
        if "every user gets the safe variant" in text and served:
            say(12, f"`{text}`, and somebody gets the treatment")
        before = release.snapshot.flag
        same = flags.there and before is not None and flags.flag_client().read().document == before.document
        if "as it stood before" in text and not same and release.flag_undone == (str(flags.version) if flags.there else "gone"):
            say(12, f"`{text}`, and it is not")
