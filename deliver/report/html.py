"""HTML by small functions that escape: no text from a cluster, a metric or a person becomes markup."""

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """HTML already. Everything else is text."""

    __slots__ = ()


def text(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape(str(value), quote=True))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Attributes by keyword: `class_`, `aria_label`; None is left out."""
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{told}>{join(children)}</{name}>")


def join(parts: Iterable[object]) -> Markup:
    return Markup("".join(text(part) for part in parts))


def link(words: object, url: str) -> Markup:
    return tag("a", words, href=url, rel="noopener noreferrer")


def coded(words: str) -> Markup:
    """Text of ours with `names` in backticks."""
    return join(tag("code", part) if index % 2 else part for index, part in enumerate(words.split("`")))


def table(head: Sequence[object], rows: Iterable[Sequence[object]], caption: str, class_: str | None = None) -> Markup:
    """Each cell knows its column's name, which a narrow page shows beside it."""
    body = [tag("tr", *(tag("td", cell, data_label=name) for name, cell in zip(head, row, strict=True))) for row in rows]
    top = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in head)))
    return tag("table", tag("caption", caption), top, tag("tbody", *body), class_=class_)


def facts(pairs: Iterable[tuple[object, object]]) -> Markup:
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value not in ("", None)))
