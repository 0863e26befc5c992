"""The FeatureFlag resource of the OpenFeature Operator, as its CustomResourceDefinition has it: what is dropped and what is refused."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.errors import Cause

_KNOWN = ("defaultVariant", "metadata", "state", "targeting", "variants")
_REQUIRED = ("defaultVariant", "state", "variants")
_STATES = ("ENABLED", "DISABLED")


def prune(obj: Object) -> None:
    """A field that the schema does not know is dropped in silence."""
    for flag in _flags(obj).values():
        for key in [key for key in flag if key not in _KNOWN]:
            del flag[key]


def causes(obj: Object) -> Iterator[Cause]:
    spec = (obj.get("spec") or {}).get("flagSpec")
    if isinstance(spec, Mapping) and "flags" not in spec:
        yield Cause("spec.flagSpec.flags", "Required value", "FieldValueRequired")
    for name, flag in sorted(_flags(obj).items()):
        here = f"spec.flagSpec.flags.{name}"
        yield from (Cause(f"{here}.{key}", "Required value", "FieldValueRequired") for key in _REQUIRED if key not in flag)
        if flag.get("state", "ENABLED") not in _STATES:
            text = f'Unsupported value: {json.dumps(flag["state"])}: supported values: "ENABLED", "DISABLED"'
            yield Cause(f"{here}.state", text, "FieldValueNotSupported")


def _flags(obj: Object) -> Mapping[str, dict[str, Any]]:
    flags = ((obj.get("spec") or {}).get("flagSpec") or {}).get("flags") or {}
    return {name: flag for name, flag in flags.items() if isinstance(flag, dict)} if isinstance(flags, Mapping) else {}
