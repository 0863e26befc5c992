"""Lists over HTTP: pages of one moment, lists as of a version, the forms of an answer."""

import base64
import json
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.api import Api
from deliver_sandbox.errors import ApiError, bad_request
from deliver_sandbox.http import options
from deliver_sandbox.http.paths import Request
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.selectors import by_fields, by_labels

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
    "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided "
    "token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was "
    "returned and now may show up in the list."
)
_LATEST = -1


def listed(api: Api, request: Request) -> Object:
    """What a GET of many answers: `limit` and `continue` give the pages of one list, as it was when the first was asked for."""
    options.check_list(request)
    query = request.query
    version, start = _where(query.get("continue", ""))
    if not start:
        version = _asked(api, query)
    if version == _LATEST:
        version = api.store.version
    elif version < api.store.oldest:
        text = f"The resourceVersion for the provided list is too old: {version}"
        raise _expired(api, start) if start else ApiError(410, "Expired", text)
    found = select(api, request, version)
    if start:
        found = [obj for obj in found if _key(obj) > start]
    limit = options.number(query.get("limit", ""))
    listing = listing_of(request, found[:limit] if limit else found, version)
    if limit and len(found) > limit:
        listing["metadata"]["continue"] = _token(version, _key(found[limit - 1]))
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            listing["metadata"]["remainingItemCount"] = len(found) - limit
    return listing


def select(api: Api, request: Request, version: int | None = None) -> list[Object]:
    query = request.query
    labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
    if version is None or version >= api.store.version:
        return api.list(request.kind, request.namespace, labels, fields, request.everywhere)
    fits, holds = by_labels(labels), by_fields(request.kind, fields)
    found = (obj for obj in _as_of(api, request, version) if fits(obj["metadata"].get("labels") or {}) and holds(obj))
    return sorted(found, key=_key)


def listing_of(request: Request, found: list[Object], version: int) -> Object:
    """A list's items carry no kind and apiVersion, as those of a typed API; a custom resource's do."""
    known = KINDS[request.kind]
    items = found if known.custom else [{k: v for k, v in obj.items() if k not in ("kind", "apiVersion")} for obj in found]
    return {"kind": f"{known.kind}List", "apiVersion": known.api, "metadata": {"resourceVersion": str(version)}, "items": items}


def _as_of(api: Api, request: Request, version: int) -> list[Object]:
    """The objects as they were: what has changed since is taken back, newest first."""
    found = {tuple(_key(obj)): obj for obj in api.store.every(request.kind, request.namespace, request.everywhere)}
    for change in reversed(api.store.since(version)):
        if change.kind != request.kind or not (request.everywhere or change.namespace == request.namespace):
            continue
        key = (change.namespace, change.name)
        if change.old is None:
            found.pop(key, None)
        else:
            found[key] = change.old
    return list(found.values())


def _asked(api: Api, query: Any) -> int:
    version = int(query.get("resourceVersion") or 0)
    if version > api.store.version:
        text = f"Too large resource version: {version}, current: {api.store.version}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise ApiError(504, "Timeout", f"Timeout: {text}", {"causes": [cause], "retryAfterSeconds": 1})
    exact = query.get("resourceVersionMatch") == "Exact" or (query.get("limit") and not query.get("resourceVersionMatch") and version)
    return version if exact else _LATEST


def _key(obj: Object) -> list[str]:
    return [obj["metadata"].get("namespace", ""), obj["metadata"]["name"]]


def _token(version: int, last: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": last}).encode()).decode()


def _where(token: str) -> tuple[int, list[str]]:
    """(version, last key) of a continue token; ([], no matter what) without one. version -1: go on in whatever is there now."""
    if not token:
        return 0, []
    try:
        found = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(found["rv"]), [str(part) for part in found["start"]]
    except (ValueError, KeyError, TypeError) as error:
        text = "continue key is not valid: invalid character '\\u009e' looking for beginning of value"
        raise bad_request(f"invalid continue token: {text}") from error


def _expired(api: Api, start: list[str]) -> ApiError:
    error = ApiError(410, "Expired", _EXPIRED)
    error.metadata = {"resourceVersion": str(api.store.version), "continue": _token(_LATEST, start)}
    return error
