"""Which deliver.yaml is meant, and its bytes."""

import os
from pathlib import Path

from deliver.config.document import MAX_BYTES, Document
from deliver.model.errors import InputError

NAME = "deliver.yaml"
NO_FILE = "none"


def find(cwd: Path, home: Path | None) -> Path | None:
    """./deliver.yaml, else the first one on the way up; not above the git root or home."""
    for folder in (cwd, *cwd.parents):
        candidate = folder / NAME
        if candidate.is_file():
            return candidate
        if (folder / ".git").exists() or folder == home:
            return None
    return None


def read(given: str | None, cwd: Path, home: Path | None) -> Document | None:
    """given: -f, `none` for no file at all. None when no file is wanted or there is none. Raises InputError."""
    if given == NO_FILE:
        return None
    path = Path(given) if given else find(cwd, home)
    if path is None:
        return None
    if given and not path.is_absolute():
        path = cwd / path
    name = given or os.path.relpath(path, cwd)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)  # a pipe or a device may never end
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a usable path"
        raise InputError(f"cannot read {name}", why=why, hint="give the file with -f") from error
    from deliver.config.loader import parse

    return parse(raw, name)
