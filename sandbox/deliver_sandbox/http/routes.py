"""One request to one answer, for everything but streams: verbs on resources, subresources, reviews, discovery."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deliver.model.objects import Object
from deliver_sandbox import errors
from deliver_sandbox.api import APPLY, Write
from deliver_sandbox.errors import ApiError
from deliver_sandbox.http import access, bodies, discovery, forms, lists, options
from deliver_sandbox.http.backends import Backends
from deliver_sandbox.http.paths import Request
from deliver_sandbox.http.tables import table, wanted
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.rbac import User

if TYPE_CHECKING:
    from deliver_sandbox.world import World

_GIVEN_BACK = frozenset({"pods", "services", "serviceaccounts", "resourcequotas"})
"""Kinds whose DELETE answers with the object; the others' with a Status."""
_MADE_BY_PUT = frozenset({"leases", "events"})
"""Kinds that a PUT of what is not there creates."""


@dataclass(frozen=True)
class Response:
    code: int
    body: bytes
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def as_json(code: int, value: Any, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(code, json.dumps(value, separators=(",", ":")).encode(), headers=headers)


class Routes:
    """Thread-safe: each request holds the world's lock while it runs."""

    def __init__(self, world: "World") -> None:
        self.world, self.api = world, world.api
        self.backends = Backends(world)
        self.access = access.Access(world)

    def answer(self, request: Request) -> Response:
        try:
            with self.api.lock:
                return self._route(request, self.access.user(request))
        except ApiError as error:
            return as_json(error.code, error.status())

    def permit(self, request: Request) -> None:
        """Of a watch. Raises ApiError."""
        self.access.check(request, self.access.user(request))

    def _route(self, request: Request, user: User) -> Response:
        if request.method == "POST" and not request.kind:
            if request.path.rstrip("/") == access.REVIEWS:
                return as_json(201, self.access.review(bodies.whole(request, "SelfSubjectAccessReview"), user))
            if request.path.rstrip("/") == access.WHOAMI:
                return as_json(201, self.access.whoami(user))
            if request.path.rstrip("/") == access.RULES:
                return as_json(201, self.access.rules(bodies.whole(request, "SelfSubjectRulesReview"), user))
        self.access.check(request, user)
        if request.path in ("/healthz", "/livez", "/readyz"):
            return Response(200, b"ok", "text/plain; charset=utf-8")
        if not request.kind:
            return self._discovered(request)
        if request.subresource == "proxy":
            return Response(*self.backends.proxy(request))
        if request.subresource == "log":
            return Response(200, self.backends.log(request).encode(), "text/plain")
        if request.method == "POST" and (request.kind, request.subresource) == ("serviceaccounts", "token"):
            return as_json(201, self.access.token(request))
        if request.method == "POST" and (request.kind, request.subresource) == ("pods", "eviction"):
            return self._evict(request)
        return self._resource(request, user)

    def _discovered(self, request: Request) -> Response:
        found = discovery.answer(request.path) if request.method == "GET" else None
        if found is not None:
            return as_json(200, found)
        if discovery.unknown_root(request.path):
            return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
        raise errors.no_resource()

    def _resource(self, request: Request, user: User) -> Response:
        if request.subresource and not _served(request):
            raise errors.no_resource()
        if request.subresource and request.method in ("POST", "DELETE"):
            raise _no_method()
        match request.method, bool(request.name):
            case "GET", True:
                return self._shown(request, self.api.get(request.kind, request.namespace, request.name, request.subresource))
            case "GET", False:
                return self._shown(request, lists.listed(self.api, request))
            case "POST", False:
                return self._create(request)
            case "PATCH", True:
                return self._patch(request, user)
            case "PUT", True:
                return self._put(request)
            case "DELETE", True:
                return self._delete(request)
            case "DELETE", False:
                return self._delete_all(request)
        raise _no_method()

    def _shown(self, request: Request, found: Object) -> Response:
        forms.check(request)
        if request.subresource:
            return as_json(200, found)
        if wanted(request):
            return as_json(200, table(request.kind, found, self.api.clock.now()))
        return as_json(200, forms.metadata_only(found) if forms.wants_metadata(request) else found)

    def _create(self, request: Request) -> Response:
        options.check_write(request, applying=False)
        lost: list[str] = []
        body = bodies.whole(request, warn=lost.extend)
        return as_json(201, self.api.create(request.kind, request.namespace, body, _write(request)), _warnings(lost))

    def _put(self, request: Request) -> Response:
        options.check_write(request, applying=False)
        lost: list[str] = []
        body = bodies.whole(request, warn=lost.extend)
        words = (request.kind, request.namespace, request.name)
        if request.kind in _MADE_BY_PUT and not (body.get("metadata") or {}).get("resourceVersion") and self.api.store.get(*words) is None:
            return as_json(201, self.api.create(request.kind, request.namespace, body, _write(request)), _warnings(lost))
        return as_json(200, self.api.update(*words, body, request.subresource, _write(request)), _warnings(lost))

    def _patch(self, request: Request, user: User) -> Response:
        how = bodies.media(request)
        options.check_write(request, applying=how == APPLY)
        lost: list[str] = []
        body = bodies.patch(request, lost.extend)
        existed = self.api.store.get(request.kind, request.namespace, request.name) is not None
        if how == APPLY and not existed:
            self.access.check_create(request, user)
        result = self.api.patch(request.kind, request.namespace, request.name, body, how, request.subresource, _write(request))
        return as_json(201 if how == APPLY and not existed else 200, result, _warnings(lost))

    def _delete(self, request: Request) -> Response:
        wishes = options.deletion(request, bodies.options(request))
        dry = bool(wishes.get("dryRun"))
        before = self.api.get(request.kind, request.namespace, request.name)
        after = self.api.delete(request.kind, request.namespace, request.name, wishes, Write(dry_run=dry))
        stays = not dry and self.api.store.get(request.kind, request.namespace, request.name) is not None
        if stays or request.kind in _GIVEN_BACK:
            return as_json(200, after)
        meta = before["metadata"]
        details = {"name": meta["name"], "group": KINDS[request.kind].group, "kind": request.kind, "uid": meta["uid"]}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return as_json(200, {**status, "details": {key: value for key, value in details.items() if value}})

    def _delete_all(self, request: Request) -> Response:
        wishes = options.deletion(request, bodies.options(request))
        found, dry = lists.select(self.api, request), bool(wishes.get("dryRun"))
        for obj in found:
            self.api.delete(request.kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"], wishes, Write(dry_run=dry))
        return as_json(200, lists.listing_of(request, found, self.api.store.version))

    def _evict(self, request: Request) -> Response:
        """No budget is looked at: the sandbox has no controller of PodDisruptionBudgets."""
        wishes = bodies.whole(request).get("deleteOptions") or {}
        self.api.delete("pods", request.namespace, request.name, wishes)
        return as_json(201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})


def _served(request: Request) -> bool:
    known = KINDS[request.kind]
    return (request.subresource == "status" and known.status) or (request.subresource == "scale" and known.scale)


def _no_method() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def _warnings(lost: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple(("Warning", "299 - " + json.dumps(f'unknown field "{path}"')) for path in lost)


def _write(request: Request) -> Write:
    query = request.query
    manager = query.get("fieldManager") or (
        "" if bodies.media(request) == APPLY else request.headers.get("user-agent", "unknown").partition("/")[0]
    )
    return Write(manager=manager, dry_run="All" in query.get("dryRun", ""), force=request.flag("force"))
