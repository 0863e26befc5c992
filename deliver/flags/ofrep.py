"""Which variant an instance serves, asked by OFREP (POST .../ofrep/v1/evaluate/flags/KEY): the probe of all back ends in flagd's format.

Each instance is asked for one user: does it serve our revision? Once all do, made-up users are asked: the share that gets the treatment
must be the one that was written, whoever had it must keep it while the share grows, and two instances must put the same users into the
same group. They do not when they bucket by different hashes, as flagd's SDKs of 2026 do: together they would give it to too many users.
"""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from deliver.cluster.port import Access
from deliver.flags.http import FlagHttpClient, reason_in
from deliver.flags.rollout import Variants, marks_of
from deliver.formatting.sanitize import one_line
from deliver.http.client import Reply
from deliver.model.errors import ClusterError, Rejected, Unreachable
from deliver.model.observation import Ack

THREADS = 4
EVALUATION_TIMEOUT = 3.0  # seconds for one evaluation
BUDGET = 10.0  # seconds for one look at all instances; what was learned in it is not asked again in the next
FEWEST_USERS = 100  # users whose answers say something, where time did not suffice for all
SAMPLE = 25  # users of each group that a further instance is asked for
STATIC = 10  # users where everybody must get the same
SIGMAS = 4.0


T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Instance:
    """Something that evaluates the flag. name: for messages."""

    name: str
    access: Access


@dataclass(frozen=True)
class Wanted:
    """What every instance should serve. version 0: a definition without a mark of ours."""

    version: int
    percent: float
    names: Variants
    treatment: Any


@dataclass(frozen=True)
class Evaluation:
    variant: str
    value: Any
    version: int


class OfrepProbe:
    """Asks, and remembers who had the treatment: by instance and version, so that a settled flag is not asked for again and again."""

    def __init__(
        self,
        *,
        path: str = "/ofrep/v1/evaluate/flags",
        users: int = 1000,
        headers: Callable[[], dict[str, str]] = dict,
        caller: FlagHttpClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.users, self.headers, self.caller, self.clock = path, users, headers, caller or FlagHttpClient(), clock
        self._known: dict[tuple[str, str, int], dict[str, bool]] = {}
        self._before: dict[str, tuple[float, dict[str, bool]]] = {}

    def evaluate(self, instance: Instance, flag: str, user: str, timeout: float = EVALUATION_TIMEOUT) -> Evaluation:
        """Raises ClusterError with the reason why the instance gave no answer."""
        reply = self._ask(instance, flag, user, timeout)
        data = reply.data()
        if reply.status != 200 or not isinstance(data, dict):
            raise Rejected(_refused(reply, flag), status=reply.status)
        meta = data.get("metadata")
        return Evaluation(str(data.get("variant") or ""), data.get("value"), marks_of({"metadata": meta}).version)

    def _ask(self, instance: Instance, flag: str, user: str, timeout: float) -> Reply:
        body = {"context": {"targetingKey": user}}
        return self.caller.send(instance.access, "POST", f"{self.path}/{quoted(flag)}", body=body, headers=self.headers(), timeout=timeout)

    def refused(self, flag: str, names: Variants, instances: Sequence[Instance]) -> Ack:
        """How many instances give nobody the treatment: to them the flag is disabled, or not there, or another source of theirs is safe."""
        until = self.clock() + BUDGET
        ordered = sorted(instances, key=lambda one: one.name)
        return self._polled(ordered, lambda one: self._gives(one, flag, names, until), "give nobody the treatment")

    def _gives(self, instance: Instance, flag: str, names: Variants, until: float) -> str:
        """Why the instance may give somebody the treatment still; "" when it does not."""
        for number in range(STATIC):
            left = until - self.clock()
            if left <= 0:
                return f"not asked within {BUDGET:g} s"
            try:
                reply = self._ask(instance, flag, user(number), min(EVALUATION_TIMEOUT, left))
            except ClusterError as error:
                return error.what
            data = reply.data()
            said = data if isinstance(data, dict) else {}
            if said.get("errorCode") == "FLAG_NOT_FOUND" or (reply.status == 200 and said.get("reason") == "DISABLED"):
                return ""
            variant = str(said.get("variant") or "")
            if reply.status != 200 or variant != names.safe:
                return f"serves `{one_line(variant, 40)}` still" if reply.status == 200 else _refused(reply, flag)
        return ""

    def confirm(self, flag: str, want: Wanted, instances: Sequence[Instance]) -> Ack:
        """How many instances serve what is wanted, and whether they agree."""
        until = self.clock() + BUDGET
        ordered = sorted(instances, key=lambda one: one.name)
        ack = self._polled(ordered, lambda one: self._serves(one, flag, want, until), "serve the revision")
        return ack if ack.missing or not ordered else self._compared(flag, want, ordered, until)

    def _polled(self, instances: Sequence[Instance], why_not: Callable[[Instance], str], what: str) -> Ack:
        """How many of them do what is wanted: those of which `why_not` says nothing."""
        found = self._each(instances, why_not)
        missing = tuple(f"{one.name}: {why}" for one, why in zip(instances, found, strict=True) if why)
        acked = len(instances) - len(missing)
        return Ack(acked, len(instances), f"asked by OFREP; {acked} of {len(instances)} {what}", missing=missing)

    def _each(self, things: Sequence[T], ask: Callable[[T], R]) -> list[R]:
        with ThreadPoolExecutor(min(THREADS, max(1, len(things)))) as pool:
            return list(pool.map(ask, things))

    def _serves(self, instance: Instance, flag: str, want: Wanted, until: float) -> str:
        """Why the instance does not count as one that serves that revision; nothing when it does."""
        left = until - self.clock()
        if left <= 0:
            return f"not asked within {BUDGET:g} s"
        try:
            seen = self.evaluate(instance, flag, user(0), min(EVALUATION_TIMEOUT, left))
        except ClusterError as error:
            return error.what
        if seen.version != want.version:
            return f"serves revision {seen.version} still" if seen.version else "serves a definition without our mark"
        if seen.variant and seen.variant not in (want.names.treatment, want.names.safe):
            return f"serves `{one_line(seen.variant, 40)}`, neither `{want.names.treatment}` nor `{want.names.safe}`"
        return ""

    def _compared(self, flag: str, want: Wanted, instances: Sequence[Instance], until: float) -> Ack:
        """All of them serve the revision: who gets the treatment?"""
        total, split = len(instances), 0 < want.percent < 100
        half = self.clock() + (until - self.clock()) / 2
        try:
            first = self._group(instances[0], flag, want, [user(n) for n in range(self.users if split else STATIC)], half)
            users = _few(first) if split else list(first)
            others = self._each(instances[1:], lambda one: self._group(one, flag, want, users, until))
        except ClusterError as error:
            return Ack(0, total, f"the probe came to no end: {error.what}", missing=(error.what,))
        treated = frozenset(name for name, has in first.items() if has)
        percent = 100 * len(treated) / len(first)
        trouble = self._share(want, percent, len(first), instances) or _differ(instances, first, others) or self._kept(flag, want, first)
        if split and not trouble:
            self._before[flag] = (want.percent, first)
        how = f"asked by OFREP; {len(treated)} of {len(first)} made-up users get `{want.names.treatment}`"
        return Ack(total, total, how, percent, (), trouble)

    def _group(self, instance: Instance, flag: str, want: Wanted, users: Sequence[str], until: float) -> dict[str, bool]:
        """Who of these users has the treatment there. What was asked of this instance for this version is known already.

        One answer that does not come is no trouble, and neither is time that does not suffice for all. Raises ClusterError when too
        few have answered.
        """
        known = self._known.setdefault((flag, instance.name, want.version), {})
        if want.version == 0:
            known.clear()  # without a version nothing says that it is still the same definition
        silent: list[str] = []

        def ask(name: str) -> None:
            left = until - self.clock()
            if left <= 0 or len(silent) > len(users) // 10:
                return
            try:
                seen = self.evaluate(instance, flag, name, min(EVALUATION_TIMEOUT, left))
            except ClusterError as error:
                silent.append(error.what)
                return
            known[name] = seen.variant == want.names.treatment if seen.variant else seen.value == want.treatment

        self._each([name for name in users if name not in known], ask)
        found = {name: known[name] for name in users if name in known}
        if len(found) < min(len(users), FEWEST_USERS):
            why = f": {silent[0]}" if silent else ""
            raise Unreachable(f"{instance.name} has answered for {len(found)} of {len(users)} users{why}")
        return found

    def _share(self, want: Wanted, percent: float, asked: int, instances: Sequence[Instance]) -> str:
        p = want.percent / 100
        room = 100 * (SIGMAS * math.sqrt(p * (1 - p) / asked) + (1 / asked if 0 < p < 1 else 0))
        if abs(percent - want.percent) <= room + 1e-9:
            return ""
        return (
            f"{instances[0].name} gives `{want.names.treatment}` to {percent:.1f} % of {asked} made-up users, wanted are {want.percent:g} %"
        )

    def _kept(self, flag: str, want: Wanted, now: dict[str, bool]) -> str:
        """Cohorts only grow while the share grows, and only shrink while it shrinks."""
        if flag not in self._before or not 0 < want.percent < 100:
            return ""
        percent, before = self._before[flag]
        had = [name for name, has in before.items() if has and name in now]
        has = [name for name, has in now.items() if has and name in before]
        lost = set(had) - set(has) if want.percent >= percent else set(has) - set(had)
        if not lost:
            return ""
        return (
            f"{len(lost)} of {len(had)} users who had the treatment at {percent:g} % lost it at {want.percent:g} %: they are bucketed anew"
        )


def user(number: int) -> str:
    return f"deliver-probe-{number}"


def _few(group: dict[str, bool]) -> list[str]:
    """Some of each kind: with different hashes next to nobody with the treatment has it in both places."""
    have = [name for name, has in group.items() if has]
    return have[:SAMPLE] + [name for name, has in group.items() if not has][:SAMPLE]


def _differ(instances: Sequence[Instance], first: dict[str, bool], others: Sequence[dict[str, bool]]) -> str:
    for instance, group in zip(instances[1:], others, strict=True):
        wrong = sum(first[name] != has for name, has in group.items())
        if wrong:
            return (
                f"{instances[0].name} and {instance.name} put {wrong} of {len(group)} users into different groups: "
                "their SDKs bucket by different hashes"
            )
    return ""


def _refused(reply: Reply, flag: str) -> str:
    said = reason_in(reply)
    if reply.from_api_server():
        why = "it cannot be asked" if reply.status != 403 else "we may not ask it (create on pods/proxy)"
        return f"{why}: {said}"
    if reply.status in (401, 403):
        return f"OFREP wants a token: answered {reply.status}"
    if reply.status == 404:
        data = reply.data()
        known = isinstance(data, dict) and data.get("errorCode") == "FLAG_NOT_FOUND"
        return f"it knows no flag `{flag}`" if known else "no OFREP at that port and path (404)"
    return f"answered {reply.status}" + (f": {said}" if said else "")


def quoted(flag: str) -> str:
    return quote(flag, safe="")
