"""The page: one file, nothing fetched, readable on a phone, in the dark and on paper. Pure: the drawings come in as SVG."""

from collections.abc import Sequence
from importlib.resources import files

from deliver import __version__
from deliver.analysis.wilson import NAME
from deliver.formatting.durations import duration
from deliver.formatting.formats import number, stamp
from deliver.formatting.sanitize import clean
from deliver.model.journal import Entry, EntryKind
from deliver.model.release import Release
from deliver.render.events import Narrator, check_line, clean_sentence
from deliver.render.explain import evidence_lines
from deliver.render.exposure import words_in
from deliver.render.lists import to_json
from deliver.render.style import PLAIN, VERDICT_LEVEL
from deliver.render.summary import result_word, took, where
from deliver.render.view import View, newest_checks, release_view
from deliver.report.chart import Chart
from deliver.report.html import Markup, coded, facts, join, link, table, tag
from deliver.report.links import Link
from deliver.report.palette import NIGHT, PAPER, declared

# POLICY: nothing may be fetched and no script may run, whatever a name in the cluster is.
DECISIONS = 50
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(release: Release, chart: Chart, drawings: Sequence[tuple[str, str]], links: Sequence[Link], now: float) -> str:
    """drawings: title and SVG of each panel, already HTML."""
    view = release_view(release, None, now)
    title = f"{view['id']}: {result_word(release)[1]}"
    body = [
        _head(release, view, now),
        _drawn(chart, drawings),
        _verdicts(release),
        _events(release),
        _decisions(release),
        _log(view),
        _where_next(view, links),
        tag("footer", f"deliver {__version__}, {stamp(now)} UTC. Times are UTC. Intervals: {NAME}."),
    ]
    head = [
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("title", title),
        tag("style", Markup(_css())),
    ]
    return f'<!DOCTYPE html>\n<html lang="en">{tag("head", *head)}\n{tag("body", tag("main", *body))}</html>\n'


def _css() -> str:
    css = files("deliver.report").joinpath("page.css").read_text(encoding="utf-8")
    return css.replace("/*PAPER*/", declared(PAPER)).replace("/*NIGHT*/", declared(NIGHT))


def _head(release: Release, view: View, now: float) -> Markup:
    level, word = result_word(release)
    pairs = [
        ("target", where(view)),
        ("strategy", view["strategy"]),
        ("started", stamp(release.started)),
        ("took", took(view, release, now)),
        ("traffic off the new version", stamp(release.traffic_off) if release.traffic_off else ""),
        ("steps", ", ".join(f"{step['name']} ({step['state']})" for step in view["steps"])),
    ]
    badge = tag("p", f"{PLAIN.symbol(level)} {word}", class_=f"result {level}")
    why = tag("p", f"Why: {view['reason']}", class_="why") if view["reason"] else ""
    return tag("header", tag("h1", view["id"]), tag("p", coded(words_in(view).change(view, PLAIN)), class_="why"), badge, why, facts(pairs))


def _drawn(chart: Chart, drawings: Sequence[tuple[str, str]]) -> Markup:
    if not drawings:
        return tag("section", tag("h2", "Over time"), tag("p", "Nothing was verified or counted that could be drawn."))
    figures = [tag("figure", tag("h3", title), Markup(drawing)) for title, drawing in drawings]
    missing = "" if chart.shares else tag("p", "No counts were kept: this release was judged without metrics, or by an older deliver.")
    omitted = tag("p", f"Not drawn, for want of room: {', '.join(chart.omitted)}.") if chart.omitted else ""
    silent = tag("p", f"Not drawn, because no counts over time were kept: {', '.join(chart.uncounted)}.") if chart.uncounted else ""
    return tag("section", tag("h2", "Over time"), *figures, missing or silent, omitted)


def _verdicts(release: Release) -> Markup:
    rows = [
        (
            clean(check.name),
            f"{PLAIN.symbol(VERDICT_LEVEL[str(check.verdict)])} {check.verdict}",
            number(check.candidate, clean(check.unit)),
            number(check.stable, clean(check.unit)),
            number(check.limit, clean(check.unit)),
            check.samples or "-",
            clean(check.why),
        )
        for check in newest_checks(release, None)
    ]
    if not rows:
        return Markup()
    columns = ("check", "verdict", "candidate", "stable", "limit", "samples", "why")
    return tag("section", tag("h2", "Verdicts"), table(columns, rows, "The last ones on the way forward, or those that turned the release"))


def _events(release: Release) -> Markup:
    rows = [
        (
            tag("span", f"+{duration(event.at - release.started)}", title=stamp(event.at)),
            join([PLAIN.symbol(event.level), " ", coded(event.text)]),
        )
        for event in Narrator().tell(release)
    ]
    return tag(
        "section", tag("h2", "Events"), table(("after", "what"), rows, f"Since {stamp(release.started)} UTC, from the journal", "log")
    )


def _decisions(release: Release) -> Markup:
    """The newest verdicts, each with all that it stands on; folded, because there may be many."""
    found = [_decision(entry, release) for entry in release.journal if entry.kind is EntryKind.VERDICT and entry.checks][-DECISIONS:]
    return tag("section", tag("h2", "Decisions"), *found) if found else Markup()


def _decision(entry: Entry, release: Release) -> Markup:
    lines = [line for check in entry.checks for line in evidence_lines(check)]
    numbers = "; ".join(check_line(check) for check in entry.checks)
    head = tag("summary", f"{stamp(entry.at)}  {clean_sentence(entry, release)} ({numbers})")
    return tag("details", head, tag("pre", "\n".join(lines)), class_="decision")


def _log(view: View) -> Markup:
    if not view["evidence"]:
        return Markup()
    return tag("section", tag("h2", "Last log lines of the candidate"), tag("pre", "\n".join(view["evidence"])))


def _where_next(view: View, links: Sequence[Link]) -> Markup:
    shown = [*view["next"], f"deliver explain {view['target']['deployment']} -n {view['target']['namespace']} --release {view['id']}"]
    commands = [tag("li", tag("code", command)) for command in dict.fromkeys(shown)]
    targets = [tag("li", link(one.text, one.url)) for one in links]
    data = tag("details", tag("summary", "the release as data"), tag("pre", to_json(view)))
    return tag("section", tag("h2", "Further"), tag("ul", *commands, *targets), data)


def drawing(wide: str, narrow: str) -> str:
    """Both widths; the page shows the one that fits."""
    return join(Markup(f'<div class="{name}">{svg}</div>') for name, svg in (("wide", wide), ("narrow", narrow)))
