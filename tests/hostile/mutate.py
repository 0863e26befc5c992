"""A seeded mutator of plain data: it knows a tree's keys and values, and puts in their place what nobody expects there."""

import copy
import string
from collections.abc import Callable
from random import Random
from typing import Any

Path = tuple[str | int, ...]

WORDS = (
    "",
    " ",
    "\t",
    "a",
    "web",
    "A",
    "-",
    "--",
    "-1",
    "0",
    "1e999",
    "NaN",
    "inf",
    "0x10",
    "010",
    "1_000",
    "１２",
    "١٢",
    "²",
    "½",
    "on",
    "null",
    "~",
    "*",
    "&a",
    "../../x",
    "/dev/null",
    "%s%n%x",
    "{0.__class__}",
    "${HOME}",
    "$(id)",
    "`id`",
    "'; --",
    "a\nb",
    "a\r\nb: c",
    "a: b",
    "# x",
    "!!x",
    "\x00",
    "\x07",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b[2J",
    "\x9b31m",
    "\u202egnp.exe",
    "\u200b",
    "\ufeff",
    "🙈",
    "é",
    "e\u0301",
    "\u2028",
    "::error::x",
    "##[error]x",
    "a" * 253,
    "a" * 5000,
    "x/y/z",
    "1" * 400,
    "9" * 19,
    "5m",
    "10%",
    "1e5%",
    "-5m",
    "5mm",
    "99999999999h",
    "2026-01-01",
    "12:30:45",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-13-45T99:99:99Z",
    "true",
    "{}",
    "[]",
    "[" * 3000,
    '{"a":' * 500,
)
NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**63,
    10**30,
    10**400,
    -(10**30),
    0.1,
    -0.0,
    1e308,
    5e-324,
    float("inf"),
    float("-inf"),
    float("nan"),
    65536,
    101,
)


def deep(levels: int) -> Any:
    value: Any = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def junk(random: Random) -> Any:
    """A value of any type."""
    return random.choice(
        (
            lambda: random.choice(WORDS),
            lambda: random.choice(WORDS),
            lambda: random.choice(NUMBERS),
            lambda: random.choice((None, True, False)),
            lambda: random.choice(([], {}, [[]], [None], {"": None}, [1, "a", None], {"a": {"b": {}}})),
            lambda: deep(random.choice((3, 50, 90))),
            lambda: [random.choice(WORDS)] * random.choice((1, 2, 200)),
            lambda: {random.choice(WORDS): random.choice(WORDS) for _ in range(random.choice((1, 3, 100)))},
            lambda: "".join(chr(random.choice((random.randrange(32), random.randrange(128), random.randrange(0xD000)))) for _ in range(12)),
        )
    )()


def paths(tree: Any, at: Path = ()) -> list[Path]:
    """Every place in the tree but its root."""
    found: list[Path] = []
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        found += [(*at, key), *paths(value, (*at, key))]
    return found


def mutated(random: Random, tree: Any, times: int = 0) -> Any:
    """A copy with one or a few places changed."""
    made = copy.deepcopy(tree)
    for _ in range(times or random.choice((1, 1, 1, 2, 3, 6))):
        there = paths(made)
        if not there:
            break
        path = random.choice(there)
        parent = made
        for key in path[:-1]:
            parent = parent[key]
        random.choice(CHANGES)(random, parent, path[-1])
    return made


def _replace(random: Random, parent: Any, key: Any) -> None:
    parent[key] = junk(random)


def _drop(random: Random, parent: Any, key: Any) -> None:
    del parent[key]


def _null(random: Random, parent: Any, key: Any) -> None:
    parent[key] = None


def _wrap(random: Random, parent: Any, key: Any) -> None:
    parent[key] = random.choice(([parent[key]], {"x": parent[key]}, [parent[key]] * 3))


def _as_text(random: Random, parent: Any, key: Any) -> None:
    parent[key] = str(parent[key])[:2000]


def _rename(random: Random, parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        name = str(key)
        parent[random.choice((name.upper(), name + "s", name[1:], name[::-1], random.choice(WORDS)))] = parent.pop(key)


def _more(random: Random, parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        parent[random.choice((*WORDS, "name", "spec", "x-extra"))] = junk(random)
    else:
        parent.extend([parent[key]] * random.choice((1, 5, 100)))


def _spoil(random: Random, parent: Any, key: Any) -> None:
    """Another text or number of about the same kind."""
    value = parent[key]
    if isinstance(value, str):
        at = random.randrange(len(value) + 1)
        parent[key] = value[:at] + random.choice((*string.punctuation, *WORDS)) + value[at + random.choice((0, 1, 3)) :]
    elif isinstance(value, (int, float)):
        parent[key] = random.choice(NUMBERS)
    else:
        parent[key] = junk(random)


CHANGES: tuple[Callable[[Random, Any, Any], None], ...] = (
    _replace,
    _replace,
    _drop,
    _null,
    _wrap,
    _as_text,
    _rename,
    _more,
    _spoil,
    _spoil,
)


def spoilt(random: Random, text: str) -> bytes:
    """The text's bytes with something wrong in them."""
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(raw) + 1)
        match random.randrange(7):
            case 0:
                raw[at : at + random.choice((0, 1, 4))] = bytes(random.randrange(256) for _ in range(random.choice((1, 2, 8))))
            case 1:
                del raw[at : at + random.choice((1, 5, 100))]
            case 2:
                raw = raw[:at]
            case 3:
                raw[at:at] = random.choice(
                    (b"\t", b"  ", b"- ", b": ", b"\n", b"{", b"[", b"}", b"'", b'"', b"|", b">-\n", b"? ", b"%YAML 9\n", b"---\n")
                )
            case 4:
                raw[at:at] = random.choice((b"&a ", b"*a ", b"!!python/object/apply:os.system ", b"!!binary ", b"<<: *a", b"!<x> ", b"#"))
            case 5:
                raw[at:at] = raw[: random.choice((10, 200))]
            case 6:
                raw[at:at] = random.choice((b"[", b"{a: ", b"- ", b"a:\n ", b"x")) * random.choice((10, 100, 3000))
    return bytes(raw)
