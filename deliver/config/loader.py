"""A strict YAML reader: what a person means, where it stands, and nothing that can bite.

PyYAML's safe loader takes `on` for true, `010` for 8, `12:30:45` for 45045, the last of two equal keys, and aliases without
a limit (a billion laughs); deep nesting ends in RecursionError. Here: YAML 1.2 scalars, no anchors, aliases or tags, duplicate
keys refused, size and depth capped. Every error is an InputError that starts with file:line:column.
"""

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from deliver.config.document import MAX_BYTES, Document, Mark, Path
from deliver.config.scalars import scalar
from deliver.model.errors import InputError

MAX_DEPTH = 64


def parse(raw: bytes, source: str) -> Document:
    """Raises InputError for anything but one mapping in plain YAML."""
    if len(raw) > MAX_BYTES:
        raise InputError(f"{source}: the file is too big", why=f"{len(raw)} bytes; at most {MAX_BYTES} are read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        why = f"byte 0x{raw[error.start]:02x}"
        raise InputError(f"{source}:{line}:{column}: the file is not UTF-8", why=why, hint="save it as UTF-8") from error
    try:
        return _Builder(text, source).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise InputError(
            f"{where}: not valid YAML", why=error.problem or str(error.context), hint="check indentation, quotes and colons"
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"{source}: not valid YAML", why=" ".join(str(error).split())[:200]) from error
    except (RecursionError, ValueError, IndexError) as error:  # PyYAML's scanner leaks these on some malformed input
        raise InputError(f"{source}: not valid YAML", why="the text cannot be read") from error


class _Builder:
    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.values: dict[Path, Mark] = {}
        self.keys: dict[Path, Mark] = {}
        self.loader = yaml.SafeLoader(text)  # only its reader, scanner and parser are used
        self.events = self._checked()

    def document(self) -> Document:
        try:
            data = self._whole()
        finally:
            self.loader.dispose()
        return Document(self.source, data, self.values, self.keys)

    def _whole(self) -> dict[str, Any]:
        next(self.events)  # stream start
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            raise InputError(f"{self.source}: the file is empty", hint="`deliver validate --schema` shows what may stand in it")
        event = next(self.events)
        if not isinstance(event, yaml.MappingStartEvent):
            self._fail(event, "the file must be a mapping", "it starts with something else", "begin with `target:`")
        data: dict[str, Any] = self._value(event, ())
        next(self.events)  # document end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._fail(event, "more than one document", "", "keep one document; remove the `---`")
        return data

    def _checked(self) -> Iterator[Any]:
        """The parser's events, depth counted before the parser goes deeper, so that it cannot run out of stack."""
        depth = 0
        while self.loader.check_event():
            event = self.loader.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                self._fail(event, "anchors and aliases are not allowed", "a file can grow without bound with them", "write the value out")
            if getattr(event, "tag", None):
                self._fail(event, f"tag `{str(event.tag)[:40]}` is not allowed", "", "remove the tag; quote the value if it is text")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                self._fail(event, "nested too deep", f"more than {MAX_DEPTH} levels", "")
            yield event

    def _value(self, event: Any, path: Path) -> Any:
        self.values[path] = _mark(event)
        if isinstance(event, yaml.ScalarEvent):
            if any("\ud800" <= char <= "\udfff" for char in event.value):
                self._fail(event, "half a character", "a lone surrogate is not text", "write the character itself")
            return event.value if event.style else scalar(event.value)
        return self._sequence(path) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(path)

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._fail(event, "a key must be plain text", "it is a list or a mapping", "check the braces and brackets")
            key = event.value
            if key in found:
                line = self.keys[(*path, key)][0]
                self._fail(event, f"duplicate key `{key[:60]}`", f"it stands at line {line} already", "keep one of the two")
            self.keys[(*path, key)] = _mark(event)
            found[key] = None
            found[key] = self._value(next(self.events), (*path, key))
        return found

    def _fail(self, event: Any, what: str, why: str, hint: str) -> NoReturn:
        line, column = _mark(event)
        raise InputError(f"{self.source}:{line}:{column}: {what}", why=why, hint=hint)


def _mark(event: Any) -> Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1
