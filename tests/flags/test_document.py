"""The document as text: one flag is changed, every other byte stays; what is broken is refused with the place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.flags import json_edit
from deliver.flags.document import parse
from deliver.flags.rollout import Variants, with_share
from deliver.model.errors import NotFound, Rejected
from tests.flags.support import DOCUMENT, MARK

NAMES = Variants("on", "off")
FLAG = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


def written(text, percent=5):
    document = parse(text, "it")
    return document.with_flag("new-checkout", with_share(document.flag("new-checkout"), NAMES, percent, MARK, 1))


def test_every_other_byte_stays():
    old, new = parse(DOCUMENT, "it"), parse(written(DOCUMENT), "it")
    span, now = old.spans["new-checkout"], new.spans["new-checkout"]
    assert (DOCUMENT[: span.start], DOCUMENT[span.end :]) == (new.text[: now.start], new.text[now.end :])
    assert new.raw("other") == '{"state":"ENABLED", "variants": {"a": 1.50, "b": 2e1}, "defaultVariant": "a"}'


def test_what_was_there_is_put_back_byte_for_byte():
    raw = parse(DOCUMENT, "it").raw("new-checkout")
    assert parse(written(DOCUMENT), "it").with_raw("new-checkout", raw) == DOCUMENT


def test_within_the_flag_too_what_does_not_change_keeps_its_bytes():
    marks = f'"version": "1", "deliverRelease": "{MARK.release}", "deliverStep": 1, "deliverFence": 7'
    now = parse(written(DOCUMENT), "it").raw("new-checkout")
    assert now.splitlines() == [
        "{",
        '      "state": "ENABLED",',
        '      "variants": {"on": true, "off": false},',
        '      "defaultVariant": "off",',
        '      "targeting": {"fractional": [["on", 5000], ["off", 95000]]},',
        f'      "metadata": {{"owner": "caf\\u00e9", {marks}}}',
        "    }",
    ]


@pytest.mark.parametrize("text", ["{}", "{ }", '{"a":1,"b":2}', '{ "a" : 1 }', '{\n\t"\\u0061": 1e3,\n\t"b": {}\n}'])
def test_an_object_is_remade_whatever_it_looks_like(text):
    assert json.loads(json_edit.with_members(text, {"a": 1000.0, "c": {"d": [1]}})) == {"a": 1000.0, "c": {"d": [1]}}
    assert json.loads(json_edit.with_members(text, {})) == {}
    assert text == "{ }" or json_edit.with_members(text, json.loads(text)) == text


def test_a_document_on_one_line_stays_on_one_line():
    assert "\n" not in written(json.dumps({"flags": {"new-checkout": FLAG}}))


def test_a_flag_that_somebody_removed_is_put_in_again():
    for text in ('{"flags": {}}', '{"flags": {"other": {"state": "ENABLED", "variants": {"a": 1}}}}'):
        again = parse(parse(text, "it").with_raw("new-checkout", json.dumps(FLAG)), "it")
        assert again.flag("new-checkout") == FLAG
        assert set(again.flags) >= set(parse(text, "it").flags)


keys = st.text(min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@given(
    before=st.dictionaries(keys, values, max_size=3),
    others=st.lists(keys, unique=True, max_size=3),
    indent=st.sampled_from([None, 0, 1, 4, "\t"]),
)
def test_whatever_the_document_looks_like(before, others, indent):
    flags = {name: {**FLAG, "extra": name} for name in others if name != "new-checkout"}
    extra = {key: value for key, value in before.items() if key not in ("flags", "metadata", "$evaluators")}
    text = json.dumps({**extra, "flags": {**flags, "new-checkout": FLAG}}, indent=indent)
    document = parse(text, "it")
    changed = parse(written(text), "it")
    assert {name: changed.raw(name) for name in flags} == {name: document.raw(name) for name in flags}
    assert changed.with_raw("new-checkout", document.raw("new-checkout")) == text


def test_half_a_character_can_be_written_too():
    text = '{"flags": {"new-checkout": {"state": "ENABLED", "variants": {"on": "\\ud83d", "off": "x"}, "defaultVariant": "off"}}}'
    written(text).encode()


# ------------------------------------------------------------------ revisions


def test_a_revision_changes_with_the_flag_and_with_no_other():
    first = parse(DOCUMENT, "it").state("new-checkout", NAMES).revision
    other = parse(DOCUMENT.replace("1.50", "1.51"), "it").state("new-checkout", NAMES).revision
    edited = parse(DOCUMENT.replace("caf", "kaf"), "it").state("new-checkout", NAMES).revision
    assert first == other != edited


def test_the_state_says_what_stands_and_whose_it_is():
    state = parse(written(DOCUMENT), "it").state("new-checkout", NAMES)
    assert (state.percent, state.release, state.fence, state.treatment, state.safe) == (5, MARK.release, 7, "on", "off")


# ------------------------------------------------------------------ broken ones


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ('{"flags": {', "line 1 column"),
        ("[]", "not an object"),
        ('{"flag": {}}', "no object `flags`"),
        ('{"flags": [{"key": "a"}]}', "the flagd daemon alone"),
        ('{"flags": {"a": {"variants": {"x": 1}}}}', "flags.a.state must be"),
        ('{"flags": {"a": {"state": "on", "variants": {"x": 1}}}}', "flags.a.state must be"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {}}}}', "flags.a.variants must be"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1, "y": "1"}}}}', "mixes number and string"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": null}}}}', "neither boolean"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}, "defaultVariant": "y"}}}', "names `y`"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}, "defaultVariant": true}}}', "not a string"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}, "targeting": "x"}}}', "targeting is not an object"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}, "metadata": {"x": []}}}}', "metadata.x is neither"),
        ('{"metadata": {"x": null}, "flags": {}}', "metadata.x is neither"),
        ('{"flags": {"a": 1, "a": 2}}', "`a` stands twice"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": NaN}}}}', "NaN"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_broken_document_is_refused_with_the_place(text, why):
    with pytest.raises(Rejected) as refused:
        parse(text, "ConfigMap web-flags (flags.json)")
    assert "ConfigMap web-flags" in refused.value.what
    assert why in refused.value.why


def test_a_flag_that_is_not_there_names_the_one_that_was_meant():
    with pytest.raises(NotFound) as missing:
        parse(DOCUMENT, "it").state("new-chekout", NAMES)
    assert "`new-checkout`" in missing.value.hint
