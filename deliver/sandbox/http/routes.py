"""One request to one answer, for everything but streams: verbs on resources, subresources, reviews, discovery."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deliver.sandbox import errors
from deliver.sandbox.api import APPLY, MERGE, Write
from deliver.sandbox.errors import ApiError
from deliver.sandbox.http import discovery
from deliver.sandbox.http.backends import Backends
from deliver.sandbox.http.paths import Request
from deliver.sandbox.http.tables import table, wanted
from deliver.sandbox.kinds import KINDS
from deliver.sandbox.store import Object

if TYPE_CHECKING:
    from deliver.sandbox.world import World

_GIVEN_BACK = frozenset({"pods", "services", "serviceaccounts", "resourcequotas"})
"""Kinds whose DELETE answers with the object; the others' with a Status."""
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class Response:
    code: int
    body: bytes
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def as_json(code: int, value: Any) -> Response:
    return Response(code, json.dumps(value, separators=(",", ":")).encode())


class Routes:
    """Thread-safe: each request holds the world's lock while it runs."""

    def __init__(self, world: "World") -> None:
        self.world, self.api = world, world.api
        self.backends = Backends(world)

    def answer(self, request: Request) -> Response:
        try:
            with self.api.lock:
                return self._route(request)
        except ApiError as error:
            return as_json(error.code, error.status())

    def _route(self, request: Request) -> Response:
        if request.path.rstrip("/") == _REVIEWS and request.method == "POST":
            return self._review(_object(request))
        if request.path in ("/healthz", "/livez", "/readyz"):
            return Response(200, b"ok", "text/plain; charset=utf-8")
        if not request.kind:
            found = discovery.answer(request.path) if request.method == "GET" else None
            if found is None:
                raise errors.no_resource()
            return as_json(200, found)
        if request.subresource == "proxy":
            return Response(*self.backends.proxy(request))
        if request.subresource == "log":
            return Response(200, self.backends.log(request).encode(), "text/plain")
        return self._resource(request)

    def _resource(self, request: Request) -> Response:
        if request.subresource and not _served(request):
            raise errors.no_resource()
        match request.method, bool(request.name):
            case "GET", True:
                return self._shown(request, self.api.get(request.kind, request.namespace, request.name, request.subresource))
            case "GET", False:
                return self._shown(request, self._list(request))
            case "POST", False:
                return as_json(201, self.api.create(request.kind, request.namespace, _object(request), _write(request)))
            case "PATCH", True:
                return self._patch(request)
            case "PUT", True:
                body = _object(request)
                return as_json(
                    200, self.api.update(request.kind, request.namespace, request.name, body, request.subresource, _write(request))
                )
            case "DELETE", True:
                return self._delete(request)
            case "DELETE", False:
                return self._delete_all(request)
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})

    def _shown(self, request: Request, found: Object) -> Response:
        return as_json(200, table(request.kind, found, self.api.clock.now()) if wanted(request) and not request.subresource else found)

    def _patch(self, request: Request) -> Response:
        how = _media(request)
        existed = self.api.store.get(request.kind, request.namespace, request.name) is not None
        result = self.api.patch(
            request.kind, request.namespace, request.name, _parsed(request.body), how, request.subresource, _write(request)
        )
        return as_json(201 if how == APPLY and not existed else 200, result)

    def _delete(self, request: Request) -> Response:
        options = _parsed(request.body) if request.body else {}
        options = dict(options if isinstance(options, Mapping) else {})
        for key in ("propagationPolicy", "gracePeriodSeconds"):
            if key in request.query:
                options[key] = int(request.query[key]) if key == "gracePeriodSeconds" else request.query[key]
        dry = bool(options.get("dryRun")) or bool(request.query.get("dryRun"))
        before = self.api.get(request.kind, request.namespace, request.name)
        after = self.api.delete(request.kind, request.namespace, request.name, options, Write(dry_run=dry))
        stays = not dry and self.api.store.get(request.kind, request.namespace, request.name) is not None
        if stays or request.kind in _GIVEN_BACK:
            return as_json(200, after)
        meta = before["metadata"]
        details = {"name": meta["name"], "group": KINDS[request.kind].group, "kind": request.kind, "uid": meta["uid"]}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return as_json(200, {**status, "details": {key: value for key, value in details.items() if value}})

    def _delete_all(self, request: Request) -> Response:
        found = self._select(request)
        for obj in found:
            self.api.delete(request.kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        return as_json(200, self._listing(request, found))

    # -- lists

    def _select(self, request: Request) -> list[Object]:
        query = request.query
        labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
        return self.api.list(request.kind, request.namespace, labels, fields, request.everywhere)

    def _list(self, request: Request) -> Object:
        found = self._select(request)
        start = _position(request.query.get("continue", ""))
        if start:
            found = [obj for obj in found if [obj["metadata"].get("namespace", ""), obj["metadata"]["name"]] > start]
        limit = int(request.query.get("limit") or 0)
        listing = self._listing(request, found[:limit] if limit else found)
        if limit and len(found) > limit:
            last = found[limit - 1]["metadata"]
            token = json.dumps([last.get("namespace", ""), last["name"]]).encode()
            listing["metadata"]["continue"] = base64.urlsafe_b64encode(token).decode()
            if not request.query.get("labelSelector") and not request.query.get("fieldSelector"):
                listing["metadata"]["remainingItemCount"] = len(found) - limit
        return listing

    def _listing(self, request: Request, found: list[Object]) -> Object:
        """A list's items carry no kind and apiVersion, as those of a typed API."""
        known = KINDS[request.kind]
        items = [{key: value for key, value in obj.items() if key not in ("kind", "apiVersion")} for obj in found]
        meta: Object = {"resourceVersion": str(self.api.store.version)}
        return {"kind": f"{known.kind}List", "apiVersion": known.api, "metadata": meta, "items": items}

    def _review(self, review: Object) -> Response:
        asked = (review.get("spec") or {}).get("resourceAttributes") or {}
        words = [asked.get(key, "") for key in ("verb", "resource", "namespace", "name", "subresource")]
        allowed = self.world.cluster.allow(*words)
        return as_json(201, {**review, "status": {"allowed": allowed}})


def _served(request: Request) -> bool:
    known = KINDS[request.kind]
    return (request.subresource == "status" and known.status) or (request.subresource == "scale" and known.scale)


def _position(token: str) -> list[str]:
    if not token:
        return []
    try:
        found = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise errors.bad_request("continue key is not valid: illegal base64 data") from error
    return [str(part) for part in found]


def _write(request: Request) -> Write:
    query = request.query
    manager = query.get("fieldManager") or (
        "" if _media(request) == APPLY else request.headers.get("user-agent", "unknown").partition("/")[0]
    )
    return Write(manager=manager, dry_run="All" in query.get("dryRun", ""), force=request.flag("force"))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body or b"null")
    except (ValueError, RecursionError) as error:
        raise errors.bad_request(f"the object provided is unrecognized (must be of type JSON): {error}") from error


def _media(request: Request) -> str:
    return request.headers.get("content-type", MERGE).partition(";")[0].strip()


def _object(request: Request) -> Object:
    """Raises ApiError 415 for protobuf, which some of kubectl's own constructors send (`kubectl create namespace`); files are JSON."""
    if _media(request) == "application/vnd.kubernetes.protobuf":
        text = "the body of the request was in an unknown format - accepted media types include: application/json"
        raise ApiError(415, "UnsupportedMediaType", text, {})
    value = _parsed(request.body)
    if not isinstance(value, dict):
        raise errors.bad_request("the object provided is unrecognized (must be of type JSON): not an object")
    return value
