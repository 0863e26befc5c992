"""Request bodies: JSON, YAML or protobuf to an object of the kind that the path names, and what is said of those that are not."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import yaml

from deliver.model.objects import Object
from deliver_sandbox import fields
from deliver_sandbox.api import APPLY, JSON, MERGE, STRATEGIC
from deliver_sandbox.errors import ApiError, bad_request
from deliver_sandbox.http import protobuf
from deliver_sandbox.http.paths import Request
from deliver_sandbox.kinds import KINDS

_PLAIN, _YAML = ("application/json", ""), ("application/yaml",)
_ACCEPTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
_OTHERS = {"scale": "Scale", "eviction": "Eviction", "token": "TokenRequest"}
Warn = Callable[[list[str]], None]


def media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


def whole(request: Request, kind: str = "", warn: Warn | None = None) -> Object:
    """The object of a POST or a PUT. kind: what is wanted where the path names no resource. warn: is told of fields that went."""
    wanted = kind or _OTHERS.get(request.subresource) or KINDS[request.kind].kind
    value = _read(request, wanted)
    if not isinstance(value, dict):
        text = "json: cannot unmarshal array into Go value of type struct { APIVersion string "
        text += '"json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
        raise _unrecognized(request, wanted, text)
    if request.kind and not request.subresource:
        _same_kind(request, value)
        _pruned(request, value, warn, _strict_whole)
    return value


def patch(request: Request, warn: Warn | None = None) -> Any:
    """The body of a PATCH."""
    how = media(request)
    if how not in (MERGE, STRATEGIC, JSON, APPLY):
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    if how == APPLY:
        value = _yaml(request.body)
        if isinstance(value, dict):
            _applied_kind(request, value)
            if not request.subresource and (unknown := fields.prune(request.kind, value)):
                raise _not_in_schema(request, unknown[0])
        return value
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise bad_request("invalid JSON patch") from error
    if how in (MERGE, STRATEGIC) and isinstance(value, dict) and request.subresource != "scale":
        _pruned(request, value, warn, _strict_patch)
    return value


def options(request: Request) -> Any:
    """The DeleteOptions of a DELETE, or {}."""
    return _read(request, "DeleteOptions") if request.body else {}


# -- parts


def _read(request: Request, wanted: str) -> Any:
    how = media(request)
    if how == protobuf.MEDIA:
        try:
            return protobuf.decode(request.body)
        except (ValueError, KeyError, AttributeError) as error:
            raise bad_request(f"the object provided is unrecognized (must be of type {wanted}): {error}") from error
    if how in _YAML:
        return _yaml(request.body)
    if how not in _PLAIN:
        text = f"the body of the request was in an unknown format - accepted media types include: {_ACCEPTED}"
        raise ApiError(415, "UnsupportedMediaType", text, {})
    try:
        return json.loads(request.body)
    except json.JSONDecodeError as error:
        ends = error.pos >= len(error.doc.rstrip())
        what = "unexpected end of JSON input" if ends or request.body == b"{" else f"invalid JSON at character {error.pos}"
        raise _unrecognized(request, wanted, what) from error
    except (ValueError, RecursionError) as error:
        raise _unrecognized(request, wanted, "invalid JSON") from error


def _unrecognized(request: Request, wanted: str, why: str) -> ApiError:
    body = request.body
    shown = "<empty>" if not body else body[:30].decode(errors="replace") if body[:1] == b"{" else body[:15].hex()
    more = " ..." if len(body) > (30 if body[:1] == b"{" else 15) else ""
    text = f"couldn't get version/kind; json parse error: {why} ({shown}{more})"
    return bad_request(f"the object provided is unrecognized (must be of type {wanted}): {text}")


class _Loader(yaml.SafeLoader):
    """y and n are booleans, as the API server's YAML has them and PyYAML's has not."""

    bool_values: ClassVar[dict[str, bool]] = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))


def _yaml(body: bytes) -> Any:
    try:
        return _names(yaml.load(body, _Loader))  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problem = str(getattr(error, "problem", "") or "not YAML").replace("not allowed here", "not allowed in this context")
        raise bad_request(f"error encoding patch: yaml: {problem}") from error


def _names(value: Any) -> Any:
    """YAML's keys as JSON has them: `y` is true, and true is "true"."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key): _names(item) for key, item in value.items()}
    return [_names(item) for item in value] if isinstance(value, list) else value


def _same_kind(request: Request, value: Mapping[str, Any]) -> None:
    known = KINDS[request.kind]
    api, kind = value.get("apiVersion") or known.api, value.get("kind") or known.kind
    if (api, kind) == (known.api, known.kind):
        return
    version = str(api).rpartition("/")[2]
    head = f'{kind} in version "{version}" cannot be handled as a {known.kind}: '
    if fields.named(str(api), str(kind)):
        folder = known.group.partition(".")[0] or "core"
        raise bad_request(f"{head}converting ({version}.{kind}) to ({folder}.{known.kind}): unknown conversion")
    text = f'no kind "{kind}" is registered for version "{api}" in scheme "pkg/runtime/scheme.go:111"'
    raise bad_request(head + text)


def _applied_kind(request: Request, value: Mapping[str, Any]) -> None:
    known = KINDS[request.kind]
    api, kind = value.get("apiVersion") or known.api, value.get("kind") or known.kind
    if not request.subresource and (api, kind) != (known.api, known.kind):
        group, _, version = str(api).rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={kind}")


def _pruned(request: Request, value: Object, warn: Warn | None, refuse: Callable[[Request, str, Object], ApiError]) -> None:
    level = request.query.get("fieldValidation") or "Warn"
    before = json.loads(json.dumps(value)) if level == "Strict" else value
    unknown = fields.prune(request.kind, value)
    if unknown and level == "Strict":
        raise refuse(request, ", ".join(f'unknown field "{path}"' for path in unknown), before)
    if unknown and level == "Warn" and warn is not None:
        warn(unknown)


def _strict_whole(request: Request, unknown: str, before: Object) -> ApiError:
    known = KINDS[request.kind]
    return bad_request(f'{known.kind} in version "{known.version}" cannot be handled as a {known.kind}: strict decoding error: {unknown}')


def _strict_patch(request: Request, unknown: str, before: Object) -> ApiError:
    shown = _go(before) if media(request) == STRATEGIC else json.dumps(before, separators=(",", ":"))
    why = f"Invalid value: {json.dumps(shown)}: strict decoding error: {unknown}"
    causes = [{"reason": "FieldValueInvalid", "message": why, "field": "patch"}]
    return ApiError(422, "Invalid", f' "" is invalid: patch: {why}', {"causes": causes})


def _go(value: Any) -> str:
    """As Go prints a map of anything."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_go(item) for item in value) + "]"
    return "<nil>" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _not_in_schema(request: Request, path: str) -> ApiError:
    known = KINDS[request.kind]
    api = known.api if "/" in known.api else f"/{known.api}"
    what = f"{request.namespace}/{request.name}; {api}, Kind={known.kind}"
    return ApiError(500, "", f"failed to create typed patch object ({what}): .{path}: field not declared in schema")
