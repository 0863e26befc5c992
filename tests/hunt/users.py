"""What users get and what they are told of it: judged by the image that answers, whichever Deployment's pods run it.

Three rules. From "traffic is off" on nobody gets an answer of the rejected version (rule 6); the original selectors come back only when
no living pod that they match runs it; what is said of traffic is true of all ready endpoints at that moment (rule 12).
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deliver.formatting.formats import endpoints_text
from deliver.model.codec import decode
from deliver.model.journal import Entry, Event
from deliver.model.names import HASH, UNDO
from deliver.model.observation import Observation
from deliver.model.release import Direction, Release
from deliver.render.exposure import words_of
from deliver.render.summary import state_now
from deliver.render.view import release_view
from deliver_sandbox.store import Change
from deliver_sandbox.world import World

Object = dict[str, Any]
Ends = Counter[str]  # image -> ready endpoints of the users' Services
LATE = 600.0  # seconds for which a line of the journal may wait to be saved
LAG = 0.3  # seconds that a driver may be behind what stands: the watch's delay and one look
PROXY = 0.7  # seconds in which the nodes follow an EndpointSlice
SHARE = re.compile(r"(?P<new>\d+) of (?P<total>\d+) ready endpoints? runs? the new version")
WHOLE = re.compile(r"all traffic stays on the ")
NO_USER = "traffic is off the new version"
NOBODY = re.compile(rf"{NO_USER}|no new connection reaches the ")
PERCENT = re.compile(r"new version has (?P<percent>[\d.]+) % of (?P<total>\d+) ready endpoint")


def is_preview(service: str) -> bool:
    return service.endswith("-preview")


def leads_to_users(piece: Object) -> bool:
    return not is_preview(str((piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name")))


def image_of(pod: Object) -> str:
    """Without the digest that admission may have added."""
    return str(pod["spec"]["containers"][0]["image"]).partition("@")[0]


def ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def lives(pod: Object) -> bool:
    """It answers, or may do so yet: one that is on its way out does for as long as it is ready."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and (ready(pod) or not pod["metadata"].get("deletionTimestamp"))


@dataclass(frozen=True)
class Off:
    """A release has said that traffic is off. raw: as its record has it. at: by the world's clock.

    ended: when it was rolled back, 0 = not yet.
    """

    release: str
    image: str
    raw: float
    at: float
    ended: float = 0.0


@dataclass
class Users:
    """say: a broken rule's number and what was seen. blurred: until when watches are slow. strange: strangers move users in this story.
    lag: seconds that a driver may be behind what stands.

    rejected: the image that the release takes back when it goes back, "" without one. asked: images that a person has put into the
    Deployment: what they have asked for is not ours to keep from users. led: the Services were last written by ours; since:
    when.
    """

    world: World
    say: Callable[[int, str], None]
    blurred: Callable[[], float] = lambda: 0.0
    strange: bool = False
    lag: float = LAG
    images: dict[str, str] = field(default_factory=dict)
    stood: list[tuple[float, Ends]] = field(default_factory=list)
    off: Off | None = None
    rejected: str = ""
    asked: set[str] = field(default_factory=set)
    led: bool = True
    since: float = 0.0

    def __post_init__(self) -> None:
        self.images = {pod["metadata"]["uid"]: image_of(pod) for pod in self.world.store.every("pods", "shop")}
        self.stood.append((0.0, self._ends()))
        self.world.traffic.heard.append(self.answered)

    # ------------------------------------------------------------ what users get

    def hear(self, change: Change, ours: bool, course: str) -> None:
        if change.kind == "pods":
            self.images[change.obj["metadata"]["uid"]] = image_of(change.obj)
        elif change.kind == "endpointslices" and leads_to_users(change.obj):
            self.stood.append((self._now(), self._ends()))
            if self.off and (count := self.stood[-1][1][self.off.image]) and not self._excused():
                self.say(6, f"{count} ready endpoints run the rejected {self.off.image} after traffic was said to be off")
        elif change.kind == "services" and not is_preview(change.name):
            self._selector(change, ours, course)

    def answered(self, at: float, image: str, fresh: bool) -> None:
        """Some user got an answer, up to that moment."""
        off, image = self.off, image.partition("@")[0]
        if off is None or image != off.image or self._excused():
            return
        if fresh and at > off.at:
            self.say(6, f"a new connection was answered by the rejected {image} after traffic was said to be off")
        if not fresh and off.ended and at > off.ended + LAG:
            self.say(6, f"an open connection was answered by the rejected {image} after ROLLED_BACK")

    def _selector(self, change: Change, ours: bool, course: str) -> None:
        old, new = (change.old or {}).get("spec", {}).get("selector"), change.obj["spec"].get("selector") or {}
        if change.type == "DELETED" or old != new:
            self.led, self.since = ours and change.type != "DELETED", self._now()
        noted = [UNDO in (obj["metadata"].get("annotations") or {}) for obj in (change.old or change.obj, change.obj)]
        if ours and course == Direction.ROLLING_BACK and noted == [True, False] and HASH not in new and self.rejected:
            self._given_back(change.name, new)

    def _given_back(self, name: str, selector: Mapping[str, str]) -> None:
        pods = [pod for pod in self.world.store.every("pods", "shop") if selector.items() <= pod["metadata"].get("labels", {}).items()]
        living = [pod for pod in pods if lives(pod) and image_of(pod) == self.rejected]
        leaving = sum(bool(pod["metadata"].get("deletionTimestamp")) for pod in living)
        if living and self._now() > self.blurred():
            pods_there = f"{len(living)} pods that it matches, {leaving} of them on their way out, run the rejected {self.rejected}"
            self.say(6, f"Service {name} got its selector back while {pods_there}")

    def _excused(self) -> bool:
        """A stranger has moved the users, or the driver cannot know yet."""
        now = self._now()
        if self.off is not None and self.off.image in self.asked:
            return True
        return self.strange or not self.led or now < self.since + PROXY or now <= self.blurred()

    # ------------------------------------------------------------ what is told

    def told(self, record: Object, entries: Sequence[Object], skew: float) -> None:
        """The record was saved. entries: the journal's new ones. skew: of the clock that wrote it."""
        image, before = record["spec"]["image"], record["snapshot"]["image"]
        by_pods = not record["plan"].get("flag") and record["spec"]["strategy"] != "rollback" and image != before
        self.rejected = image if by_pods else ""
        self._claim(record, skew)
        if by_pods:
            for entry in entries:
                self._told(decode(Entry, entry), image, skew)

    def _told(self, entry: Entry, image: str, skew: float) -> None:
        if entry.event in (Event.TRAFFIC_VERIFIED, Event.TAKEOVER_VERIFIED):
            self._true(endpoints_text(entry.numbers), image, entry.at - skew)
        elif entry.event in (Event.TRAFFIC_OFF, Event.STABLE_SERVES):
            self._true(NO_USER, image, entry.at - skew)
        else:  # what was read back of traffic may stand in the reason of a hold, or of an end
            self._true(entry.reason, image, entry.at - skew)

    def _claim(self, record: Object, skew: float) -> None:
        raw, off = record["traffic_off"], self.off
        if not raw or not self.rejected:
            self.off = None
            return
        if off is None or (off.release, off.raw) != (record["id"], raw):
            off = Off(record["id"], self.rejected, raw, min(raw - skew, self._now()))
        ended = off.ended or (self._now() if record["outcome"] == "ROLLED_BACK" else 0.0)
        self.off = Off(off.release, off.image, off.raw, off.at, ended)

    def shown(self, release: Release, seen: Observation | None, at: float) -> None:
        """What the live view, the lines and the JSON are made of. at: when it was looked."""
        if seen is None or release.plan.flag or release.reverts or release.spec.image in ("", release.snapshot.image):
            return
        image, share = release.spec.image, words_of(release).share(release, seen)
        stood = [ends for ends in self.stands(at) if ends.total()]
        if share is not None and at > self.blurred() and stood:
            shares = [100 * ends[image] / ends.total() for ends in stood]
            if all(abs(share - one) > 0.01 for one in shares):
                self.say(12, f"{share:.1f} % is shown as the new version's share of ready endpoints, not {shares[-1]:.1f} %")
        if release.outcome is not None:
            for text in state_now(release, release_view(release, seen, seen.at)):
                self._true(text, image, at)

    def _true(self, text: str, image: str, written: float) -> None:
        """What it says of endpoints was so a moment ago; for a line that could not be saved then, when it was written."""
        now = self._now()
        moments = {now, written} if now - LATE < written < now else {now}
        stood = [ends for moment in moments for ends in self.stands(moment)]
        if now > self.blurred() and not any(fits(text, ends[image], ends.total()) for ends in stood):
            self.say(12, f"`{text}` is told while {[dict(ends) for ends in stood]} stands")

    # ------------------------------------------------------------ what stands

    def stands(self, moment: float) -> list[Ends]:
        """Endpoints in the short time before a moment."""
        first = max(0, bisect_right(self.stood, moment - self.lag, key=lambda one: one[0]) - 1)
        last = bisect_right(self.stood, moment, key=lambda one: one[0])
        return [ends for _, ends in self.stood[first : max(last, first + 1)]]

    def _ends(self) -> Ends:
        slices = [piece for piece in self.world.store.every("endpointslices", "shop") if leads_to_users(piece)]
        ends = [end for piece in slices for end in piece.get("endpoints") or [] if end["conditions"]["ready"]]
        return Counter(self.images.get(uid, "?") for uid in {end["targetRef"]["uid"] for end in ends})

    def _now(self) -> float:
        return self.world.clock.now()


def fits(text: str, new: int, total: int) -> bool:
    """What a sentence says of traffic, beside the endpoints of the new version and all of them."""
    if found := SHARE.search(text):
        return (int(found["new"]), int(found["total"])) == (new, total)
    if found := PERCENT.search(text):
        return int(found["total"]) == total and abs(float(found["percent"]) - 100 * new / total) < 1.0
    if found := WHOLE.search(text):
        return new == total
    return not (NOBODY.search(text) and new)
