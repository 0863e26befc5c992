"""PromQL selectors, parsed and written from typed values: no free text reaches a query.

Grammar: Prometheus querying basics, "instant vector selectors", with the quoted names of Prometheus 3.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from deliver.analysis.promql import BadText, Scanner, quote
from deliver.model.errors import InputError

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
OPERATORS = ("=~", "!~", "!=", "=")


@dataclass(frozen=True)
class Matcher:
    label: str
    op: str
    value: str

    def __str__(self) -> str:
        label = self.label if LABEL.fullmatch(self.label) else quote(self.label)
        return f"{label}{self.op}{quote(self.value)}"

    def holds(self, labels: Mapping[str, str]) -> bool:
        """The matcher accepts a series with these labels. Regular expressions match the whole value, as in Prometheus."""
        value = labels.get(self.label, "")
        same = value == self.value if self.op in ("=", "!=") else re.fullmatch(self.value, value) is not None
        return same is (self.op in ("=", "=~"))


@dataclass(frozen=True)
class Selector:
    """An instant-vector selector: a metric name and its matchers, in the user's order."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        plain = bool(NAME.fullmatch(self.name))
        inside = [str(matcher) for matcher in self.matchers]
        if not plain:
            inside.insert(0, quote(self.name))
        return (self.name if plain else "") + ("{" + ",".join(inside) + "}" if inside else "")

    def where(self, *matchers: Matcher) -> "Selector":
        """With these matchers besides its own: all of them must hold."""
        return replace(self, matchers=(*self.matchers, *matchers))

    def suffixed(self, suffix: str) -> "Selector":
        return replace(self, name=self.name + suffix)


@dataclass(frozen=True)
class PodLabels:
    """Names of the labels that say which pod a series comes from."""

    namespace: str = "namespace"
    pod: str = "pod"

    def matchers(self, namespace: str, pods: tuple[str, ...]) -> tuple[Matcher, ...]:
        """Exactly these pods. Raises ValueError without one: an empty regular expression would match series of no pod at all."""
        if not pods:
            raise ValueError("no pods to select")
        return Matcher(self.namespace, "=", namespace), Matcher(self.pod, "=~", "|".join(escape(pod) for pod in pods))

    def inside(self, namespace: str, pods: tuple[str, ...]) -> str:
        """The same as PromQL, to stand between braces."""
        return ",".join(map(str, self.matchers(namespace, pods)))


def escape(text: str) -> str:
    """Text as an RE2 expression that matches it alone (as Go's regexp.QuoteMeta)."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def parse(text: str) -> Selector:
    """Raises InputError, with the place, on anything but a plain selector of one metric."""
    scan = Scanner(text)
    try:
        return _selector(scan)
    except BadText as error:
        raise InputError(
            f"`{text}` is not a plain selector",
            why=f"at character {error.at + 1}: {error}",
            hint='write it like http_requests_total{code=~"5.."}',
        ) from error


def histogram(text: str) -> Selector:
    """A selector of a histogram's base name. Raises InputError for one of its parts, or with an `le` of its own."""
    selector = parse(text)
    for suffix in ("_bucket", "_count", "_sum"):
        if selector.name.endswith(suffix):
            base = selector.name.removesuffix(suffix)
            raise InputError(f"`{text}` is a part of a histogram", why=f"{suffix} is added by deliver", hint=f"write {base}")
    if any(matcher.label == "le" for matcher in selector.matchers):
        raise InputError(f"`{text}` has a matcher for `le`", why="deliver adds the one for the bound", hint="leave `le` out")
    return selector


def le_pattern(bound: float) -> str:
    """A regular expression with the ways exporters and Prometheus write this `le`; who reads the answer compares numbers.

    Prometheus 3 stores le="1" as "1.0"; Go exporters write 1e+06 where others write 1000000.
    """
    forms = {repr(bound), f"{bound:g}", f"{bound:.15g}"}
    if bound == int(bound) and abs(bound) < 1e15:
        forms |= {str(int(bound)), f"{int(bound)}.0"}
    return "|".join(escape(form) for form in sorted(forms))


def _selector(scan: Scanner) -> Selector:
    scan.space()
    name = scan.match(NAME)
    scan.space()
    matchers: tuple[Matcher, ...] = ()
    if scan.take("{"):
        name, matchers = _braces(scan, name)
    scan.space()
    if not scan.end():
        raise BadText(f"`{scan.rest()}` does not belong in a selector", scan.at)
    if not name:
        raise BadText("no metric name", 0)
    return Selector(name, matchers)


def _braces(scan: Scanner, name: str) -> tuple[str, tuple[Matcher, ...]]:
    matchers: list[Matcher] = []
    scan.space()
    while not scan.take("}"):
        at = scan.at
        label = scan.string() if scan.quoted() else scan.match(LABEL)
        if not label:
            raise BadText("a label name or `}` is missing", at)
        was_quoted = scan.text[at] in "\"'`"
        scan.space()
        op = next((op for op in OPERATORS if scan.take(op)), "")
        if not op and was_quoted:
            name = _named(name, label, at)
        elif not op:
            raise BadText("one of = != =~ !~ is missing", scan.at)
        else:
            scan.space()
            value = scan.string()
            if label == "__name__" and op == "=":
                name = _named(name, value, at)
            else:
                matchers.append(Matcher(label, op, value))
        scan.space()
        if not scan.take(",") and not scan.peek("}"):
            raise BadText("`,` or `}` is missing", scan.at)
        scan.space()
    return name, tuple(matchers)


def _named(old: str, new: str, at: int) -> str:
    if old:
        raise BadText("the metric name is given twice", at)
    if not new:
        raise BadText("the metric name is empty", at)
    return new


def fill(query: str, arms: dict[str, tuple[Matcher, ...]]) -> str:
    """Replace `{candidate}` and `{stable}`: inside braces by matchers alone, elsewhere by matchers in braces.

    Placeholders in strings and comments stay as they are. Raises InputError for an unclosed string.
    """
    out: list[str] = []
    scan, depth = Scanner(query), 0
    try:
        while not scan.end():
            arm = next((arm for arm in arms if scan.take("{" + arm + "}")), None)
            if arm is not None:
                text = ",".join(str(matcher) for matcher in arms[arm])
                out.append(text if depth else "{" + text + "}")
                continue
            start = scan.at
            if scan.quoted():
                scan.string()
            elif not scan.comment():
                depth += {"{": 1, "}": -1}.get(scan.text[start], 0)
                scan.at += 1
            out.append(query[start : scan.at])
    except BadText as error:
        raise InputError(f"`{query}` is not PromQL", why=f"at character {error.at + 1}: {error}") from error
    return "".join(out)


def arms_in(query: str) -> frozenset[str]:
    """Which of `candidate` and `stable` a query asks for."""
    probe = Matcher("deliver", "=", "x")
    return frozenset(arm for arm in ("candidate", "stable") if fill(query, {arm: (probe,)}) != query)
