"""The YAML reader: plain data and positions, or an InputError; never anything else, and never for long."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deliver.config.loader import parse
from deliver.config.scalars import scalar
from deliver.model.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"),
        ("12:30:45", "12:30:45"), ("010", "010"), ("0o10", "0o10"), ("0x10", "0x10"), ("1_000", "1_000"), ("2026-11-24", "2026-11-24"),
        (".inf", ".inf"), ("1e999", "1e999"), (".nan", ".nan"), ("=", "="), ("<<", "<<"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("10", 10), ("-1", -1), ("+5", 5), ("0", 0), ("1.0", 1.0), ("1.10", 1.1), (".5", 0.5), ("1e3", 1000.0),
        ("10%", "10%"), ("5m", "5m"),
    ],
)  # fmt: skip
def test_a_scalar_stays_what_a_person_means(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_quoted_text_is_text() -> None:
    assert parse(b"a: '10'\nb: \"true\"\nc: |\n  7\n", "f").data == {"a": "10", "b": "true", "c": "7\n"}


def test_every_node_knows_its_place() -> None:
    document = parse("é: 1\nlist:\n  - x: {deep: 5}\n".encode(), "f")
    assert document.at(("list", 0, "x", "deep")) == "f:3:15"
    assert document.at(("list", 0, "x", "deep"), key=True) == "f:3:9"
    assert document.at(("list", 0, "gone")) == "f:3:5"
    assert document.at(()) == "f:1:1"


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse("\ufeffa: 1".encode(), "f").data == {"a": 1}


def test_64_levels_are_enough() -> None:
    assert parse(b"a: " + b"[" * 63 + b"]" * 63, "f").data
    with pytest.raises(InputError, match="nested too deep"):
        parse(b"a: " + b"[" * 64 + b"]" * 64, "f")


def test_a_billion_laughs_stay_out() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20))]
    with pytest.raises(InputError, match="anchors and aliases are not allowed"):
        parse("\n".join(lines).encode(), "f")


def test_a_merge_key_is_just_a_key() -> None:
    assert parse(b"<<: {a: 1}", "f").data == {"<<": {"a": 1}}


@pytest.mark.parametrize(
    "raw",
    [b'a: "\\ud800"', b"%TAG ! x\n---\na: !b 1", b"? [a]\n: 1", b"a: `", b"@a: 1", b"\t- a", b"a: 'x", b"{a", b"%YAML 9.9\n---\na: 1\n"],
)
def test_odd_text_is_an_input_error(raw: bytes) -> None:
    with pytest.raises(InputError):
        parse(raw, "f")


YAMLISH = st.text(alphabet=st.sampled_from("ab01:-?,[]{}#&*!|>'\"%@` \n\t~.\\ux/é\ud7ff"), max_size=80)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), YAMLISH.map(str.encode)))
def test_nothing_but_an_input_error_ever_comes_out(raw: bytes) -> None:
    try:
        document = parse(raw, "f")
    except InputError as error:
        assert error.what.startswith("f:")
        return
    assert isinstance(document.data, dict)
    for path in document.values:
        assert document.at(path).startswith("f:")


@pytest.mark.parametrize("piece", [b"- ", b"{", b"[", b"? ", b"a: {", b"!", b"'", b"# ", b"\n ", b"&a ", b"| "])
def test_a_whole_mebibyte_of_one_thing_ends_soon(piece: bytes) -> None:
    began = time.process_time()
    with pytest.raises(InputError):
        parse(b"a: 1\nb:\n  " + piece * ((1 << 20) // len(piece) + 1), "f")
    assert time.process_time() - began < 2
