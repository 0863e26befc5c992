"""A small part of PromQL, parsed: what deliver sends and what people usually give as a free query.

    selectors            name{a="b",c=~"..."}  {__name__="x"}  {__name__=~"x.*"}  {a="b"}  name{...}[30s]   (offset and @ are not known)
    functions            rate increase delta sum_over_time avg_over_time max_over_time min_over_time last_over_time count_over_time
                         histogram_quantile vector scalar time abs ceil floor clamp_min clamp_max absent
    aggregations         sum avg min max count, with by (...) or without (...) before or after
    subqueries           expr[6h:30s], as the whole query
    operators            + - * / % ^ == != > < >= <= and or unless, on one-to-one label sets (no on/ignoring/group)

Anything else is a QueryError in a sentence, never a wrong number.
"""

import re
from dataclasses import dataclass

from deliver_sandbox.series import Match, pattern

AGGREGATIONS = ("sum", "avg", "min", "max", "count")
FUNCTIONS = {
    **dict.fromkeys(("rate", "increase", "delta"), "matrix"),
    **dict.fromkeys((f"{name}_over_time" for name in ("sum", "avg", "max", "min", "last", "count")), "matrix"),
    **dict.fromkeys(("histogram_quantile", "vector", "scalar", "time", "abs", "ceil", "floor", "clamp_min", "clamp_max", "absent"), "any"),
}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TOKEN = re.compile(
    r"\s*(?:(?P<duration>(?:\d+(?:ms|[smhdw]))+)|(?P<number>0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"
    r"|(?P<op>=~|!~|!=|==|>=|<=|[-+*/%^()\[\]{},=<>]))"
)
_LEVELS = (("or",), ("and", "unless"), ("==", "!=", ">", "<", ">=", "<="), ("+", "-"), ("*", "/", "%"))


class QueryError(Exception):
    """bad: the query can never be answered. Otherwise it was understood and failed."""

    def __init__(self, message: str, *, bad: bool = True) -> None:
        super().__init__(message)
        self.bad = bad


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Select:
    """name: "" for one that goes by labels alone. window: seconds of a range selector, 0 = an instant one."""

    name: str
    matches: tuple[Match, ...]
    window: float = 0.0


@dataclass(frozen=True)
class Apply:
    name: str
    args: tuple["Node", ...]


@dataclass(frozen=True)
class Gather:
    """An aggregation. without: the labels are those to drop."""

    name: str
    of: "Node"
    labels: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True)
class Subquery:
    """An instant expression, evaluated every `step` seconds of the last `window`. Only as a whole query."""

    of: "Node"
    window: float
    step: float


@dataclass(frozen=True)
class Binary:
    """boolean: a comparison gives 0 or 1 and drops nothing."""

    op: str
    left: "Node"
    right: "Node"
    boolean: bool = False


Node = Number | Text | Select | Apply | Gather | Binary
_STEP = re.compile(r":((?:\d+(?:ms|[smhdw]))+)")


def parse(query: str) -> Node | Subquery:
    """Raises QueryError."""
    return _Parser(query).whole()


def duration(text: str) -> float:
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))


class _Parser:
    def __init__(self, query: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at, end = 0, len(query.rstrip())
        while at < end:
            match = _TOKEN.match(query, at)
            if match is None:
                raise QueryError(f"parse error: unexpected character: {query[at:].strip()[:1]!r} at {at + 1}")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match[kind]))
            at = match.end()
        self.at = 0

    def whole(self) -> Node | Subquery:
        if not self.tokens:
            raise QueryError("parse error: no expression found in input")
        node = self.binary(0)
        if self.peek() == "[":
            return self.subquery(node)
        if self.at < len(self.tokens):
            raise QueryError(f"parse error: unexpected {self.tokens[self.at][1]!r}")
        return node

    def subquery(self, node: Node) -> Subquery:
        self.next(text="[")
        window, step = self.next("duration"), _STEP.fullmatch(self.next("name"))  # a name may begin with a colon
        self.next(text="]")
        if step is None or self.at < len(self.tokens):
            raise QueryError("the sandbox's PromQL knows subqueries only as EXPR[RANGE:STEP]")
        return Subquery(node, duration(window), duration(step[1]))

    def peek(self) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")
        return text if kind in ("op", "name") else ""

    def next(self, kind: str = "", text: str = "") -> str:
        if self.at >= len(self.tokens):
            raise QueryError("parse error: unexpected end of input")
        found = self.tokens[self.at]
        if (kind and found[0] != kind) or (text and found[1] != text):
            raise QueryError(f"parse error: unexpected {found[1]!r}, expected {text or kind}")
        self.at += 1
        return found[1]

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek() in _LEVELS[level]:
            op = self.next()
            boolean = self.peek() == "bool" and bool(self.next())
            if self.peek() in ("on", "ignoring", "group_left", "group_right"):
                raise QueryError(f"the sandbox's PromQL does not know {self.peek()!r}")
            left = Binary(op, left, self.binary(level + 1), boolean)
        return left

    def unary(self) -> Node:
        if self.peek() in ("-", "+"):
            minus = self.next() == "-"
            node = self.unary()
            return Binary("*", Number(-1.0), node) if minus else node
        base = self.atom()
        if self.peek() == "^":
            self.next()
            return Binary("^", base, self.unary())
        return base

    def atom(self) -> Node:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")
        if kind == "number":
            self.at += 1
            return Number(float(int(text, 16)) if text.startswith("0x") else float(text))
        if kind == "string":
            self.at += 1
            return Text(_unquote(text))
        if text == "(":
            self.at += 1
            node = self.binary(0)
            self.next(text=")")
            return node
        if kind == "name" and text.lower() in ("inf", "nan"):
            self.at += 1
            return Number(float(text))
        if kind == "name" and text in AGGREGATIONS:
            return self.gather()
        if kind == "name" and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][1] == "(":
            return self.call()
        if kind == "name" or text == "{":
            return self.selector()
        raise QueryError(f"parse error: unexpected {text!r}" if text else "parse error: unexpected end of input")

    def gather(self) -> Node:
        name = self.next()
        labels, without = self.grouping()
        self.next(text="(")
        node = self.binary(0)
        self.next(text=")")
        if not labels and self.peek() in ("by", "without"):
            labels, without = self.grouping()
        return Gather(name, node, labels, without)

    def grouping(self) -> tuple[tuple[str, ...], bool]:
        if self.peek() not in ("by", "without"):
            return (), False
        without = self.next() == "without"
        self.next(text="(")
        labels = []
        while self.peek() != ")":
            labels.append(self.next("name"))
            if self.peek() == ",":
                self.next()
        self.next(text=")")
        return tuple(labels), without

    def call(self) -> Node:
        name = self.next("name")
        if name not in FUNCTIONS:
            raise QueryError(f'parse error: unknown function with name "{name}"')
        self.next(text="(")
        args: list[Node] = []
        while self.peek() != ")":
            args.append(self.binary(0))
            if self.peek() == ",":
                self.next()
            elif self.peek() != ")":
                raise QueryError("parse error: expected , or ) in the arguments of " + name)
        self.next(text=")")
        if FUNCTIONS[name] == "matrix" and not (len(args) == 1 and isinstance(args[0], Select) and args[0].window):
            raise QueryError(f'parse error: expected type range vector in call to function "{name}"')
        return Apply(name, tuple(args))

    def selector(self) -> Node:
        name = self.next() if self.peek() != "{" else ""
        matches: list[Match] = []
        if self.peek() == "{":
            self.next()
            while self.peek() != "}":
                name = self.matcher(name, matches)
                if self.peek() == ",":
                    self.next()
                elif self.peek() != "}":
                    raise QueryError("parse error: unexpected input inside braces, expected , or }")
            self.next()
        if not name and not any(match.op in ("=", "=~") and not match({}) for match in matches):
            raise QueryError("parse error: vector selector must contain at least one non-empty matcher")
        if self.peek() == "[":
            self.next()
            window = duration(self.next("duration"))
            self.next(text="]")
            return Select(name, tuple(matches), window)
        if self.peek() in ("offset", "@"):
            raise QueryError(f"the sandbox's PromQL does not know {self.peek()!r}")
        return Select(name, tuple(matches))

    def matcher(self, name: str, matches: list[Match]) -> str:
        kind = self.tokens[self.at][0] if self.at < len(self.tokens) else "end"
        label = _unquote(self.next()) if kind == "string" else self.next("name")
        if kind == "string" and self.peek() in (",", "}"):
            return label
        op = self.next("op")
        if op not in ("=", "!=", "=~", "!~"):
            raise QueryError(f"parse error: unexpected {op!r} in label matching, expected one of =, !=, =~, !~")
        value = _unquote(self.next("string"))
        if label == "__name__" and op == "=":
            return value
        if op in ("=~", "!~"):
            try:
                pattern(value)
            except re.error as error:
                raise QueryError(f"parse error: error parsing regexp: {error}: `{value}`") from error
        matches.append(Match(label, op, value))
        return name


def _unquote(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1])
