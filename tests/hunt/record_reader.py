"""The release's text as plain data, as the referee reads it after each save."""

import json
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
JOURNAL = '"journal":['
_decode = json.JSONDecoder().raw_decode


@dataclass
class RecordReader:
    """A save adds a few entries to a long journal: what stands there as it stood at the last save is not read again.

    known: the text of those entries, which were `entries`.
    """

    known: str = ""
    entries: list[Object] = field(default_factory=list)

    def read(self, text: str) -> Object:
        head, mark, rest = text.partition(JOURNAL)
        if not mark:
            found: Object = json.loads(text)
            return found
        grown = self.known and rest.startswith(self.known) and rest[len(self.known)] in ",]"
        begin = len(self.known) + (rest[len(self.known)] == ",") if grown else 0
        more, end = _decode("[" + rest[begin:])
        end += begin - 1
        self.entries = [*self.entries, *more] if grown else more
        self.known = rest[: end - 1]
        record: Object = json.loads(head + JOURNAL + rest[end - 1 :])
        return record | {"journal": self.entries}
