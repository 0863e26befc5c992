"""Unleash: the rollout of one strategy in one environment; a kill turns the environment off, which no strategy survives.

Applications poll, so a change that the server serves has arrived when each of them has asked again (`refresh`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from deliver.cluster.port import Watch
from deliver.flags.http import FlagHttpClient
from deliver.flags.ofrep import SIGMAS, user
from deliver.flags.unleash import rules
from deliver.flags.unleash.api import UnleashApi
from deliver.flags.unleash.options import UnleashOptions
from deliver.flags.unleash.rules import Setting
from deliver.flags.unleash.undo import patches, sentences, turned_off_by_us
from deliver.model.errors import ClusterError, Conflict, NotFound, Rejected, Superseded, Unreachable
from deliver.model.objects import Object
from deliver.model.observation import Ack, FlagState, PodSeen
from deliver.plugins.flags import Capabilities, FlagGone, FlagReach, Mark, Undone
from deliver.plugins.interfaces import Finding, Writer

MOST = 8000  # evaluations in one question; each is about 700 bytes of answer
FEW = 20
GLANCE = 2.0  # seconds for each of the two questions before a kill
ATTEMPTS = 2


class Unleash:
    name: ClassVar[str] = "unleash"
    summary: ClassVar[str] = "a gradual rollout in Unleash, confirmed by the server's evaluation"
    Options: ClassVar[type[BaseModel]] = UnleashOptions
    capabilities: ClassVar[Capabilities] = Capabilities(step=1.0, conditional=True, monotone=True, ack="server", lag=15.0)

    def __init__(
        self, options: UnleashOptions, reach: FlagReach, caller: FlagHttpClient | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.options, self.clock = options, clock
        self.api = UnleashApi(options, reach, caller)
        self._since: tuple[str, float] = ("", 0.0)
        self._known: tuple[str, float | None, int] = ("", None, 0)

    def watches(self) -> Sequence[Watch]:
        return ()

    def read(self, flag: str) -> FlagState:
        self.api.feature(flag)  # of an archived flag the environment still tells what it said
        return self.api.setting(flag).state(self.options.strategy, self.options.environment)

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        try:
            return self._check(flag, self.api.setting(flag))
        except ClusterError as error:
            if isinstance(error, Unreachable):
                raise
            return [Finding("unleash", "input", f"{error.what}: {error.why}" if error.why else error.what, error.hint)]

    def _check(self, flag: str, now: Setting) -> list[Finding]:
        found, where = [], f"environment `{self.options.environment}`"
        feature = self.api.feature(flag)
        if self.api.change_requests():
            hint = "release it with Unleash's own change requests, or take the environment out of them"
            found.append(Finding("approvals", "refuse", f"each change in {where} has to be approved in Unleash, a kill as well", hint))
        if parents := [str(one.get("feature")) for one in feature.get("dependencies") or () if isinstance(one, dict)]:
            text = f"flag `{flag}` depends on `{parents[0]}`, so a percentage is of that one's users only"
            found.append(Finding("depends", "refuse", text, "take the dependency away for the release"))
        strategy = now.chosen(self.options.strategy)
        if strategy and strategy.get("parameters", {}).get("stickiness") == "random":
            text = f"flag `{flag}` has stickiness `random`: each request is drawn anew, so no user keeps what they have"
            found.append(Finding("random", "refuse", text, "set its stickiness to userId, sessionId or default"))
        if release := rules.mark_of(strategy)[0]:
            text = f"flag `{flag}` carries the mark of release {release}"
            found.append(Finding("marked", "refuse", text, "that release runs still, or was left: `deliver status` and `deliver rollback`"))
        self.api.may_kill(flag)
        self.api.may_set(flag)
        return found

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        rules.whole_percent(percent)
        now = self.api.setting(flag)
        strategy = now.chosen(self.options.strategy)
        if strategy is None:
            raise Conflict(f"flag `{flag}` has no strategy to drive any more", status=409, why=now.share(self.options.strategy)[1])
        release, step, fence = rules.mark_of(strategy)
        if release == mark.release and fence > mark.fence:
            raise Superseded("the flag carries a newer fence", why="another driver took the release over")
        if (release, step) == (mark.release, mark.step) and now.share(self.options.strategy)[0] == percent:
            return self._noted(now)
        if now.revision != if_revision:
            raise Conflict(
                "the flag was changed by somebody else", status=409, why=f"revision {now.revision} stands there, not {if_revision}"
            )
        if percent > 0 and not now.enabled:
            raise Rejected(f"flag `{flag}` is off in `{self.options.environment}`, and not by this release", status=422)
        write.confirm()
        self.api.patch(flag, strategy["id"], rules.rollout(strategy, percent, mark))
        after = self.api.setting(flag)
        if after != rules.expected(now, strategy["id"], percent, mark):
            raise Conflict("the flag was changed by somebody else right after our write", status=409)
        return self._noted(after)

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        """Off in the environment: whatever strategies there are, and whoever made them. What is off already is left, and is not ours."""
        write.confirm()
        before = self._announced(flag, mark)
        if before is not None and not before.enabled:
            return self._noted(before)
        self.api.switch(flag, on=False)
        now = self.api.setting(flag)
        if now.enabled:
            raise Unreachable(f"Unleash took the kill of flag `{flag}`, and still has it on")
        return self._noted(now)

    def _announced(self, flag: str, mark: Mark) -> Setting | None:
        """What stood before the kill, with the note in it that the kill which follows is ours: so no crash leaves an off of nobody's.

        The kill waits for no slow answer. Without one nobody knows who turned the environment off, and so it stays off.
        """
        for _ in range(ATTEMPTS):
            try:
                now = self.api.setting(flag, timeout=GLANCE)
                strategy = now.bearer(self.options.strategy)
                if not now.enabled or strategy is None:
                    return now
                self.api.patch(flag, strategy["id"], rules.kill_announcement(strategy, mark, self.api.stamp()), timeout=GLANCE)
                return now
            except FlagGone:
                raise
            except (Conflict, NotFound):  # somebody was at that strategy meanwhile
                continue
            except ClusterError:
                return None
        return None

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        """Strategies first, then on or off as it was: nobody gets the treatment in between."""
        before, now = rules.read_back(document), self.api.setting(flag)
        there = {one["id"]: one for one in now.strategies}
        for old in before.strategies:
            operations = rules.restoring_patches(there.get(old["id"], old), old)
            if operations:
                write.confirm()
                self.api.patch(flag, old["id"], operations)
        after = self.api.setting(flag)
        if after.strategies != before.strategies:
            raise Rejected(
                f"the strategies of flag `{flag}` cannot be put back as they were",
                status=422,
                why="somebody added, removed, renamed or reordered one while the release ran",
                hint=f"put them right in Unleash; the environment is left {'on' if after.enabled else 'off'}",
            )
        if after.enabled != before.enabled:
            write.confirm()
            self.api.switch(flag, on=before.enabled)
            after = self.api.setting(flag)
        return self._noted(after)

    def undo(self, write: Writer, flag: str, document: str, mark: Mark) -> Undone:
        """Shares first, then on where our kill turned it off, last the note of that: nobody gets the treatment in between, and whoever goes
        on from anywhere knows what is ours.
        """
        before, archived = rules.read_back(document), self.api.archived(flag)
        self._patched(write, flag, before, (rules.MARK,))
        ours = "" if archived else turned_off_by_us(before, self.api.setting(flag))
        if ours and not self.api.switched_since(flag, rules.OFF, ours):
            write.confirm()
            self.api.switch(flag, on=True)
        self._patched(write, flag, before, (rules.MARK, rules.OFF))
        after = self.api.setting(flag)
        if again := patches(before, after, self.options.strategy):
            raise Conflict(f"flag `{flag}` was changed by somebody else meanwhile", status=409, why=f"strategy {next(iter(again))}")
        gone = (f"flag `{flag}` was archived by somebody: it stays archived",) if archived else ()
        return Undone(self._noted(after), (*gone, *sentences(before, after, self.options.environment)))

    def _patched(self, write: Writer, flag: str, before: Setting, marks: tuple[str, ...]) -> None:
        found = patches(before, self.api.setting(flag), self.options.strategy, marks=marks)
        for id, operations in found.items():
            write.confirm()
            self.api.patch(flag, id, operations)

    def release(self, write: Writer, flag: str) -> None:
        strategy = self.api.setting(flag).chosen(self.options.strategy)
        if strategy is not None and (operations := rules.unmarked(strategy)):
            write.confirm()
            self.api.patch(flag, strategy["id"], operations)

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        if self.api.archived(flag):
            self._stands("archived")
            return self._arrived("the flag is archived: the server gives it to nobody", None)
        now = self.api.setting(flag)
        if now.revision != revision:
            return Ack(0, 1, "the flag was changed since", missing=("Unleash",))
        self._noted(now)
        try:
            share, asked = self._evaluated(flag, now, percent)
        except NotFound as error:  # a server without that question
            return self._arrived(f"the server holds it; not evaluated ({error.what})", None)
        if share is None:
            return self._arrived("the server holds it; not evaluated, for the flag has more rules than this one", None)
        room = 100 * SIGMAS * (percent / 100 * (1 - percent / 100) / asked) ** 0.5 + (100 / asked if 0 < percent < 100 else 0)
        how = f"the server gives it to {share:.1f} % of {asked} made-up users"
        if abs(share - percent) > room + 1e-9:
            return Ack(1, 1, how, share, disagree=f"{how}; wanted are {percent:g} %")
        return self._arrived(how, share)

    # -- parts

    def _noted(self, now: Setting) -> str:
        self._stands(now.revision)
        return now.revision

    def _stands(self, revision: str) -> None:
        """Since when this revision is known to stand there: applications ask from then on."""
        if self._since[0] != revision:
            self._since = (revision, self.clock())

    def _arrived(self, how: str, share: float | None) -> Ack:
        left = self._since[1] + self.options.refresh - self.clock()
        if left > 0:
            return Ack(0, 1, how, share, missing=(f"the applications ask every {self.options.refresh:g} s; {left:.0f} s to go",))
        return Ack(1, 1, f"{how}; the applications have asked since", share)

    def _evaluated(self, flag: str, now: Setting, percent: float) -> tuple[float | None, int]:
        """(share of made-up users that get it, how many were asked); once for each revision, for the server changes it no other way."""
        if self._known[0] != now.revision:
            self._known = (now.revision, *self._ask(flag, now, percent))
        return self._known[1:]

    def _ask(self, flag: str, now: Setting, percent: float) -> tuple[float | None, int]:
        if percent > 0 and not rules.simple(now, self.options.strategy):
            return None, 0
        strategy = now.chosen(self.options.strategy) or {}
        sticky = str((strategy.get("parameters") or {}).get("stickiness") or "default")
        found, flags = self.api.evaluate(flag, _context(sticky, FEW))
        many = min(self.options.users, MOST // max(1, flags))
        if 0 < percent < 100 and many > FEW:
            found, _ = self.api.evaluate(flag, _context(sticky, many))
        return (100 * sum(found) / len(found), len(found)) if found else (None, 0)


def _context(sticky: str, count: int) -> dict[str, Any]:
    """Users as the strategy tells them apart; the server reads a list as one user each."""
    users = ",".join(user(number) for number in range(count))
    if sticky in ("default", "userId", "random"):
        return {"appName": "deliver", "userId": users}
    return {"appName": "deliver", "sessionId": users} if sticky == "sessionId" else {"appName": "deliver", "properties": {sticky: users}}
