"""What a file says, and where it says it. No third-party import: `deliver rollback` pays for this."""

from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 1 << 20

Path = tuple[str | int, ...]
Mark = tuple[int, int]


@dataclass(frozen=True)
class Document:
    """Plain data, and line and column (from 1) of each value and of each key, by path."""

    source: str
    data: dict[str, Any]
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)

    def at(self, path: Path, *, key: bool = False) -> str:
        """`file:line:col` of a path, or of the nearest parent that stands in the file."""
        marks = self.keys if key else self.values
        while path and path not in marks:
            path = path[:-1]
            marks = self.values
        line, column = marks.get(path, (1, 1))
        return f"{self.source}:{line}:{column}"
