"""Who may do what: Role, ClusterRole and their bindings, decided and told as the API server's RBAC authorizer does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.errors import ApiError
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.store import Store

MASTERS, EVERYBODY = "system:masters", "system:authenticated"
_GROUP = "rbac.authorization.k8s.io"
_CLUSTER_ADMIN: Object = {
    "metadata": {"name": "cluster-admin"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}],
}
_SELF = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")
_PUBLIC = ("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/")


@dataclass(frozen=True)
class User:
    name: str
    groups: tuple[str, ...] = ()

    @property
    def master(self) -> bool:
        return MASTERS in self.groups


ADMIN = User("sandbox-admin", (MASTERS, EVERYBODY))


@dataclass(frozen=True)
class Asked:
    """What somebody wants to do. path: of what is no resource; then the rest is empty."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def account(namespace: str, name: str) -> User:
    """The user that a service account is."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", EVERYBODY)
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


class Rbac:
    def __init__(self, store: Store) -> None:
        self.store = store

    def decide(self, user: User, asked: Asked) -> tuple[bool, str]:
        """(allowed, why), in the words of a SubjectAccessReview."""
        if user.master:
            return True, ""
        if _harmless(asked):
            role = "system:discovery" if asked.path else "system:basic-user"
            return True, f'RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to Group "{EVERYBODY}"'
        missing = []
        for rules, why in self._granted(user, asked.namespace):
            if rules is None:
                missing.append(f"rbac: RBAC: {why}")
            elif any(_covers(rule, asked) for rule in rules):
                return True, f"RBAC: allowed by {why}"
        return False, " ".join(missing[:1])

    def rules(self, user: User, namespace: str) -> list[Object]:
        """All rules that hold for the user there."""
        everything = [_CLUSTER_ADMIN["rules"]] if user.master else []
        return [rule for rules in (*everything, *(found for found, _ in self._granted(user, namespace))) for rule in rules or ()]

    def check(self, user: User, asked: Asked) -> None:
        """Raises ApiError 403 in the API server's words."""
        if user.master:
            return
        allowed, why = self.decide(user, asked)
        if not allowed:
            raise refusal(user, asked, why)

    def _granted(self, user: User, namespace: str) -> Iterator[tuple[list[Object] | None, str]]:
        """(rules, which binding gives them to whom); rules None: the role is not there, and its name."""
        spaces = (("clusterrolebindings", ""), ("rolebindings", namespace))
        for kind, space in spaces:
            for binding in self.store.every(kind, space) if space or kind == "clusterrolebindings" else ():
                subject = next((s for s in binding.get("subjects") or () if _is(user, s, space)), None)
                if subject is not None:
                    yield self._role(binding, subject, space)

    def _role(self, binding: Object, subject: Object, space: str) -> tuple[list[Object] | None, str]:
        ref, name = binding["roleRef"], binding["metadata"]["name"]
        local = ref["kind"] == "Role"
        role = self.store.get("roles" if local else "clusterroles", space if local else "", ref["name"])
        if role is None and not local and ref["name"] == "cluster-admin":
            role = _CLUSTER_ADMIN
        if role is None:
            return None, f'{ref["kind"].lower()}.{_GROUP} "{ref["name"]}" not found'
        what = f'RoleBinding "{name}/{space}"' if space else f'ClusterRoleBinding "{name}"'
        whom = f"{subject.get('namespace') or space}/{subject['name']}" if subject["kind"] == "ServiceAccount" else subject["name"]
        return list(role.get("rules") or ()), f'{what} of {ref["kind"]} "{ref["name"]}" to {subject["kind"]} "{whom}"'


def refusal(user: User, asked: Asked, why: str = "") -> ApiError:
    tail = f": {why}" if why else ""
    if asked.path:
        return ApiError(403, "Forbidden", f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"{tail}', {})
    known = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    what = f'{known} "{asked.name}"' if asked.name else known
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    text = f'User "{user.name}" cannot {asked.verb} resource "{asked.full}" in API group "{asked.group}" {where}'
    details = {key: value for key, value in (("name", asked.name), ("group", asked.group), ("kind", asked.resource)) if value}
    return ApiError(403, "Forbidden", f"{what} is forbidden: {text}{tail}", details)


def _harmless(asked: Asked) -> bool:
    """What every authenticated user may: discovery, and asking about itself."""
    if asked.path:
        return asked.verb == "get" and any(_path(pattern, asked.path) for pattern in _PUBLIC)
    return asked.group in ("authorization.k8s.io", "authentication.k8s.io") and asked.resource in _SELF and asked.verb == "create"


def _is(user: User, subject: Mapping[str, Any], space: str) -> bool:
    match subject.get("kind"):
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            return user.name == f"system:serviceaccount:{subject.get('namespace') or space}:{subject['name']}"
    return False


def _covers(rule: Mapping[str, Any], asked: Asked) -> bool:
    if not _has(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(_path(pattern, asked.path) for pattern in rule.get("nonResourceURLs") or ())
    if not _has(rule.get("apiGroups"), asked.group):
        return False
    resources = rule.get("resources") or ()
    if not (_has(resources, asked.full) or (asked.subresource and f"*/{asked.subresource}" in resources)):
        return False
    names = rule.get("resourceNames") or ()
    return not names or asked.name in names


def _has(allowed: Any, wanted: str) -> bool:
    return "*" in (allowed or ()) or wanted in (allowed or ())


def _path(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def allows(store: Store, user: User) -> Any:
    """The same as SandboxCluster.allow takes it."""
    rbac = Rbac(store)

    def allow(verb: str, kind: str, namespace: str, name: str, subresource: str) -> bool:
        known = KINDS.get(kind)
        return rbac.decide(user, Asked(verb, known.group if known else "", kind, subresource, namespace, name))[0]

    return allow
