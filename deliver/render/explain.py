"""`deliver explain`: the chain of decisions, and under each verdict the query, the samples, the numbers and the limit."""

from deliver.formatting.durations import duration
from deliver.formatting.formats import clock, count, number, stamp
from deliver.formatting.sanitize import clean
from deliver.model.journal import Entry, Event
from deliver.model.release import Release
from deliver.model.verdict import CheckResult
from deliver.render.events import clean_sentence
from deliver.render.exposure import words_of
from deliver.render.lists import entries_of
from deliver.render.odds import odds_line, odds_view
from deliver.render.sentences import phrase
from deliver.render.style import PLAIN, VERDICT_LEVEL, VERDICT_STYLE, Style
from deliver.render.summary import result_word, took, where
from deliver.render.view import release_view


def explain_text(release: Release, now: float, step: int | None = None, style: Style = PLAIN) -> str:
    """step: index from 0, None for the whole release."""
    view = release_view(release, None, now)
    level, word = result_word(release)
    lines = [
        f"{style.mark(level)} {view['id']}: {word}",
        f"  target: {where(view)}, {words_of(release).change(view, style)}",
        f"  took: {took(view, release, now)}",
    ]
    lines += [f"  why: {view['reason']}"] if view["reason"] else []
    entries = entries_of(release, step)
    if step is not None:
        lines.append(f"  step: {step + 1} of {len(view['steps'])} alone")
    lines += ["", "Decisions (UTC):"]
    outcomes = {entry.of: entry for entry in entries if entry.event is Event.OUTCOME}
    intents = {entry.seq for entry in entries if entry.event is Event.INTENT}
    for entry in entries:
        if entry.event is not Event.OUTCOME or entry.of not in intents:
            lines += _entry_lines(entry, outcomes.get(entry.seq), release, style)
    lines += [] if entries else ["  none recorded"]
    if view["evidence"]:
        lines += ["", "Last log lines of the candidate:", *(f"  | {line}" for line in view["evidence"])]
    return "\n".join(lines)


def _entry_lines(entry: Entry, outcome: Entry | None, release: Release, style: Style) -> list[str]:
    """One decision: number, time, what kind it is, what was done; its checks below."""
    text = clean_sentence(entry, release)
    by = f" [{clean(entry.actor)}]" if entry.actor and clean(entry.actor) not in text else ""
    head = f"  {entry.seq:>3}  {style.paint(stamp(entry.at), 'dim')}  {entry.kind:<7}  "
    lines = [head + (_action(entry, outcome, release) if entry.event is Event.INTENT else text) + by]
    for check in entry.checks:
        lines += [" " * 7 + line for line in evidence_lines(check, style)]
    return lines


def _action(intent: Entry, outcome: Entry | None, release: Release) -> str:
    todo = phrase(intent, release)[0]
    if outcome is None:
        return f"{todo}: no outcome recorded"
    why = f", {clean(outcome.reason)}" if outcome.reason else ""
    return f"{todo}: {outcome.result or 'done'} after {duration(outcome.at - intent.at)}{why}"


def evidence_lines(check: CheckResult, style: Style = PLAIN) -> list[str]:
    """Everything a verdict rests on, so that a person can judge it again."""
    verdict = str(check.verdict)
    unit, found = clean(check.unit), check.evidence
    lines = [f"{style.mark(VERDICT_LEVEL[verdict])} {clean(check.name)}: {style.paint(verdict, VERDICT_STYLE[verdict])}"]
    lines += [f"  why: {clean(check.why)}"] if check.why else []
    values = [
        f"{key} {number(value, unit)}" for key, value in (("candidate", check.candidate), ("stable", check.stable)) if value is not None
    ]
    lines += [f"  values: {', '.join(values)}"] if values else []
    odds = odds_view(check)
    lines += [f"  evidence: {odds_line(odds)}"] if odds else []
    lines += [f"  limit: {number(check.limit, unit)}"] if check.limit is not None else []
    lines += [f"  samples: {count(check.samples, 'sample')}"] if check.samples else []
    lines += [f"  query: {clean(found.query)}"] if found.query else []
    lines += [f"  judged at: {clock(found.at)}"] if found.at else []
    lines += [f"  numbers: {', '.join(f'{clean(key)} {number(value)}' for key, value in found.numbers.items())}"] if found.numbers else []
    lines += [f"  | {clean(sample)}" for sample in found.samples]
    return lines
