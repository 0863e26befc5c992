"""An SVG that matplotlib wrote, made fit to stand among others inside a page."""

import re
from html import escape

_HEAD = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_OPEN = re.compile(r"<svg ([^>]*)>", re.DOTALL)
_SIZE = re.compile(r'\s(?:width|height)="[^"]*"')
_LONG = re.compile(r"(?<=[ \"-])(\d+\.\d{3,})(?=[ \",\n])")
_TAG = re.compile(r"<[^<>]*>")
_ID = re.compile(r'(\bid="|href="#|url\(#)')


def inline(svg: str, prefix: str, title: str, alt: str) -> str:
    """Without XML's head, with ids of its own, and with what it shows in words for who cannot see it."""
    svg = _METADATA.sub("", _HEAD.sub("", svg, count=1))
    svg = _TAG.sub(lambda found: _tag(found[0], prefix), svg)
    return _OPEN.sub(lambda found: _opened(_SIZE.sub("", f" {found[1]}"), prefix, title, alt), svg, count=1)


def _tag(tag: str, prefix: str) -> str:
    """Of the drawing alone: what a text says stays as it is."""
    short = _LONG.sub(lambda found: f"{float(found[1]):.2f}", tag)  # a hundredth of a point is nothing that anybody sees
    return _ID.sub(lambda found: f"{found[1]}{prefix}-", short)


def named(svg: str, title: str, alt: str) -> str:
    """A file of its own keeps its size, and gets the words."""
    svg = _METADATA.sub("", svg)
    return _OPEN.sub(lambda found: _opened(f" {found[1]}", "deliver", title, alt), svg, count=1)


def _opened(attributes: str, prefix: str, title: str, alt: str) -> str:
    words = f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-desc">{escape(alt)}</desc>'
    return f'<svg{attributes} role="img" aria-labelledby="{prefix}-title" aria-describedby="{prefix}-desc">{words}'
