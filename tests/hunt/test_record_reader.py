"""The referee reads every record as json.loads does, whatever became of its journal."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.hunt.record_reader import RecordReader

ENTRY = st.fixed_dictionaries({"seq": st.integers(1, 3), "reason": st.sampled_from(("", "a ] b", '"journal":[', "x,y", '\\"'))})
RECORD = st.fixed_dictionaries(
    {"id": st.sampled_from(("1", '"journal":[')), "journal": st.lists(ENTRY, max_size=4), "trail": st.lists(ENTRY, max_size=2)}
)


@given(st.lists(RECORD, max_size=6))
def test_each_of_several_records_is_read_as_it_stands(records: list[dict[str, Any]]):
    reader = RecordReader()
    for record in records:
        assert reader.read(json.dumps(record, separators=(",", ":"))) == record


@given(st.lists(ENTRY, max_size=8))
def test_a_journal_that_grows_is_read_as_it_stands(entries: list[dict[str, Any]]):
    reader = RecordReader()
    for count in range(len(entries) + 1):
        record = {"id": "1", "journal": entries[:count], "outcome": None}
        assert reader.read(json.dumps(record, separators=(",", ":"))) == record
