"""Kubeconfig files, merged as kubectl merges them: of several, the first word counts.

What a context names is taken key by key: each has a meaning here, or is refused. A key that nobody reads could change who acts.
"""

import base64
import binascii
import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deliver.formatting.sanitize import one_line
from deliver.model.errors import InputError

SHOWN = "`kubectl config view` shows what is in it"
_SHAPE = "it does not have the shape of a kubeconfig"
_BRACKETS = re.compile(rb"[\[\]{}]")
_DEEPEST = 200
_SECTIONS = ("clusters", "users", "contexts")


class Unusable(ValueError):
    """A kubeconfig that can be read and leads nowhere; the text is ours, and fit to print."""


@dataclass(frozen=True)
class Kubeconfig:
    """path: as it was given. entries: by section and name, each with the file that it stands in."""

    path: str
    current: str
    entries: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]]

    def context(self, wanted: str | None) -> "Section":
        names = list(self.entries["contexts"])
        shown = "contexts there: " + ", ".join(one_line(name) for name in names[:20]) if names else "it has no contexts"
        name = wanted or self.current
        if not name:
            raise InputError(f"kubeconfig {self.path} has no current context", hint=f"name one with --context; {shown}")
        if name not in names:
            raise InputError(f"there is no context {one_line(name)} in kubeconfig {self.path}", hint=shown)
        return self.section("context", name)

    def section(self, kind: str, name: str) -> "Section":
        """The cluster, user or context of that name. Raises Unusable."""
        found = self.entries[f"{kind}s"].get(name)
        if found is None:
            raise Unusable(f"it has no {kind} {one_line(name)}")
        return Section(kind, one_line(name), *found)


def read(path: str) -> Kubeconfig:
    """Raises what `readable` turns into an InputError."""
    import yaml

    entries: dict[str, dict[str, tuple[str, Mapping[str, Any]]]] = {section: {} for section in _SECTIONS}
    current, empty = "", True
    for file in _files(path):
        raw = Path(file).read_bytes()
        _shallow(raw)
        content = yaml.safe_load(raw.decode("utf-8"))
        if content is None:
            continue
        if not isinstance(content, dict):
            raise Unusable(_SHAPE)
        empty = False
        current = current or _text(content.get("current-context"))
        for section in _SECTIONS:
            for name, body in _named(content.get(section), section):
                entries[section].setdefault(name, (file, body))
    if empty:
        raise Unusable("there is nothing in it")
    return Kubeconfig(path, current, entries)


def home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # no HOME, and the user is not in the password file: usual in containers
        return path


def _files(paths: str) -> Iterator[str]:
    """Of several the missing ones are passed over."""
    for path in filter(None, paths.split(os.pathsep)):
        file = home(Path(path))
        if file.exists():
            yield str(file)


def _shallow(raw: bytes) -> None:
    """PyYAML takes seconds to find out that it cannot read thousands of brackets in each other."""
    depth = 0
    for mark in _BRACKETS.finditer(raw):
        depth += 1 if mark[0] in b"[{" else -1
        if depth > _DEEPEST:
            raise Unusable("it is nested too deep")


def _text(value: object) -> str:
    if not isinstance(value or "", str):
        raise Unusable("its current-context is no text")
    return str(value or "")


def _named(items: object, section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, body) of each entry of one file."""
    seen: set[str] = set()
    if not isinstance(items or [], list):
        raise Unusable(f"`{section}` is no list")
    for item in items or []:  # type: ignore[attr-defined]  # a list, as was just seen
        name, body = (item.get("name"), item.get(section[:-1]) or {}) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(body, dict):
            raise Unusable(f"an entry of `{section}` is not a name with its {section[:-1]}")
        if name in seen:
            raise Unusable(f"`{section}` has {one_line(name)} twice")
        seen.add(name)
        yield name, body


class Section:
    """One cluster, user or context: its keys are taken one by one, and what is left at the end is refused."""

    def __init__(self, kind: str, name: str, file: str, body: Mapping[str, Any]) -> None:
        self.kind, self.name, self.file = kind, name, file
        self._left = {key: value for key, value in body.items() if value is not None}

    def where(self, key: str) -> str:
        return f"`{key}` of {self.kind} {self.name} in kubeconfig {self.file}"

    def refuse(self, key: str, why: str, hint: str) -> InputError:
        return InputError(f"{self.where(key)} cannot be used", why=why, hint=hint)

    def text(self, key: str) -> str:
        """Nothing where it is not there."""
        value = self._left.pop(key, "")
        if not isinstance(value, str):
            raise self.refuse(key, "it is no text", f"put it into quotes; {SHOWN}")
        if not value.replace("\n", "").replace("\r", "").isprintable() and value:
            raise self.refuse(key, "it has characters that cannot be sent", SHOWN)
        return value

    def line(self, key: str) -> str:
        """Text that goes into a header or an address."""
        value = self.text(key).strip()
        if not value.isprintable():
            raise self.refuse(key, "it has more than one line", SHOWN)
        return value

    def flag(self, key: str) -> bool:
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self.refuse(key, "it is neither true nor false", SHOWN)
        return value

    def lines(self, key: str) -> tuple[str, ...]:
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.isprintable() for one in value):
            raise self.refuse(key, "it is no list of texts", SHOWN)
        return tuple(value)

    def path(self, key: str) -> str:
        """Of a file, from the folder of the kubeconfig that names it."""
        value = self.line(key)
        return str(Path(self.file).absolute().parent / value) if value else ""

    def data(self, key: str) -> str:
        """Base64 that holds PEM."""
        value = self.text(key)
        try:
            return base64.b64decode("".join(value.split()), validate=True).decode("ascii")
        except (binascii.Error, UnicodeError, ValueError):
            raise self.refuse(key, "it is no base64 of PEM", "copy it anew from your provider") from None

    def either(self, key: str) -> tuple[str, str]:
        """(path, content) of what may be named as `key` or be given as `key`-data."""
        path, content = self.path(key), self.data(f"{key}-data")
        if path and content:
            raise self.refuse(f"{key}-data", f"`{key}` is there too", "take one of them out, as kubectl asks for too")
        return path, content

    def mapping(self, key: str) -> Mapping[str, Any] | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, dict):
            raise self.refuse(key, "it is no mapping", SHOWN)
        return value

    def inner(self, key: str) -> "Section | None":
        """The mapping under that key, whose keys are taken as this one's."""
        body = self.mapping(key)
        return None if body is None else Section(self.kind, f"{self.name}, {key},", self.file, body)

    def items(self, key: str) -> list[Any]:
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise self.refuse(key, "it is no list", SHOWN)
        return value

    def ignore(self, *keys: str) -> None:
        for key in keys:
            self._left.pop(key, None)

    def end(self) -> None:
        """Raises InputError for a key that nobody has taken."""
        if self._left:
            key = one_line(next(iter(self._left)), 60)
            why = "deliver does not know this key, and what it does not honour could change where it goes or who acts"
            raise self.refuse(key, why, "correct its name, take it out, or use another context with --context")


@contextlib.contextmanager
def readable(path: str) -> Iterator[None]:
    """A damaged file makes the reader raise almost anything; say which file, without its content."""
    import yaml

    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"kubeconfig {path} is not valid YAML{where}", hint="restore it, or give another with --kubeconfig") from None
    except Unusable as error:
        raise InputError(f"kubeconfig {path} cannot be used", why=str(error), hint=SHOWN) from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise InputError(f"kubeconfig {path} cannot be read", why=why, hint="check the file and its permissions") from None
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError(f"kubeconfig {path} cannot be used", why=_SHAPE, hint=SHOWN) from None
