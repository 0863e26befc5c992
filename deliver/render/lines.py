"""A running release as lines: one a change, for pipes, CI logs and dumb terminals."""

import threading
from collections.abc import Callable

from deliver.formatting.durations import duration
from deliver.formatting.formats import clock, count, percent, share_observed
from deliver.formatting.sanitize import clean, defuse
from deliver.model.observation import Observation
from deliver.model.release import Phase, Release
from deliver.model.verdict import Verdict, binding, combined
from deliver.render.events import Line, Narrator, check_line
from deliver.render.exposure import words_of
from deliver.render.out import Out, never_raises
from deliver.render.style import LEVEL_STYLE, Style
from deliver.render.summary import summary_lines
from deliver.render.view import baked, exposure, newest_checks, warm

REMIND = 30.0  # seconds of silence before a line says what is waited for
PROGRESS = 15.0  # seconds between two lines about a bake
RECENT = 5.0  # journal lines older than this at the start belong to an earlier driver


class Lines:
    """Implements engine.reporter.Reporter. verbose: an intent gets a line of its own, before its outcome."""

    def __init__(self, out: Out, style: Style, now: Callable[[], float], *, verbose: bool = False) -> None:
        self.out, self.style, self.now, self.verbose = out, style, now, verbose
        self.lock = threading.RLock()
        self.narrator = Narrator(since=now() - RECENT)
        self._head = ""
        self._last = now()
        self._bake: tuple[int, float, Verdict] | None = None  # step, when told, verdict told
        self._doing = ""

    @never_raises
    def update(self, release: Release, seen: Observation | None) -> None:
        self._header(release)
        self._events(release)
        now = self.now()
        if release.phase is Phase.BAKING and release.bake_since and release.outcome is None:
            self._baking(release, seen, now)
        elif now - self._last >= REMIND and release.outcome is None:
            self.say(Line(now, "wait", f"still waiting for {waiting_for(release, seen, self.narrator)}"))

    @never_raises
    def note(self, text: str) -> None:
        self.say(Line(self.now(), "warn", clean(text)))

    @never_raises
    def end(self, release: Release, seen: Observation | None) -> None:
        self._header(release)
        self._events(release)
        self.out.line("")
        for line in summary_lines(release, seen, self.now(), self.style):
            self.out.line(line)

    def say(self, event: Line) -> None:
        mark = self.style.mark(event.level)
        text = self.style.paint(event.text, LEVEL_STYLE[event.level] if event.level in ("wait", "warn", "fail") else "")
        self.out.line(defuse(f"{self.style.paint(clock(event.at), 'dim')} {mark} {text}"))
        self._last = self.now()

    def _header(self, release: Release) -> None:
        if self._head:
            return
        target, arrow = release.spec.target, self.style.symbol("arrow")
        released = words_of(release).released(release, arrow)
        self._head = clean(f"{release.id}: {release.spec.strategy} of {target}, {released}, by {release.actor}")
        self.say(Line(self.now(), "action", self._head))

    def _events(self, release: Release) -> None:
        for event in self.narrator.tell(release):
            self.say(event)
        doing = self.narrator.doing(release) if self.verbose else ""
        if doing and doing != self._doing:
            self.say(Line(self.now(), "action", doing))
        self._doing = doing

    def _baking(self, release: Release, seen: Observation | None, now: float) -> None:
        verdict = combined(binding(newest_checks(release, seen)))
        last = self._bake if self._bake and self._bake[0] == release.step else None
        if last and now - last[1] < PROGRESS and last[2] is verdict:
            return
        self._bake = (release.step, now, verdict)
        level = {Verdict.PASS: "wait", Verdict.BLIND: "warn", Verdict.FAIL: "fail"}[verdict]
        self.say(Line(now, level, bake_line(release, seen, now, verbose=self.verbose)))


def bake_line(release: Release, seen: Observation | None, now: float, *, verbose: bool = False) -> str:
    """`baking 10 %: 1m15s of 5m, candidate has 20 % of endpoints and 18.3 % of requests, 2 checks PASS`."""
    parts = [f"baking {clean(release.current.name)}: {duration(int(baked(release, now) or 0))} of {duration(release.current.bake)}"]
    share = exposure(release, seen)
    if share["endpoints"] is not None:
        also = f" and {share_observed(share)}" if share["observed"] is not None else ""
        parts.append(f"{words_of(release).exposed.format(percent(share['endpoints']))}{also}")
    checks = newest_checks(release, seen)
    telling = [check for check in checks if verbose or check.verdict is not Verdict.PASS]
    if not checks:
        parts.append("judged by pods alone, no check is configured")
    elif telling:
        parts += [check_line(check, why=True) for check in telling]
    else:
        parts.append(f"{count(len(checks), 'check')} PASS")
    return ", ".join(parts)


def waiting_for(release: Release, seen: Observation | None, narrator: Narrator) -> str:
    """One clause: an unanswered action, or what the phase waits for, with numbers read back."""
    candidate = seen.candidate if seen else None
    pods = f": {candidate.ready}/{candidate.desired} ready" if candidate else ""
    if doing := narrator.doing(release):
        return f"the answer to an action: {doing}"
    if own := words_of(release).waiting_for(release, seen):
        return f"{own}{_because(release)}"
    match release.phase:
        case Phase.WAITING:
            return f"approval to go on after {clean(release.current.name)}: `deliver promote`"
        case Phase.PAUSED:
            by = f", paused by {clean(release.paused.actor)}" if release.paused else ""
            return f"`deliver resume`{by}"
        case Phase.FINISHING if release.held_until and not release.new_hash:
            side = "is warm, one write away" if warm(release, seen) else "has too few ready pods to take the traffic back"
            return f"the hold to be over at {clock(release.held_until)}; the old side {side}"
        case Phase.FINISHING:
            stable = f": {seen.stable.ready}/{seen.stable.desired} ready" if seen and seen.stable else ""
            return f"the Deployment's own pods on the new version{stable}{_because(release)}"
        case _:
            return f"{str(release.phase).lower()}{pods}{_because(release)}"


def _because(release: Release) -> str:
    """`; candidate pod x: cannot be scheduled: ... (since 14:02:11)`."""
    return "".join(clean(f"; {one} (since {clock(one.since)})") for one in release.troubles)
