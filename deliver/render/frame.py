"""One frame of the live view: lines of rich Text that fit a given width and height, the most telling ones kept.

Order from the top: what and where, how much traffic, both sides, steps, checks, events, keys. When rows are short, blank lines go
first, then old events, then steps and checks far from what matters.
"""

from collections.abc import Sequence
from textwrap import wrap

from rich.text import Text

from deliver.formatting.durations import duration
from deliver.formatting.formats import NONE, clock, count, image_change, image_parts, percent, short_image
from deliver.model.observation import Observation
from deliver.model.release import Direction, Phase, Release
from deliver.render import blue_green
from deliver.render.events import Line
from deliver.render.exposure import words_in
from deliver.render.flag import proof as proof_of_flag
from deliver.render.odds import SIZE, filled, odds_line
from deliver.render.style import STEP_LEVEL, UNICODE, VERDICT_LEVEL
from deliver.render.summary import check_cells, result_word
from deliver.render.view import View, release_view, typed

STYLE = {"done": "green", "fail": "bold red", "warn": "yellow", "action": "", "wait": "cyan", "todo": "dim"}
BADGE = {"done": "bold black on green", "fail": "bold white on red", "warn": "bold black on yellow", "action": "bold black on cyan"}
SIDES = {"stable": "the stable side only", "both": "both sides", "candidate": "the candidate only"}
LABEL = 13  # columns of the left label
MIN_EVENTS, MAX_EVENTS = 2, 6
REASON_LINES = 3
STOPPING = 4  # rows that the first section always has


def frame(
    release: Release, seen: Observation | None, events: Sequence[Line], now: float, width: int, height: int, *, driving: bool = True
) -> list[Text]:
    """At most `height` lines, each at most `width` columns. driving: Ctrl-C would hold the release, not only end the view."""
    view = release_view(release, seen, now)
    changed, users = _flag_rows(view, width) if view["flag"] else _pod_rows(view, width)
    head = _header(release, view, changed, width)
    traffic = [*users, *_blue_green_lines(view, width), *_problems(view)]
    steps, checks = _steps(view, width), _checks(view, width)
    news = [_event(event) for event in events[-MAX_EVENTS:]]
    keys = [] if release.outcome else [_keys(view, driving, width)]
    sections = _fitted([head, traffic, steps, checks, news, keys], height)
    for line in sections:
        line.truncate(width, overflow="ellipsis")
        line.no_wrap = True
    return sections


def _fitted(sections: list[list[Text]], height: int) -> list[Text]:
    """Sections under one another, cut to the height."""
    head, traffic, steps, checks, news, keys = sections
    needed = sum(len(section) for section in sections)
    if needed > height:
        news = news[-max(MIN_EVENTS, len(news) - (needed - height)) :]
    for part in (steps, checks):
        over = sum(len(s) for s in (head, traffic, steps, checks, news, keys)) - height
        if over > 0 and len(part) > STOPPING:
            _fold(part, over)
    filled = [section for section in (head, traffic, steps, checks, news, keys) if section]
    spare = height - sum(len(section) for section in filled)
    lines: list[Text] = []
    for i, section in enumerate(filled):
        if i and spare > 0:
            lines.append(Text(""))
            spare -= 1
        lines += section
    return lines[:height]


def _fold(part: list[Text], over: int) -> None:
    """Leave out lines from the end but keep what is marked as important (bold or red): the running step, the failing check."""
    hidden = 0
    for i in range(len(part) - 1, 0, -1):
        if hidden > over or len(part) <= STOPPING:
            break
        if not part[i].style:
            del part[i]
            hidden += 1
    if hidden:
        part.append(Text(f"{'':{LABEL}}{UNICODE['cut']} {count(hidden, 'more line')}", style="dim"))


def _header(release: Release, view: View, changed: Text, width: int) -> list[Text]:
    level, word = result_word(release) if release.outcome else _phase(release)
    badge = Text(f" {word} ", style=BADGE[level])
    target = f"{view['target']['namespace']}/{view['target']['deployment']}"
    left = Text.assemble(badge, "  ", (view["id"], "bold"), "  ", f"{view['strategy']} of {target}")
    right = Text(duration(int(view["duration"])), style="dim")
    room = width - right.cell_len - 1
    left.truncate(max(room, 10), overflow="ellipsis")
    left.append(" " * max(width - left.cell_len - right.cell_len, 1))
    lines = [Text.assemble(left, right), changed]
    if view["reason"]:
        style = STYLE[level] if level in ("fail", "warn") else ""
        reason = wrap(view["reason"], max(width - LABEL, 20))[:REASON_LINES]
        lines += [_row("why" if not i else "", Text(text, style=style)) for i, text in enumerate(reason)]
    return lines


def _images(image: View, room: int) -> Text:
    """What differs is never cut away: a repository that both share is shortened first, then each image from its left."""
    old, new = image_change(image["from"], image["to"])
    repository, mark, tag = image_parts(old)
    over = len(old) + len(new) + 3 - room
    if over > 0 and new != image["to"]:
        old = short_image(repository, max(len(repository) - over, 8)) + mark + tag
        over = len(old) + len(new) + 3 - room
    half = max((room - 3) // 2, 12) if over > 0 else room
    return Text.assemble(short_image(old, half), f" {UNICODE['arrow']} ", (short_image(new, half), "bold"))


def _phase(release: Release) -> tuple[str, str]:
    if release.course is Direction.ROLLING_BACK:
        return "fail", "ROLLING BACK"
    steps = f" {release.step + 1}/{len(release.plan.steps)}" if release.course is Direction.PROGRESSING else ""
    level = "warn" if release.phase in (Phase.PAUSED, Phase.WAITING) else "action"
    return level, f"{str(release.phase).upper()}{steps}"


def _row(label: str, *parts: Text) -> Text:
    line = Text(f"{label:<{LABEL}}", style="")
    line.stylize("dim")
    for part in parts:
        line.append_text(part)
    return line


def _pod_rows(view: View, width: int) -> tuple[Text, list[Text]]:
    """What is released, and where the traffic goes."""
    share, reverts = view["exposure"], view["strategy"] == "rollback"  # which goes back in the Deployment itself: no candidate
    window = f" in {duration(share['window'])}" if share["window"] else ""
    real = "by ready pods" if reverts else words_in(view).measured_by(view)
    parts = _exposure(share, real, f"observed{window}", width - len(window))
    lines = [_row("withdrawn" if reverts else "new version", *parts)]
    lines += [_row(name, _arm(view[name], name)) for name in (("stable",) if reverts else ("stable", "candidate"))]
    if view["route"]:
        lines.insert(0, _row("traffic", _route(view)))
    return _row("image", _images(view["image"], width - LABEL)), lines


def _flag_rows(view: View, width: int) -> tuple[Text, list[Text]]:
    """What is released, and who gets the treatment: as the flag says, and as the instances answer."""
    flag = view["flag"]
    sure = flag["confirmed"] and flag["confirmed"]["total"] and flag["confirmed"]["acked"] == flag["confirmed"]["total"]
    mark, style = (UNICODE["done"], "green") if sure else (UNICODE["wait"], "yellow")
    proof = Text(f"{mark} {proof_of_flag(flag).removeprefix(', ')}", style=style)
    parts = _exposure(view["exposure"], "by the flag", "of requests", width)
    changed = _row("flag", Text(f"{flag['name']} ({flag['backend']})", style="bold"))
    return changed, [_row("treatment", *parts), _row("", proof), _row("pods", _arm(view["stable"], "stable"))]


def _exposure(share: View, real: str, seen: str, width: int) -> list[Text]:
    """A bar and the three percentages. real, seen: what `endpoints` and `observed` are called here."""
    strong = "bold red" if not share["wanted"] and share["endpoints"] else "bold"  # exposure that should be off and is not
    percentages = [
        Text.assemble("  ", (percent(share[key]), strong if key == "endpoints" else ""), (f" {name}", "dim"))
        for key, name in (("wanted", "wanted"), ("endpoints", real), ("observed", seen))
        if key != "observed" or share[key] is not None
    ]
    return [_bar(share["endpoints"] or 0.0, 100.0, max(min(width - 64, 40), 10), "magenta", rest="cyan"), *percentages]


def _route(view: View) -> Text:
    """Where the Services send it, and whether the EndpointSlices say so too."""
    route = view["route"]
    if route["foreign"]:
        return Text(route["foreign"], style="yellow")
    pin = f", pinned to {route['pinned']}" if route["pinned"] else ""
    side = SIDES.get(route["side"], "sides that differ")
    if route["side"] == "stable" and view["course"] == "finish":
        side = f"the new pods of {view['target']['deployment']}"
    whole = "the Services' own selectors" if route["side"] == "both" and view["candidate"]["deployment"] is None else ""
    line = Text(f"goes by {whole}" if whole else f"goes to {side}{pin}")
    if route["agreed"]:
        line.append(f"  {UNICODE['done']} EndpointSlices agree", style="green")
    else:
        line.append(f"  {UNICODE['wait']} moving{': ' + route['detail'] if route['detail'] else ''}", style="yellow")
    return line


def _arm(arm: View, name: str) -> Text:
    if arm["desired"] is None:
        return Text(f"{NONE} not read yet", style="dim")
    if not arm["desired"] and not arm["ready"]:
        return Text("no pods" if arm["deployment"] else "not there", style="dim")
    good = arm["ready"] >= arm["desired"]
    restarts = Text(f"  {count(arm['restarts'], 'restart')}", style="yellow" if arm["restarts"] else "dim")
    dots = Text(" ")
    if arm["desired"] <= 20:
        dots.append("●" * min(arm["ready"], arm["desired"]), style="magenta" if name == "candidate" else "cyan")
        dots.append("○" * max(arm["desired"] - arm["ready"], 0), style="yellow")
    ready = Text(f"{arm['ready']}/{arm['desired']} ready", style="" if good else "yellow")
    return Text.assemble(ready, dots, restarts, (f"  {arm['hash'] or NONE}", "dim"))


def _blue_green_lines(view: View, width: int) -> list[Text]:
    lines = []
    for label, text, level in blue_green.labelled_lines(view):
        parts = wrap(text.replace("`", ""), max(width - LABEL, 20))[:REASON_LINES]
        lines += [_row(label if not i else "", Text(part, style=STYLE[level])) for i, part in enumerate(parts)]
    return lines


def _problems(view: View) -> list[Text]:
    lines = []
    for found in view["problems"][:3]:
        who = f"{found['arm']} pod {found['pod']}" if found["pod"] else found["arm"]
        lines.append(_row("", Text(f"{UNICODE['fail']} {who}: {found['cause']}, {found['message']}{_since(found)}", style="bold red")))
    return lines


def _since(found: View) -> str:
    return f" (since {found['since'][11:19]} UTC)" if found.get("since") else ""


def _bar(done: float, whole: float, size: int, style: str, rest: str = "dim") -> Text:
    filled = round(size * min(max(done / whole, 0.0), 1.0)) if whole > 0 else size
    filled = max(filled, 1) if done > 0 else filled  # a little is not nothing
    return Text.assemble((UNICODE["full"] * filled, style), (UNICODE["empty"] * (size - filled), rest))


def _steps(view: View, width: int) -> list[Text]:
    names = max((len(step["name"]) for step in view["steps"]), default=0)
    return [_step(step, names, "steps" if not i else "", width) for i, step in enumerate(view["steps"])]


def _step(step: View, names: int, label: str, width: int) -> Text:
    level = STEP_LEVEL[step["state"]]
    current = step["state"] not in ("done", "pending", "skipped")
    mark = Text(f"{UNICODE[level]} ", style=STYLE[level])
    name = Text(f"{step['name']:<{names}}  ", style="bold" if current else "dim" if level == "todo" else "")
    line = _row(label, mark, name, _real(step))
    if step["state"] == "running" and step["elapsed"] is not None:
        line.append_text(_bar(step["elapsed"], step["bake"], max(min(width - line.cell_len - 16, 40), 6), "cyan"))
        line.append(f" {duration(int(step['elapsed']))} of {duration(step['bake'])}")
    elif step["state"] in ("pending", "done"):
        line.append(f"bake {duration(step['bake'])}" if step["bake"] else "no bake", style="dim")
        line.append(", then approval" if step["approval"] and step["state"] == "pending" else "", style="dim")
    else:
        words = {
            "waiting": "waits for a person",
            "running": "in progress",
            "skipped": "not reached",
            "failed": "taken back",
            "held": "held here",
        }
        line.append(words[step["state"]], style=STYLE[level] or "bold")
    if current:
        line.style = "none"  # marks it as one that is never folded away
    return line


def _real(step: View) -> Text:
    """What the step's exposure is made of: pods, or users that a flag chooses."""
    if not step["candidate_pods"] + step["stable_pods"]:
        return Text(f"{'of users':<10}", style="dim")
    pods = f"{step['candidate_pods']} + {step['stable_pods']} pods" if step["side"] == "both" else count(step["candidate_pods"], "pod")
    return Text(f"{percent(step['endpoints']):>7} real  {pods:<13}", style="dim")


def _checks(view: View, width: int) -> list[Text]:
    """A table by hand: rich's Table wraps cells, and a frame must know its rows."""
    checks = sorted(view["checks"], key=lambda check: {"FAIL": 0, "BLIND": 1, "PASS": 2}[check["verdict"]])
    if not checks:
        return []
    rows: list[tuple[str, ...]] = [("", "candidate", "stable", "limit", "samples")]
    rows += [(check["name"], *check_cells(check)) for check in checks]
    name = min(max(len(row[0]) for row in rows), max(width - 60, 12))
    sizes = [name, *(max(len(row[i]) for row in rows) for i in range(1, 5))]
    lines = []
    for i, row in enumerate(rows):
        label = "checks" if not i else ""
        first = row[0] if len(row[0]) <= name else row[0][: name - 1] + UNICODE["cut"]
        cells = Text(f"{first:<{name}}  " + "  ".join(f"{cell:>{size}}" for cell, size in zip(row[1:], sizes[1:], strict=True)))
        line = _row(label, cells)
        lines.append(line)
        if i:
            lines += _verdict(line, checks[i - 1], width)
        else:
            line.stylize("dim")
    return lines + [_evidence(check, name, width) for check in checks if check["odds"]]


def _evidence(check: View, name: int, width: int) -> Text:
    """A bar that is full when the evidence takes the release back, and the odds as far as there is room."""
    odds = check["odds"]
    first = check["name"] if len(check["name"]) <= name else check["name"][: name - 1] + UNICODE["cut"]
    bar = _bar(float(filled(odds)), float(SIZE), SIZE, "red", rest="dim")
    text, room = odds_line(odds), width - LABEL - name - SIZE - 4
    while len(text) > room and ";" in text:
        text = text.rpartition(";")[0]
    return _row("", Text(f"{first:<{name}}  "), bar, Text(f"  {text[: max(room, 0)]}", style="dim"))


def _verdict(line: Text, check: View, width: int) -> list[Text]:
    """The verdict at the end of the line; why it is no pass beside it, or on a line of its own where there is no room."""
    verdict, why = check["verdict"], check["why"]
    level = VERDICT_LEVEL[verdict]
    line.append(f"  {UNICODE[level]} {verdict}", style=STYLE[level])
    if verdict == "PASS" or not why:
        return []
    line.style = "none"  # marks it as one that is never folded away
    if line.cell_len + 1 + len(why) <= width:
        line.append(f" {why}", style=STYLE[level])
        return []
    return [Text(f"{'':{LABEL}}  {part}", style=STYLE[level]) for part in wrap(why, max(width - LABEL - 2, 20))[:REASON_LINES]]


def _event(event: Line) -> Text:
    style = STYLE[event.level] if event.level in ("done", "fail", "warn") else ""
    text_style = style if event.level in ("fail", "warn") else ""
    return Text.assemble((clock(event.at), "dim"), "  ", (UNICODE[event.level], style), " ", (event.text, text_style))


def _keys(view: View, driving: bool, width: int) -> Text:
    if view["course"] == str(Direction.ROLLING_BACK) and driving:
        return Text("a rollback goes on to its end; a second Ctrl-C leaves it where it stands", style="dim")
    where = typed(view)
    verb = "promote" if view["phase"] == str(Phase.WAITING) else "resume" if view["phase"] == str(Phase.PAUSED) else ""
    on = Text.assemble("go on: ", (f"deliver {verb} {where}", "cyan"), "   ") if verb else Text("")
    stop = "   hold it: Ctrl-C" if driving else "   stop watching: Ctrl-C"
    line = Text.assemble(on, ("take it back: ", "dim"), (f"deliver rollback {where}", "cyan"))
    return line.append(stop, style="dim") if line.cell_len + len(stop) <= width else line
