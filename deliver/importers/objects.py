"""Kubernetes objects out of a YAML text, as they come: several documents, Lists, things that are none of ours."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from deliver.model.errors import InputError

MAX_BYTES = 8 << 20  # of a rendered chart, or a `kubectl get -o yaml`: some ten seconds of reading
Manifest = Mapping[str, Any]


def objects(raw: bytes, source: str) -> list[Manifest]:
    """Raises InputError for what is no YAML."""
    if len(raw) > MAX_BYTES:
        raise InputError(f"{source}: the file is too big", why=f"more than {MAX_BYTES} bytes")
    try:
        return list(_flat(yaml.safe_load_all(raw.decode("utf-8-sig"))))
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: the file is not UTF-8", why=f"byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        hint = "a Helm chart's template must be rendered first: `helm template`"
        raise InputError(f"{where}: not valid YAML", why=error.problem or str(error.context), hint=hint) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{source}: not valid YAML", why=" ".join(str(error).split())[:200]) from error


def _flat(documents: Iterator[Any]) -> Iterator[Manifest]:
    for document in documents:
        if isinstance(document, Mapping):
            if kind(document).endswith("List") and isinstance(document.get("items"), list):
                yield from _flat(iter(document["items"]))
            else:
                yield document


def group(obj: Manifest) -> str:
    return str(obj.get("apiVersion", "")).partition("/")[0]


def name(obj: Manifest) -> str:
    return str(part(obj, "metadata").get("name", ""))


def namespace(obj: Manifest) -> str:
    return str(part(obj, "metadata").get("namespace", ""))


def kind(obj: Manifest) -> str:
    return str(obj.get("kind", ""))


def title(obj: Manifest) -> str:
    return f"{kind(obj) or 'object'} {name(obj)}".strip()


def part(obj: Manifest, *path: str) -> Mapping[str, Any]:
    """A mapping somewhere inside; empty where there is none."""
    for key in path:
        found = obj.get(key)
        obj = found if isinstance(found, Mapping) else {}
    return obj


def items(obj: Manifest, *path: str) -> list[Mapping[str, Any]]:
    """The mappings of a list somewhere inside."""
    found = part(obj, *path[:-1]).get(path[-1])
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
