"""Colours that people with any kind of colour vision tell apart (Okabe and Ito 2008).

None of them is alone: each line has its own dash and marker.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """ink: text and axes. faint: grid and marks."""

    ink: str
    faint: str
    paper: str
    candidate: str
    stable: str
    limit: str
    good: str


PAPER = Palette("#1b1f24", "#8a9099", "#ffffff", candidate="#d55e00", stable="#0072b2", limit="#1b1f24", good="#009e73")
NIGHT = Palette("#e6e8eb", "#7d848e", "#15181c", candidate="#e69f00", stable="#56b4e9", limit="#e6e8eb", good="#2fd6a3")
# In a page the colours are the page's own: one drawing serves light, dark and print. matplotlib wants real ones, these stand for them.
STAND_IN = Palette("#010203", "#010204", "#010205", candidate="#010206", stable="#010207", limit="#010208", good="#010209")


def variables(svg: str) -> str:
    """The stand-ins as CSS variables."""
    for name, color in vars(STAND_IN).items():
        svg = svg.replace(color, f"var(--{name})")
    return svg


def declared(palette: Palette) -> str:
    return "".join(f"--{name}:{color};" for name, color in vars(palette).items())
