"""Who sends a request, and whether that user may: bearer tokens, impersonation, the reviews of a user's own rights."""

import secrets
from typing import TYPE_CHECKING

from deliver.model.objects import Object
from deliver_sandbox.errors import ApiError
from deliver_sandbox.http.paths import Request
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.rbac import ADMIN, EVERYBODY, Asked, Rbac, User, account

if TYPE_CHECKING:
    from deliver_sandbox.world import World

TOKEN = "sandbox"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


class Access:
    """Without a token, or with the kubeconfig's own, a request is the administrator's. tokens: those that were handed out."""

    def __init__(self, world: "World") -> None:
        self.world, self.rbac = world, Rbac(world.store)
        self.tokens: dict[str, User] = {}

    def user(self, request: Request) -> User:
        """Raises ApiError 401 for an unknown token, 403 for who may not act as another."""
        real = self._real(request.headers.get("authorization", ""))
        name, groups = request.headers.get("impersonate-user", ""), request.headers.get("impersonate-group", "")
        if not name:
            return real
        for resource, wanted in (("users", name), *(("groups", group) for group in groups.split(",") if group)):
            self.rbac.check(real, Asked("impersonate", "", resource, name=wanted))
        parts = name.split(":")
        if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4 and not groups:
            return account(parts[2], parts[3])
        return User(name, (*(group for group in groups.split(",") if group), EVERYBODY))

    def _real(self, header: str) -> User:
        token = header.removeprefix("Bearer ").strip()
        if not header.startswith("Bearer ") or token == TOKEN:
            return ADMIN
        if token not in self.tokens:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        return self.tokens[token]

    def give(self, user: User) -> str:
        """A token for that user."""
        token = secrets.token_urlsafe(24)
        self.tokens[token] = user
        return token

    def check(self, request: Request, user: User) -> None:
        if not user.master:
            asked = _asked(request)
            self.rbac.check(user, asked)

    def check_create(self, request: Request, user: User) -> None:
        """A PATCH that would create is a create as well."""
        asked = _asked(request)
        self.rbac.check(user, Asked("create", asked.group, asked.resource, "", asked.namespace, asked.name))

    # -- reviews

    def review(self, review: Object, user: User) -> Object:
        spec = review.get("spec") or {}
        what, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if bool(what) == bool(path):
            text = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            cause = {"reason": "FieldValueInvalid", "message": text, "field": "spec"}
            details = {"group": "authorization.k8s.io", "causes": [cause]}
            raise ApiError(422, "Invalid", f'.authorization.k8s.io "" is invalid: spec: {text}', details)
        head = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
        return {**head, "spec": _tidy(spec), "status": self._answer(what or {}, path or {}, user)}

    def _answer(self, what: Object, path: Object, user: User) -> Object:
        if path:
            allowed, why = self.rbac.decide(user, Asked(path.get("verb", ""), path=path.get("path", "")))
        else:
            words = [what.get(key, "") for key in ("verb", "group", "resource", "subresource", "namespace", "name")]
            allowed, why = self.rbac.decide(user, Asked(*words))
            allowed = allowed and self.world.cluster.allow(*(what.get(key, "") for key in _ALLOW))
        status: Object = {"allowed": allowed}
        if why:
            status["reason"] = why
        return status

    def whoami(self, user: User) -> Object:
        head = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {}}
        return {**head, "status": {"userInfo": {"username": user.name, "groups": list(user.groups)}}}

    def rules(self, review: Object, user: User) -> Object:
        found = [*_OWN, *self.rbac.rules(user, (review.get("spec") or {}).get("namespace", ""))]
        plain = [rule for rule in found if not rule.get("nonResourceURLs")]
        paths = [{"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]} for rule in found if rule.get("nonResourceURLs")]
        head = {"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {}}
        return {**head, "status": {"resourceRules": plain, "nonResourceRules": paths, "incomplete": False}}

    def token(self, request: Request) -> Object:
        """TokenRequest of a service account: `kubectl create token`."""
        self.world.api.get("serviceaccounts", request.namespace, request.name)
        token = self.give(account(request.namespace, request.name))
        status = {"token": token, "expirationTimestamp": "2126-01-01T00:00:00Z"}
        head = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
        return {**head, "metadata": {"name": request.name, "namespace": request.namespace}, "spec": {}, "status": status}


_ALLOW = ("verb", "resource", "namespace", "name", "subresource")
_OWN: tuple[Object, ...] = (
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]},
)


def _tidy(spec: Object) -> Object:
    return {key: {k: v for k, v in value.items() if v} for key, value in spec.items() if isinstance(value, dict)}


def _asked(request: Request) -> Asked:
    if not request.kind:
        return Asked(_VERBS.get(request.method, request.method.lower()), path=request.path)
    if request.method == "GET":
        verb = "watch" if request.flag("watch") else "get" if request.name else "list"
    elif request.method == "DELETE":
        verb = "delete" if request.name else "deletecollection"
    else:
        verb = _VERBS[request.method]
    namespace = request.name if request.kind == "namespaces" and request.name else request.namespace
    name = request.name or (_named(request) if verb in ("list", "watch", "deletecollection") else "")
    return Asked(verb, KINDS[request.kind].group, request.kind, request.subresource, namespace, name)


def _named(request: Request) -> str:
    """A list of one name is a question about that name."""
    field = request.query.get("fieldSelector", "")
    return field.removeprefix("metadata.name=") if field.startswith("metadata.name=") and "," not in field else ""
