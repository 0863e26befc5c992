"""What a simulation prints: the story of one release, a line for each kind of them."""

from collections.abc import Sequence

from deliver.formatting.durations import duration
from deliver.formatting.formats import NONE, number
from deliver.render.events import Narrator
from deliver.render.style import PLAIN, Style, table
from deliver.render.summary import result_word
from deliver.simulate.run import Run
from deliver.simulate.summary import Line


def story(title: str, run: Run, style: Style = PLAIN) -> str:
    release = run.release
    level, word = result_word(release)
    events = Narrator().tell(release)
    lines = [style.paint(f"A new version with {title}", "bold")]
    lines += [f"  {'+' + duration(event.at - release.started):>8}  {style.mark(event.level)} {event.text}" for event in events]
    told = f"users had it for {duration(run.exposed)}: {run.served} requests, {run.failed} of them failed"
    return "\n".join([*lines, f"  {style.mark(level)} {word}; {told}"])


def table_text(lines: Sequence[Line], style: Style = PLAIN) -> str:
    head = (
        "NEW VERSION",
        "RELEASES",
        "PROMOTED",
        "TAKEN BACK",
        "HELD",
        "UNTIL BACK",
        "9 OF 10 WITHIN",
        "FAILED REQUESTS",
        "UNTIL PROMOTED",
    )
    rows = [
        (
            one.regression,
            str(one.runs),
            str(one.outcomes.get("PROMOTED", 0)),
            f"{one.outcomes.get('ROLLED_BACK', 0)} ({number(one.back[0])} %, {number(one.back[1])} to {number(one.back[2])})",
            str(one.outcomes.get("HELD", 0)),
            _time(one.exposed),
            _time(one.late),
            NONE if one.failed is None else f"{one.failed:g}",
            _time(one.took),
        )
        for one in lines
    ]
    note = "Times and failed requests are medians; until back: while users had it. The interval is Wilson's, 95 %."
    return "\n".join([*table(head, rows, style, right=(1, 2, 4, 5, 6, 7, 8)), style.paint(note, "dim")])


def _time(seconds: float | None) -> str:
    return NONE if seconds is None else duration(seconds)
