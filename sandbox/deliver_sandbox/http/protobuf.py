"""Kubernetes' protobuf bodies, which kubectl's typed commands send (`create namespace`, `auth can-i`, `autoscale`) and never as JSON.

client-go falls back to JSON after a 415 only from CBOR, so the sandbox reads protobuf. It answers in JSON, which every client takes.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from deliver_sandbox import fields

MEDIA = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"


_ZEROS = frozenset(
    {"replicas", "minReplicas", "revisionHistoryLimit", "progressDeadlineSeconds", "terminationGracePeriodSeconds", "gracePeriodSeconds"}
    | {"automountServiceAccountToken", "enableServiceLinks", "allowPrivilegeEscalation", "runAsUser", "runAsNonRoot", "immutable"}
    | {"intVal", "optional", "defaultMode"}
)
"""Fields that are pointers in Go: there 0 and false are values. Elsewhere they are what was not said, and protobuf writes them anyway."""


def decode(data: bytes) -> dict[str, Any]:
    """The object in runtime.Unknown behind the magic number. Raises ValueError for anything else."""
    if not data.startswith(MAGIC):
        raise ValueError("the body does not begin as protobuf does")
    parts: dict[int, Any] = dict(_wire(data[len(MAGIC) :]))
    head = {number: value.decode() for number, value in _wire(parts.get(1, b""))}
    api, kind = head.get(1, ""), head.get(2, "")
    name = fields.named(api, kind)
    if not name:
        raise ValueError(f"no kind {json.dumps(kind)} of {json.dumps(api)} is known")
    return {"apiVersion": api, "kind": kind, **_message(name, parts.get(2, b""))}


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field as it is written: integers, or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, form = tag >> 3, tag & 7
        if form == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if form not in (1, 2, 5):
            raise ValueError(f"wire type {form} is not one that the API uses")
        size, at = _varint(data, at) if form == 2 else (8 if form == 1 else 4, at)
        if at + size > len(data):
            raise ValueError("the body ends in the middle of a field")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("the body ends in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number is too long")


def _message(name: str, data: bytes) -> dict[str, Any]:
    numbers = {number: (key, kind, form) for key, (number, kind, form) in fields.fields(name).items()}
    found: dict[str, Any] = {}
    for number, raw in _wire(data):
        if number not in numbers:
            continue
        key, kind, form = numbers[number]
        if key.startswith("+"):
            found.update(_message(kind, raw))
        elif form == "{}":
            pair = dict(_wire(raw))
            found.setdefault(key, {})[pair.get(1, b"").decode()] = _value(kind, pair.get(2, b""))
        elif form == "[]":
            found.setdefault(key, []).append(_value(kind, raw))
        elif (value := _value(kind, raw)) not in (None, "", {}) and (value or key in _ZEROS):
            found[key] = value
    return found


def _value(kind: str, raw: Any) -> Any:
    match kind:
        case "string":
            return raw.decode()
        case "bytes":
            return base64.b64encode(raw).decode()
        case "bool":
            return bool(raw)
        case "int32" | "int64":
            return raw - (1 << 64) if raw >= 1 << 63 else raw
        case "k8s.io.apimachinery.pkg.api.resource.Quantity":
            return dict(_wire(raw)).get(1, b"").decode()
        case "k8s.io.apimachinery.pkg.util.intstr.IntOrString":
            parts = dict(_wire(raw))
            return parts.get(3, b"").decode() if parts.get(1) else parts.get(2, 0)
        case "k8s.io.apimachinery.pkg.apis.meta.v1.Time" | "k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime":
            return _time(kind.endswith("MicroTime"), dict(_wire(raw)))
        case "k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1":
            return json.loads(dict(_wire(raw)).get(1, b"{}"))
    if not kind.startswith("k8s.io."):
        raise ValueError(f"{kind} is not a type that the sandbox reads")
    message = _message(kind, raw)
    return message.get("items", []) if fields.fields(kind).keys() == {"items"} else message


def _time(micro: bool, parts: dict[int, int]) -> str | None:
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    if not seconds and not nanos:
        return None
    text = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
    return f"{text}.{nanos // 1000:06d}Z" if micro else f"{text}Z"
