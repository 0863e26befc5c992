"""What a replay prints: each turn with its numbers, and what a release would have come to."""

from deliver.formatting.durations import duration
from deliver.formatting.formats import count, finite, number, rfc3339, stamp
from deliver.formatting.sanitize import clean, clean_data
from deliver.render.events import check_line
from deliver.render.style import PLAIN, VERDICT_LEVEL, VERDICT_STYLE, Style
from deliver.render.view import API_VERSION, View, check_view
from deliver.replay.aa_test import Alike
from deliver.replay.question import Answered

ENDINGS = {
    "PASSED": ("done", "would have passed"),
    "ROLLED_BACK": ("fail", "would have been taken back"),
    "HELD": ("warn", "would have been held"),
    "UNPROVED": ("warn", "would have been waiting for proof"),
}


def replay_text(answered: Answered, start: float, came: str, style: Style = PLAIN) -> str:
    """came: what the release came to in fact, "" when it was none."""
    replay = answered.replay
    level, words = ENDINGS[str(replay.ending)]
    lines = [f"Replayed from {stamp(start)} UTC: {count(len(answered.candidate), 'candidate pod')}, {len(answered.stable)} stable"]
    for turn in replay.turns:
        verdict = str(turn.verdict)
        lines.append(
            f"  {'+' + duration(turn.at - start):>8}  {style.mark(VERDICT_LEVEL[verdict])} {style.paint(verdict, VERDICT_STYLE[verdict])}"
        )
        lines += [f"            {check_line(check, why=True)}" for check in turn.checks]
    lines.append(
        f"{style.mark(level)} {words} after {duration(replay.at - start)}, in {count(replay.looks, 'look')}: {clean(replay.reason)}"
    )
    return "\n".join([*lines, *([f"  in fact: {came}"] if came else [])])


def replay_view(answered: Answered, start: float, came: str) -> View:
    """kind Replay. Additive only."""
    replay = answered.replay
    turns = [
        {
            "at": rfc3339(turn.at),
            "verdict": str(turn.verdict),
            "share": finite(turn.candidate_percent),
            "checks": [check_view(one) for one in turn.checks],
        }
        for turn in replay.turns
    ]
    view = {
        "start": rfc3339(start),
        "ending": str(replay.ending),
        "seconds": round(replay.at - start, 3),
        "reason": replay.reason,
        "looks": replay.looks,
        "in_fact": came or None,
        "pods": {"stable": [pod.name for pod in answered.stable], "candidate": [pod.name for pod in answered.candidate]},
        "turns": turns,
    }
    return {"apiVersion": API_VERSION, "kind": "Replay", **clean_data(view)}


def alike_text(found: Alike, alpha: float, style: Style = PLAIN) -> str:
    """alpha: the share of false alarms that the spec allows."""
    share = found.alarms / found.runs if found.runs else 0.0
    level = "fail" if found.low > alpha else "done"
    runs = f"{found.alarms} of {count(found.runs, 'release')} that were none would have been taken back: {number(100 * share)} %"
    interval = f"Wilson 95 %: {number(100 * found.low)} to {number(100 * found.high)} %"
    lines = [
        f"{style.mark(level)} {runs} ({interval}), {number(100 * alpha)} % are allowed",
        f"  {found.held} could not be judged; {found.possible} different splits of the pods are possible",
        "  all of them are of the same stretch of time: the interval is about splits, not about other days",
    ]
    return "\n".join(lines)


def alike_view(found: Alike, alpha: float) -> View:
    """kind FalseAlarms."""
    percent = {key: round(100 * value, 3) for key, value in (("low", found.low), ("high", found.high), ("allowed", alpha))}
    share = round(100 * found.alarms / found.runs, 3) if found.runs else None
    view = {"runs": found.runs, "alarms": found.alarms, "held": found.held, "possible": found.possible}
    return {"apiVersion": API_VERSION, "kind": "FalseAlarms", **view, "percent": {"share": share, **percent}}
