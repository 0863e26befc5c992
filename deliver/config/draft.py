"""What the user asked for, before it is checked: the file's data with the options laid over it, each value knowing where it came from."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from deliver.config.document import Document, Path


@dataclass
class Draft:
    """data: as in deliver.yaml. flags: path -> the option that set it."""

    document: Document | None
    data: dict[str, Any] = field(default_factory=dict)
    flags: dict[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document | None) -> "Draft":
        return cls(document, deepcopy(document.data) if document else {})

    def put(self, path: Path, value: Any, flag: str) -> None:
        """Set a value from an option; mappings on the way are made, whatever else stood there gives way."""
        node = self.data
        for key in path[:-1]:
            if not isinstance(node.get(str(key)), dict):
                node[str(key)] = {}
            node = node[str(key)]
        node[str(path[-1])] = value
        self.flags[path] = flag

    def drop(self, path: Path) -> None:
        if isinstance(node := self.get(path[:-1]), dict):
            node.pop(path[-1], None)

    def get(self, path: Path) -> Any:
        node: Any = self.data
        for key in path:
            node = node.get(key) if isinstance(node, dict) else None
        return node

    def where(self, path: Path, key: bool) -> str:
        """`option --poll: `, `deliver.yaml:3:5: `, or nothing when there is neither."""
        for length in range(len(path), 0, -1):
            if flag := self.flags.get(path[:length]):
                return f"{flag}: " if flag.startswith("`") else f"option {flag}: "
        return f"{self.document.at(path, key=key)}: " if self.document else ""
