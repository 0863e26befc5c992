"""Strings and comments of PromQL, read as Prometheus reads them: each value exactly, and what is none refused with its place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.analysis.promql import BadText, Scanner, quote


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"it\'s"', "it's"),
        ("'say \"x\"'", 'say "x"'),
        ("`raw \\n and\nthe next line`", "raw \\n and\nthe next line"),
        (r'"\a\b\f\n\r\t\v\\\'\""', "\a\b\f\n\r\t\v\\'\""),
        (r'"\x41\x7f"', "A\x7f"),
        (r'"\xC3\xa9"', "é"),
        (r'"\u00E9\ud7ff\uE000"', "é\ud7ff\ue000"),
        (r'"\U0001F600\U0010ffff"', "\U0001f600\U0010ffff"),
        (r'"\101\0019"', "A\x019"),
        (r'"\303\251"', "é"),
        ('""', ""),
    ],
)
def test_the_value_of_a_string(text: str, value: str):
    scan = Scanner(text + "}")
    assert scan.string() == value
    assert scan.rest() == "}"


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("x", 0, "a string in quotes is missing"),
        ("", 0, "a string in quotes is missing"),
        ('"x', 0, "the string is not closed"),
        ("`x", 0, "the string is not closed"),
        ('"x\ny"', 0, "the string is not closed"),
        (r'"x\q"', 2, "unknown escape in a string"),
        (r'"\x4"', 1, "unknown escape in a string"),
        (r'"\xXX"', 1, "unknown escape in a string"),
        (r'"\x4g"', 1, "unknown escape in a string"),
        (r'"\u12 4"', 1, "unknown escape in a string"),
        (r'"\08"', 1, "unknown escape in a string"),
        (r'"\008"', 1, "unknown escape in a string"),
        (r'"\400"', 1, "unknown escape in a string"),
        ('"\\', 1, "unknown escape in a string"),
        (r'"\ud800"', 1, "not a Unicode character"),
        (r'"\uDFFF"', 1, "not a Unicode character"),
        (r'"\U00110000"', 1, "not a Unicode character"),
        (r'"\xff"', 0, "the string is not UTF-8"),
    ],
)
def test_what_is_no_string_is_refused_with_its_place(text: str, at: int, why: str):
    with pytest.raises(BadText) as caught:
        Scanner(text).string()
    assert (str(caught.value), caught.value.at) == (why, at)


def test_the_highest_byte_is_one():
    """Alone it is no UTF-8: it was read, and the string is what is wrong."""
    with pytest.raises(BadText, match="UTF-8"):
        Scanner(r'"\377"').string()


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_what_is_quoted_is_read_back(text: str):
    assert Scanner(quote(text)).string() == text
    assert not re.search(r"[\x00-\x1f\x7f]", quote(text))


def test_a_comment_ends_with_its_own_line():
    scan = Scanner("up\n# one\n# two")
    scan.at = 3
    assert scan.comment()
    assert scan.rest() == "\n# two"
    scan.space()
    assert scan.comment()
    assert scan.end()
    assert not scan.comment()


def test_what_does_not_fit_leaves_the_place_as_it_is():
    scan = Scanner(" \t\r\n{a}")
    assert not scan.take("{")
    scan.space()
    assert scan.at == 4
    assert not scan.take("}")
    assert not scan.comment()
    assert scan.at == 4
    assert scan.take("{")
    assert (scan.at, scan.rest(1)) == (5, "a")
