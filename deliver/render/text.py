"""The texts of `plan`, `status`, `history` and `doctor`: answers for stdout, as plain lines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deliver.formatting.durations import duration
from deliver.formatting.formats import clock, percent, stamp
from deliver.formatting.sanitize import clean
from deliver.model.exitcodes import ExitCode
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.plugins.interfaces import Finding
from deliver.render import blue_green
from deliver.render.events import Narrator
from deliver.render.exposure import words_in, words_of
from deliver.render.judged_by import judged_line
from deliver.render.odds import SIZE, filled, odds_line
from deliver.render.style import LEVEL_STYLE, PLAIN, STEP_LEVEL, VERDICT_LEVEL, VERDICT_STYLE, Style, table
from deliver.render.summary import arms, check_cells, problem, result_word, strangers, where
from deliver.render.view import View, release_view, typed

if TYPE_CHECKING:
    from deliver.engine.commands.status import LockStatus
    from deliver.engine.preflight.deployment import Proposal

# level of a finding -> title, mark, and the exit code of a run that meets it (None: it goes on), the gravest first
FINDINGS = {
    "locked": ("Occupied:", "fail", ExitCode.LOCKED),
    "forbidden": ("Not permitted:", "fail", ExitCode.UNREACHABLE),
    "refuse": ("Refused:", "fail", ExitCode.REFUSED),
    "input": ("Bad input:", "fail", ExitCode.USAGE),
    "already": ("Already so:", "done", ExitCode.ALREADY),
    "warn": ("Warnings:", "warn", None),
    "info": ("Good to know:", "todo", None),
}
WHY = 72  # columns of a reason in `history`
EVENTS = 8  # newest journal lines that `status` shows


def plan_text(proposal: "Proposal", style: Style = PLAIN) -> str:
    """What would happen, and whether anything forbids it."""
    release = proposal.release
    view, words = release_view(release, None, release.started), words_of(release)
    lines = [f"Plan: {view['strategy']} of `{where(view)}`, {words.change(view, style)}"]
    lines += words.services(view)
    lines += [f"  pods now: {release.snapshot.replicas}", ""]
    lines += _plan_steps(view, style)
    lines += [f"  note: {clean(note)}" for note in release.plan.notes]
    lines += ["", f"Duration: at least {duration(proposal.duration)}"]
    lines += [f"  old side stays warm: {duration(release.plan.hold)}"] if release.plan.hold else []
    lines += [f"Worst case: {clean(proposal.worst_exposure)}", f"Judged by: {clean(judged_line(view))}", "", "Changes, in order:"]
    lines += [f"  {i}. {clean(patch)}" for i, patch in enumerate(proposal.patches, 1)] or ["  none"]
    findings = [finding for finding in proposal.findings if finding.message not in release.plan.notes]
    return "\n".join([*lines, *_findings(findings, style), "", _plan_result(findings, style)])


def planned_code(findings: Sequence[Finding]) -> ExitCode | None:
    """What a run that meets these would end with at once; None: it goes on."""
    levels = {finding.level for finding in findings}
    return next((code for level, (_, _, code) in FINDINGS.items() if level in levels and code is not None), None)


def _plan_result(findings: Sequence[Finding], style: Style) -> str:
    code = planned_code(findings)
    if code is None:
        return "Result: plan only, nothing was changed"
    return f"{style.mark('fail')} Result: {style.paint('refused', 'bad')}; a run would change nothing and end with exit code {int(code)}"


def _plan_steps(view: View, style: Style) -> list[str]:
    words, steps = words_in(view), view["steps"]
    rows = [(*words.planned(i, one), duration(one["bake"]), _then(one, i < len(steps))) for i, one in enumerate(steps, 1)]
    return table((*words.planned_titles, "bake", "then"), rows, style, right=words.planned_right, indent="  ")


def _then(step: View, more: bool) -> str:
    return "approval" if step["approval"] else "next step" if more else "finish"


def _findings(findings: Sequence[Finding], style: Style) -> list[str]:
    lines: list[str] = []
    for level, (title, mark, _) in FINDINGS.items():
        found = [finding for finding in findings if finding.level == level]
        lines += ["", title] if found else []
        for finding in found:
            lines.append(f"  {style.mark(mark)} {clean(finding.message)} ({clean(finding.rule)})")
            lines += [f"    hint: {clean(finding.hint)}"] if finding.hint else []
    return lines


def status_text(release: Release, seen: Observation | None, now: float, style: Style = PLAIN, driver: "LockStatus | None" = None) -> str:
    """Where the release stands: what was read back, steps, checks, the last events, what can be done.

    driver: who drives it; None for a release that has ended, or when the lock may not be read.
    """
    view, words = release_view(release, seen, now), words_of(release)
    level, word = result_word(release) if release.outcome else ("action", _phase(release, view))
    lines = [f"{style.mark(level)} {view['id']}: {style.paint(word, LEVEL_STYLE[level])}"]
    lines += [f"  target: {where(view)}, strategy {view['strategy']}", f"  {words.changed}: {words.change(view, style)}"]
    lines += [f"  why: {view['reason']}"] if view["reason"] else []
    lines += [f"  paused: by {', '.join(filter(None, (view['paused']['by'], view['paused']['reason'])))}"] if view["paused"] else []
    lines += [f"  driver: {driver_line(driver, now, view, style)}"] if driver else []
    lines.append(f"  exposure: {exposure(view)}")
    lines += [f"  {text}" for text in (words.traffic(view), strangers(view), *arms(release, view), *blue_green.lines(view)) if text]
    lines += [f"  {style.mark('fail')} {problem(found)}" for found in view["problems"]]
    lines.append(
        f"  {'took' if release.ended else 'running for'}: {duration(view['duration'])}, started {view['started']} by {view['actor']}"
    )
    lines += ["", *steps_table(view, style)]
    checks = checks_table(view, style)
    lines += ["", *checks, *evidence_table(view, style)] if checks else []
    lines += ["", *events_table(release, style)]
    lines += ["", "Next:", *(f"  `{command}`" for command in view["next"])]
    return "\n".join(lines)


def _phase(release: Release, view: View) -> str:
    return f"{view['phase']}, step {min(release.step + 1, len(view['steps']))} of {len(view['steps'])}"


def driver_line(driver: "LockStatus", now: float, view: View, style: Style) -> str:
    """A live release without a driver stands still: nobody watches it, nobody takes it back."""
    if driver.alive:
        return f"{clean(driver.name)}, heard {duration(max(now - driver.heard, 0.0))} ago"
    last = f"; the last one, {clean(driver.name)}, was heard {duration(max(now - driver.heard, 0.0))} ago" if driver.name else ""
    it = typed(view)
    return style.paint(f"nobody{last}. It stands still until `deliver resume {it}` or `deliver rollback {it}`", "yellow")


def exposure(view: View) -> str:
    share = view["exposure"]
    window = f" in the last {duration(share['window'])}" if share["window"] else ""
    seen = f", observed {percent(share['observed'])}{window}" if share["observed"] is not None else ""
    return f"wanted {percent(share['wanted'])}, {words_in(view).measured_by(view)} {percent(share['endpoints'])}{seen}"


def steps_table(view: View, style: Style) -> list[str]:
    words, rows = words_in(view), []
    for step in view["steps"]:
        bake = f"{duration(int(step['elapsed']))} of {duration(step['bake'])}" if step["elapsed"] is not None else duration(step["bake"])
        rows.append(
            (
                f"{style.mark(STEP_LEVEL[step['state']])} {step['name']}",
                percent(step["endpoints"]),
                words.step_pods.format(**step),
                bake,
                step["state"],
            )
        )
    return table(("step", "real", words.step_pods_title, "bake", "state"), rows, style, right=(1, 2), indent="  ")


def checks_table(view: View, style: Style) -> list[str]:
    rows = []
    for check in view["checks"]:
        verdict = f"{style.mark(VERDICT_LEVEL[check['verdict']])} {style.paint(check['verdict'], VERDICT_STYLE[check['verdict']])}"
        rows.append((check["name"], *check_cells(check), verdict, "" if check["verdict"] == "PASS" else check["why"]))
    return table(("check", "candidate", "stable", "limit", "samples", "verdict", "why"), rows, style, right=(1, 2, 3, 4), indent="  ")


def evidence_table(view: View, style: Style) -> list[str]:
    """A bar and a sentence for each check that is judged by evidence."""
    weighed = [(check["name"], check["odds"]) for check in view["checks"] if check["odds"]]
    width = max((len(name) for name, _ in weighed), default=0)
    lines = []
    for name, odds in weighed:
        full = filled(odds)
        bar = style.symbol("full") * full + style.symbol("empty") * (SIZE - full)
        lines.append(f"  {name:<{width}}  {style.paint(bar, 'bad' if full == SIZE else '')}  {odds_line(odds)}")
    return ["", *lines] if lines else []


def events_table(release: Release, style: Style) -> list[str]:
    events = Narrator().tell(release)[-EVENTS:]
    return [f"  {style.paint(clock(event.at), 'dim')} {style.mark(event.level)} {event.text}" for event in events]


def history_text(releases: Sequence[Release], now: float, style: Style = PLAIN) -> str:
    """One line a release, in the order given."""
    if not releases:
        return "No release is recorded for this target"
    rows = []
    for release in releases:
        level, word = result_word(release)
        took = duration((release.ended or now) - release.started)
        result = f"{style.mark(level)} {style.paint(word, LEVEL_STYLE[level])}"
        which = str(release.number), clean(release.id), stamp(release.started), took, words_of(release).released_short(release)
        rows.append((*which, result, clean(release.actor), _cut(clean(release.reason), style)))
    return "\n".join(table(("no", "release", "started (UTC)", "took", "image", "result", "by", "why"), rows, style, right=(0, 3)))


def _cut(text: str, style: Style) -> str:
    """`explain` and JSON have the whole of it."""
    return text if len(text) <= WHY else text[: WHY - 1] + style.symbol("cut")
