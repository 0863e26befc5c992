"""The end of a run, last on the screen and last in the CI log: result, why, what stands now, what to do."""

from deliver.formatting.durations import duration
from deliver.formatting.formats import NONE, clock, count, number
from deliver.formatting.sanitize import clean, defuse
from deliver.model.observation import Observation, RouteSeen, Stranger
from deliver.model.release import Direction, Outcome, Phase, Release
from deliver.model.verdict import Verdict
from deliver.render import blue_green
from deliver.render.events import check_line
from deliver.render.exposure import words_of
from deliver.render.judged_by import judged_line
from deliver.render.style import PLAIN, Style
from deliver.render.view import View, newest_checks, release_view

RESULT = {
    Outcome.PROMOTED: ("done", "PROMOTED"),
    Outcome.ROLLED_BACK: ("fail", "ROLLED BACK"),
    Outcome.HELD: ("warn", "HELD"),
    Outcome.ROLLBACK_FAILED: ("fail", "ROLLBACK FAILED"),
}
_PAINT = {"done": "green", "warn": "yellow", "fail": "bad"}


def summary_lines(release: Release, seen: Observation | None, now: float, style: Style = PLAIN) -> list[str]:
    view = release_view(release, seen, now)
    level, word = result_word(release)
    words = words_of(release)
    meaning = words.meaning(release, seen) if release.outcome else "the release goes on from here when somebody drives it"
    head = f"{style.mark(level)} Result: {style.paint(word, _PAINT.get(level, ''))}"
    lines = [f"{head}, {meaning}", f"  release: {view['id']}, {where(view)}, {words.change(view, style)}"]
    lines += _labelled("why", why(release, view))
    lines += [f"    {style.paint('| ' + line, 'dim')}" for line in view["evidence"]]
    if release.outcome is Outcome.PROMOTED and not release.reverts:
        lines.append(f"  judged by: {clean(judged_line(view))}")
    lines += _labelled("state", state_now(release, view))
    lines += _labelled("left", [clean(text) for text in release.flag_left])
    lines.append(f"  took: {took(view, release, now)}")
    lines += _labelled("next", [f"`{command}`" for command in view["next"]])
    return [defuse(line) for line in lines]


def result_word(release: Release) -> tuple[str, str]:
    """Level and word. Back where it was is a failure of a release, and the success of a rollback that was asked for."""
    if release.reverts and release.outcome is Outcome.ROLLED_BACK:
        return "done", "ROLLED BACK"
    return RESULT[release.outcome] if release.outcome else ("wait", f"NOT ENDED ({release.phase})")


def where(view: View) -> str:
    return f"{view['target']['namespace']}/{view['target']['deployment']}"


def why(release: Release, view: View) -> list[str]:
    """The reason, then the numbers of every check that did not pass (of all of them after a promotion)."""
    lines = [view["reason"]] if view["reason"] else []
    checks = newest_checks(release, None)
    if release.outcome is not Outcome.PROMOTED:
        checks = tuple(check for check in checks if check.verdict is not Verdict.PASS and not (check.kind == "pods" and lines))
    lines += [check_line(check, why=check.why not in release.reason) for check in checks]
    by = f"asked by {clean(release.ended_by)}" if release.ended_by and release.ended_by not in release.reason else ""
    lines += [by] if by and release.ended_by != release.actor else []
    return lines


def state_now(release: Release, view: View) -> list[str]:
    """What was read back of the cluster, in sentences."""
    words = words_of(release)
    sentences = [words.traffic(view), strangers(view), *arms(release, view)]
    sentences += blue_green.lines(view)
    if release.outcome is Outcome.ROLLED_BACK and not release.exposed and not release.reverts:
        sentences.append(words.never_exposed)
    elif view["traffic_off"]:
        sentences.append(words.off_since(view, release.traffic_off))
    sentences += [problem(found) for found in view["problems"]]
    return [text for text in sentences if text]


def strangers(view: View) -> str:
    """Pods of others that users reach, "" for none."""
    found = view["route"]["strangers"] if view["route"] else []
    those = [Stranger(one["pod"], one["owner"] or "", one["service"]) for one in found]
    return RouteSeen(strangers=tuple(those)).strangers_text


def arms(release: Release, view: View) -> list[str]:
    return [text for key, name in words_of(release).arms(release).items() if (text := arm(name, view[key]))]


def arm(name: str, arm: View) -> str:
    """One side's pods; "" for a side that was not read."""
    if arm["desired"] is None:
        return ""
    if name == "candidate" and not arm["desired"] and not arm["ready"]:
        return "candidate: no pods" if arm["deployment"] else "candidate: gone"
    restarts = f", {count(arm['restarts'], 'restart')}" if arm["restarts"] else ""
    return f"{name}: {arm['ready']}/{arm['desired']} pods ready{restarts}, `{arm['image']}`"


def check_cells(check: View) -> list[str]:
    """Candidate, stable, limit, samples for a table. A pods check has counts of pods there, and neither limit nor samples."""
    if check["kind"] == "pods":
        return [number(check["candidate"]), number(check["stable"]), NONE, NONE]
    values = [number(check[key], check["unit"]) for key in ("candidate", "stable", "limit")]
    return [*values, str(check["samples"] or NONE)]


def problem(found: View) -> str:
    who = f"{found['arm']} pod `{found['pod']}`" if found["pod"] else found["arm"]
    since = f" (since {found['since'][11:19]} UTC)" if found.get("since") else ""
    return f"{who}: {found['cause']}, {found['message']}{since}"


def took(view: View, release: Release, now: float) -> str:
    until = f"{clock(release.ended)} UTC" if release.ended else f"{clock(now)} UTC, not ended"
    return f"{duration(view['duration'])}, {clock(release.started)} to {until}, started by {view['actor']}"


def taken_in(release: Release, verb: str) -> str:
    """One line for whoever asked a live driver for something."""
    step = f"step {release.step + 1} of {len(release.plan.steps)}, {clean(release.current.name)}"
    target = f"{release.spec.target.deployment} -n {release.spec.target.namespace}"
    follow = f"deliver resume {target}" if release.phase is Phase.PAUSED else f"deliver status -w {target}"
    late = release.course is Direction.ROLLING_BACK or (
        release.course is Direction.PROMOTING and verb == "pause" and release.paused is None
    )
    did = f"it is too late to `{verb}`" if late else f"its driver did `{verb}`"
    return f"{clean(release.id)}: {did}; it is now in phase {release.phase} ({step}); next: `{follow}`"


def headline(release: Release) -> str:
    """One line for an annotation, a chat message or a commit status."""
    word = result_word(release)[1]
    text = clean(release.reason) or (words_of(release).meaning(release, None) if release.outcome else str(Phase(release.phase)))
    return f"{clean(release.id)} {word}: {text}"


def _labelled(label: str, texts: list[str]) -> list[str]:
    """The label once, further lines under the first one's text."""
    return [f"  {label + ': ' if not i else ' ' * (len(label) + 2)}{text}" for i, text in enumerate(texts)]
