"""A query with its bounds as a metric of deliver.yaml: bad of total, slower than a bound, or the query as it is."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deliver.analysis.bounds import units_per_second
from deliver.analysis.promql import BadText, Scanner
from deliver.analysis.selectors import Matcher, Selector
from deliver.formatting.durations import show_duration
from deliver.importers import expression
from deliver.importers.deliver_yaml import NotTaken, seconds
from deliver.importers.expression import Node, Quantile, Summed, Unusual
from deliver.importers.ratio import Bounds, on_share, ratio

_PLACE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
BEGIN, OLD, END = "\ue000", "\ue002", "\ue001"  # private characters: around what names a side, until it is left out; OLD: the stable one
_NAMED = re.compile(rf"[{BEGIN}{OLD}](?P<key>[^{END}]*){END}(?P<side>-primary|-canary)?")  # Flagger calls the stable side NAME-primary
_OF_BOTH = ("namespace", "service", "ingress", "route")  # what both sides have in common, as long as neither is named after it
_NEAR = 1e-9
_OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_AT_THE_DOOR = ("nginx_ingress_controller_", "traefik_", "skipper_", "haproxy_", "apisix_", "kong_")


@dataclass(frozen=True)
class Made:
    """keys: of the metric, but its name. notes: what works differently from before."""

    keys: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def filled(text: str, value: Callable[[str], str]) -> str:
    """Placeholders replaced. value: of one, raises NotTaken where there is none."""
    return _PLACE.sub(lambda found: value(found[1]), text)


def arm(key: str, *, stable: bool = False) -> str:
    """What a placeholder becomes that names a side: deliver names the pods of each side itself."""
    return f"{OLD if stable else BEGIN}{key}{END}"


def made(query: str, bounds: Bounds) -> Made:
    """Raises NotTaken."""
    query = query.strip()
    if not query:
        raise NotTaken("it has no query")
    if bounds.min is None and bounds.max is None:
        raise NotTaken("it has no limit, so that it could never fail")
    if bounds.min is not None and bounds.max is not None and bounds.min > bounds.max:
        raise NotTaken("its limits exclude each other: nothing could pass")
    try:
        return _counted(expression.parse(query), bounds)
    except Unusual as why:
        return _free(query, bounds, str(why))


def _counted(node: Node, bounds: Bounds) -> Made:
    if isinstance(node, Quantile):
        return _quantile(node, bounds)
    found = ratio(node)
    if found.part is None or found.whole is None:
        raise Unusual("it has no count")
    share = on_share(bounds, found)
    if (share.min is None) == (share.max is None):
        raise Unusual("it has a limit on both sides")
    if found.part.selector.name.endswith("_sum"):
        raise Unusual("an average is no share of requests")
    limit = share.max if share.max is not None else share.min
    if found.part.selector.name != found.whole.selector.name and limit is not None and not 0 <= limit < 1:
        raise Unusual("it is a multiple, and no share of one count in another")
    part, whole = _cleaned(found.part.selector), _cleaned(found.whole.selector)
    _one_side(part[2], whole[2])
    if part[0].name == whole[0].name and set(part[0].matchers) <= set(whole[0].matchers):
        raise Unusual("its part is the whole, or more")
    notes = (*part[1], *whole[1]) if part[1] != whole[1] else part[1]
    made = _slower(part[0], whole[0], share) or _bad(part[0], whole[0], share)
    different = () if found.part.window == found.whole.window else ("the two rates had different ranges; the second one is taken",)
    return Made({**made, **_window(found.whole)}, (*notes, *different))


def _bad(part: Selector, whole: Selector, share: Bounds) -> dict[str, Any]:
    if share.max is not None:
        return {"bad": str(part), "total": str(whole), "max": percent(share.max)}
    assert share.min is not None  # the caller has seen to it
    extra = [matcher for matcher in part.matchers if matcher not in whole.matchers]
    if part.name != whole.name or len(extra) != 1 or not set(whole.matchers) <= set(part.matchers):
        raise Unusual("what is bad is not the rest of what is good by one matcher")
    bad = whole.where(replace(extra[0], op=_OPPOSITE[extra[0].op]))
    return {"bad": str(bad), "total": str(whole), "max": percent(1 - share.min)}


def _slower(part: Selector, whole: Selector, share: Bounds) -> dict[str, Any] | None:
    """The share of a histogram that is within one bucket; None for anything else."""
    base = part.name.removesuffix("_bucket")
    bounds = [matcher.value for matcher in part.matchers if matcher.label == "le" and matcher.op == "="]
    all_of_it = Selector(whole.name, tuple(matcher for matcher in whole.matchers if matcher != Matcher("le", "=", "+Inf")))
    if base == part.name or len(bounds) != 1 or all_of_it.name not in (f"{base}_count", f"{base}_bucket") or share.min is None:
        return None
    rest = tuple(matcher for matcher in part.matchers if matcher.label != "le")
    bound = seconds(bounds[0])
    if set(rest) != set(all_of_it.matchers) or bound is None:
        raise Unusual("the bucket and the count are of different series")
    return {
        "histogram": str(Selector(base, rest)),
        "slower_than": show_duration(bound / units_per_second(base)),
        "max": percent(1 - share.min),
    }


def _quantile(node: Quantile, bounds: Bounds) -> Made:
    """p99 <= 500 ms says that at most 1 % are slower than 500 ms."""
    selector, notes, side = _cleaned(node.summed.selector)
    _one_side(side, side)
    base = selector.name.removesuffix("_bucket")
    if base == selector.name or bounds.max is None or bounds.min is not None or not 0 < node.share < 1:
        raise Unusual("it is no upper limit on a quantile of a histogram")
    keys = {
        "histogram": str(Selector(base, selector.matchers)),
        "slower_than": show_duration(bounds.max / units_per_second(base)),
        "max": percent(1 - node.share),
    }
    told = f"`slower_than: {keys['slower_than']}` must be one of the histogram's `le` bounds"
    return Made({**keys, **_window(node.summed)}, (*notes, told))


def _one_side(part: str, whole: str) -> None:
    """A count is the candidate's, and of one side; what it is compared with follows by itself."""
    if "stable" in (part, whole):
        raise Unusual("it counts requests of the stable side")
    if part != whole:
        raise Unusual("it compares the candidate with all requests")


def _cleaned(selector: Selector) -> tuple[Selector, tuple[str, ...], str]:
    """Without what names the side, what is to be said of that, and the side, "" where none is named.

    Raises NotTaken for series that do not say which pod answered.
    """
    if selector.name.startswith(_AT_THE_DOOR):
        raise NotTaken(
            f"{selector.name} is counted by the ingress and does not say which pod answered",
            hint="use a counter of the application, or of its mesh sidecar",
        )
    kept = tuple(matcher for matcher in selector.matchers if END not in matcher.value)
    sides = {side for side in map(_side, selector.matchers) if side}
    if len(sides) > 1:
        raise NotTaken("it names both sides in one selector")
    notes = []
    if kept != selector.matchers:
        left = [matcher.label for matcher in selector.matchers if matcher not in kept]
        notes.append(f"left out, because deliver names the pods of each side itself: {', '.join(left)}")
        if others := [label for label in left if "pod" in label and label != "pod" and "hash" not in label]:
            notes.append(f"its series name their pod by `{others[0]}`: set `pod_label` (and `namespace_label`) under `prometheus`")
    if Matcher("reporter", "=", "source") in kept:
        kept = tuple(replace(one, value="destination") if one.label == "reporter" else one for one in kept)
        notes.append("counted where it is answered (reporter destination), because the caller's count carries the caller's pod")
    if strange := [str(matcher) for matcher in kept if "canary" in matcher.value.lower() and matcher.op in ("=", "=~")]:
        notes.append(f"{strange[0]} names a canary of the other tool's making: take it out, or nothing matches")
    return Selector(selector.name, kept), tuple(notes), "".join(sides)


def _side(matcher: Matcher) -> str:
    """Which one it keeps, "" where it does not tell them apart."""
    named = [found for found in _NAMED.finditer(matcher.value) if found["side"] or found["key"] not in _OF_BOTH]
    if not named:
        return ""
    stable = any(found["side"] == "-primary" or OLD in found[0] for found in named)
    return "stable" if stable is (matcher.op in ("=", "=~")) else "candidate"


def _window(summed: Summed) -> dict[str, str]:
    length = seconds(summed.window)
    if length is None:
        raise Unusual(f"the range {summed.window} is no duration")
    return {"window": show_duration(length)}


def percent(share: float) -> str:
    if not 0 <= share < 1:
        raise NotTaken(f"no share can break its limit ({100 * share:.6g} %)")
    return f"{100 * share:.6g}%"


def _free(query: str, bounds: Bounds, why: str) -> Made:
    text, sides, left = _placed(query)
    if END in text:
        key = re.split(f"[{BEGIN}{OLD}]", text.partition(END)[0])[-1]
        raise NotTaken(f"it names the side by `{key}` in a place where deliver cannot do it itself")
    notes = [f"kept as a free query: {why}", *left]
    if not sides:
        notes.append("it does not say which pods it is about; add `{candidate}` to its selectors")
    limits = {"max": _reached(bounds.max, strict=bounds.below, by=-_NEAR), "min": _reached(bounds.min, strict=bounds.above, by=_NEAR)}
    moved = [
        one for one, strict in ((bounds.max, bounds.below), (bounds.min, bounds.above)) if strict and one is not None and one.is_integer()
    ]
    notes += [f"{one:g} itself failed there, so that the limit is a little on this side of it" for one in moved]
    return Made({"query": text, **{key: value for key, value in limits.items() if value is not None}}, tuple(notes))


def _reached(limit: float | None, *, strict: bool, by: float) -> float | None:
    """`< 1` of things that are counted fails at 1, and `max` does only above it. Between whole numbers that makes no difference."""
    if limit is None or not (strict and limit.is_integer()):
        return limit
    return limit + by * max(abs(limit), 1.0)


def _placed(query: str) -> tuple[str, int, list[str]]:
    """The query with a side's pods in the selectors that have braces or a range, how many those are, and what is to be said of them.

    Where some selectors name a side, the others are about all pods, and stay so.
    """
    scan, out, notes = Scanner(query), list[str | tuple[Selector, str]](), dict[str, None]()
    try:
        while not scan.end():
            start = scan.at
            if scan.quoted():
                scan.string()
            elif not scan.comment():
                selector = expression.selector_at(scan)
                if selector is not None:
                    kept, told, side = _cleaned(selector)
                    notes |= dict.fromkeys(told)
                    out.append((kept, side))
                    continue
                if scan.at == start:
                    scan.at += 1
            out.append(query[start : scan.at])
    except (BadText, Unusual) as error:
        raise NotTaken(f"its query is not PromQL: {error}") from error
    found = [one for one in out if not isinstance(one, str)]
    usual = "" if any(side for _, side in found) else "candidate"
    return "".join(one if isinstance(one, str) else _sided(one[0], one[1] or usual) for one in out), len(found), list(notes)


def _sided(selector: Selector, side: str) -> str:
    return f"{selector.name}{{{','.join([*map(str, selector.matchers), f'{{{side}}}'])}}}" if side else str(selector)
