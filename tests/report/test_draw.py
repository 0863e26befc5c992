"""The drawings: the same each time, told apart without colour, and a file of their own."""

import re
import struct
import sys
from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.report import draw
from deliver.report.chart import chart
from deliver.report.palette import NIGHT, PAPER
from deliver.report.report import can_draw, report

WHITE = 1.0


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [PAPER, NIGHT], ids=["paper", "night"])
def test_every_line_stands_out_from_its_ground(palette: object):
    """3 to 1 for what is drawn, 7 to 1 for text."""
    colors = vars(palette)
    paper = luminance(colors["paper"])
    for name in ("candidate", "stable", "limit", "good", "ink"):
        high, low = sorted((luminance(colors[name]), paper), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= (7 if name == "ink" else 3), name


def test_an_svg_has_the_words_too_and_is_the_same_each_time(released: Release):
    once, again = (report(released, "svg", released.ended).decode() for _ in range(2))
    assert once == again
    assert "<title" in once and "A release is taken back at 20 : 1." in once
    assert "var(--" not in once  # few programs but browsers know variables


def test_both_arms_differ_in_more_than_colour(released: Release):
    """Lines as drawn: the candidate's is whole, the stable side's is dashed."""
    text = report(released, "svg", released.ended).decode()
    lines = re.findall(r'style="fill: none; ([^"]*stroke: (?:#d55e00|#0072b2)[^"]*)"', text)
    dashed = {color: any("dasharray" in line for line in lines if color in line and "1.4" in line) for color in ("#d55e00", "#0072b2")}
    assert dashed == {"#d55e00": False, "#0072b2": True}


def test_nothing_bad_is_a_line_that_is_seen(released: Release):
    figure = Figure()
    axes = figure.add_axes((0, 0, 1, 1))
    found = chart(released, released.ended)
    draw.shares(found.shares[0])(axes, found, PAPER)
    assert axes.get_ylim()[0] < 0


def test_a_long_name_leaves_room_and_short_ones_are_whole():
    assert draw.called("errors") == "errors"
    assert draw.called("checkout-payments-of-the-south-errors") == "checkout…h-errors"
    assert len(draw.called("m" * 63)) <= draw.CALLED


def test_a_png_is_one(released: Release):
    data = report(released, "png", released.ended)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 1350 and height > width


def test_nothing_to_draw_is_said(bare: Release):
    with pytest.raises(InputError, match=r"nothing of .* can be drawn"):
        report(replace(bare, journal=()), "png", bare.ended)


def test_without_matplotlib_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError) as error:
        can_draw()
    assert error.value.hint == "`pip install 'deliver[report]'`"
