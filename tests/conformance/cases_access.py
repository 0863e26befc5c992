"""RBAC: who may do what, in whose words it is refused, and what a user learns of its own rights."""

from typing import Any

from tests.conformance.calls import CONFIGMAPS, CORE, DEPLOYMENTS, LEASES, MERGE, PODS, Call, Case, Until, configmap, deployment, made

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES, BINDINGS = f"{_RBAC}/namespaces/{{ns}}/roles", f"{_RBAC}/namespaces/{{ns}}/rolebindings"
CLUSTER_ROLES, CLUSTER_BINDINGS = f"{_RBAC}/clusterroles", f"{_RBAC}/clusterrolebindings"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_ME = "someone"


def _role(*rules: dict[str, Any], name: str = "r", kind: str = "Role") -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": list(rules)}


def _rule(resources: list[str], verbs: list[str], groups: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return {"apiGroups": [""] if groups is None else groups, "resources": resources, "verbs": verbs, **more}


def _bound(
    subject: dict[str, str] | None = None, role: str = "r", kind: str = "Role", name: str = "b", what: str = "RoleBinding"
) -> dict[str, Any]:
    user = {"kind": "User", "name": _ME, "apiGroup": "rbac.authorization.k8s.io"}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": what, "metadata": {"name": name}}
    return {**head, "subjects": [subject or user], "roleRef": ref}


def _as(method: str, path: str, body: Any = None, how: str = "application/json", user: str = _ME, **more: Any) -> Call:
    return Call(method, path, body, how, user=user, **more)


def _review(verb: str, resource: str, group: str = "", **more: str) -> Call:
    what = {"verb": verb, "group": group, "resource": resource, "namespace": "{ns}", **more}
    return _as("POST", REVIEWS, {"spec": {"resourceAttributes": what}})


def _known(path: str = CONFIGMAPS, user: str = _ME, group: str = "") -> Until:
    """A real authorizer hears of a binding a moment after it was made."""
    return Until(path, lambda answer: answer.get("code") != 403, shown=False, user=user, group=group)


def _lost(user: str = _ME) -> Until:
    return Until(CONFIGMAPS, lambda answer: answer.get("code") == 403, user=user)


_NONE = "labelSelector=none"
_READER = (made(ROLES, _role(_rule(["configmaps"], ["get", "list"]))), made(BINDINGS, _bound()), made(CONFIGMAPS, configmap()), _known())

CASES = (
    Case(
        "access/nobody",
        (
            _as("GET", CONFIGMAPS),
            _as("GET", f"{CONFIGMAPS}/a"),
            _as("POST", CONFIGMAPS, configmap()),
            _as("PATCH", f"{CONFIGMAPS}/a", {"data": {}}, MERGE),
            _as("PUT", f"{CONFIGMAPS}/a", configmap()),
            _as("DELETE", f"{CONFIGMAPS}/a"),
            _as("DELETE", CONFIGMAPS),
            _as("GET", CONFIGMAPS, query="watch=1"),
            _as("GET", f"{DEPLOYMENTS}/web"),
            _as("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 1}}, MERGE),
            _as("PATCH", f"{DEPLOYMENTS}/web/status", {"status": {}}, MERGE),
            _as("GET", f"{PODS}/p/log"),
            _as("GET", "/api/v1/nodes"),
            _as("GET", "/api/v1/namespaces"),
            _as("GET", CORE),
            _as("GET", "/apis/apps/v1/deployments"),
            _as("POST", "/api/v1/namespaces", {"metadata": {"name": "conformance-not-made"}}),
        ),
    ),
    Case(
        "access/role",
        (
            *_READER,
            _as("GET", f"{CONFIGMAPS}/a"),
            _as("GET", f"{CONFIGMAPS}/none"),
            _as("GET", CONFIGMAPS, query=_NONE),
            _as("DELETE", f"{CONFIGMAPS}/a"),
            _as("PATCH", f"{CONFIGMAPS}/a", {"data": {"x": "2"}}, MERGE),
            _as("GET", CONFIGMAPS, query="watch=1"),
            _as("GET", LEASES),
            _as("GET", "/api/v1/configmaps"),
            _as("GET", "/api/v1/namespaces/default/configmaps"),
        ),
    ),
    Case(
        "access/reviews",
        (
            *_READER,
            _review("get", "configmaps"),
            _review("delete", "configmaps"),
            _review("get", "configmaps", name="a"),
            _review("get", "configmaps", subresource="status"),
            _review("list", "deployments", "apps"),
            _review("*", "configmaps"),
            # one that a single binding allows: of several the real server names any
            _as("POST", REVIEWS, {"spec": {"nonResourceAttributes": {"path": "/apis", "verb": "get"}}}),
            _as("POST", REVIEWS, {"spec": {}}),
        ),
    ),
    Case(
        "access/names",
        (
            made(ROLES, _role(_rule(["configmaps"], ["get", "patch"], resourceNames=["a"]))),
            made(BINDINGS, _bound()),
            made(CONFIGMAPS, configmap()),
            made(CONFIGMAPS, configmap("b")),
            _known(f"{CONFIGMAPS}/a"),
            _as("GET", f"{CONFIGMAPS}/a"),
            _as("PATCH", f"{CONFIGMAPS}/a", {"data": {"x": "2"}}, MERGE),
            _as("GET", f"{CONFIGMAPS}/b"),
            _as("GET", CONFIGMAPS),
            _as("GET", CONFIGMAPS, query="fieldSelector=metadata.name%3Da"),
        ),
    ),
    Case(
        "access/subresources",
        (
            made(ROLES, _role(_rule(["deployments/scale"], ["*"], ["apps"]))),
            made(BINDINGS, _bound()),
            made(DEPLOYMENTS, deployment(paused=True)),
            _known(f"{DEPLOYMENTS}/web/scale"),
            _as("GET", f"{DEPLOYMENTS}/web/scale"),
            _as("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 2}}, MERGE),
            _as("GET", f"{DEPLOYMENTS}/web"),
            _as("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": 2}}, MERGE),
        ),
    ),
    Case(
        "access/everything",
        (
            made(ROLES, _role(_rule(["*"], ["*"], ["*"]))),
            made(BINDINGS, _bound()),
            _known(),
            _as("POST", CONFIGMAPS, configmap()),
            _as("GET", DEPLOYMENTS),
            _as("DELETE", f"{CONFIGMAPS}/a"),
            _as("GET", "/api/v1/nodes"),
        ),
    ),
    Case(
        "access/apply wants patch and create",
        (
            made(ROLES, _role(_rule(["configmaps"], ["patch", "list"]))),
            made(BINDINGS, _bound()),
            _known(),
            _as("PATCH", f"{CONFIGMAPS}/a", configmap(), "application/apply-patch+yaml", query="fieldManager=me"),
            made(CONFIGMAPS, configmap()),
            _as("PATCH", f"{CONFIGMAPS}/a", configmap(data={"y": "2"}), "application/apply-patch+yaml", query="fieldManager=me"),
        ),
    ),
    Case(
        "access/cluster role in one namespace",
        (
            made(CLUSTER_ROLES, _role(_rule(["configmaps"], ["list"]), name="{ns}", kind="ClusterRole")),
            made(BINDINGS, _bound(role="{ns}", kind="ClusterRole")),
            _known(),
            _as("GET", CONFIGMAPS, query=_NONE),
            _as("GET", "/api/v1/configmaps", query="limit=1"),
            Call("DELETE", f"{CLUSTER_ROLES}/{{ns}}", shown=False),
            _lost(),
        ),
    ),
    Case(
        "access/cluster role everywhere",
        (
            made(CLUSTER_ROLES, _role(_rule(["configmaps"], ["list"]), name="{ns}", kind="ClusterRole")),
            made(
                CLUSTER_BINDINGS,
                _bound({"kind": "User", "name": "{ns}"}, role="{ns}", kind="ClusterRole", name="{ns}", what="ClusterRoleBinding"),
            ),
            _known(user="{ns}"),
            _as("GET", CONFIGMAPS, user="{ns}", query=_NONE),
            _as("GET", "/api/v1/configmaps", user="{ns}", query=_NONE),
            _as("GET", "/api/v1/secrets", user="{ns}"),
            Call("DELETE", f"{CLUSTER_BINDINGS}/{{ns}}", shown=False),
            Call("DELETE", f"{CLUSTER_ROLES}/{{ns}}", shown=False),
            _lost(user="{ns}"),
        ),
    ),
    Case(
        "access/service account",
        (
            made(f"{CORE}/serviceaccounts", {"metadata": {"name": "robot"}}),
            made(ROLES, _role(_rule(["configmaps"], ["list"]))),
            made(BINDINGS, _bound({"kind": "ServiceAccount", "name": "robot", "namespace": "{ns}"})),
            _known(user="system:serviceaccount:{ns}:robot"),
            _as("GET", CONFIGMAPS, user="system:serviceaccount:{ns}:robot", query=_NONE),
            _as("GET", LEASES, user="system:serviceaccount:{ns}:robot"),
            _as("GET", CONFIGMAPS, user="system:serviceaccount:{ns}:other"),
        ),
    ),
    Case(
        "access/group",
        (
            made(ROLES, _role(_rule(["configmaps"], ["list"]))),
            made(BINDINGS, _bound({"kind": "Group", "name": "team", "apiGroup": "rbac.authorization.k8s.io"})),
            _known(group="team"),
            _as("GET", CONFIGMAPS, group="team", query=_NONE),
            _as("GET", CONFIGMAPS, group="others"),
        ),
    ),
    Case(
        "access/a role that is not there",
        (
            Call("POST", BINDINGS, _bound(role="none")),
            Until(CONFIGMAPS, lambda answer: "RBAC" in answer.get("message", ""), user=_ME),
            _as("GET", f"{CONFIGMAPS}/a"),
            _review("list", "configmaps"),
        ),
    ),
    Case(
        "access/roles as objects",
        (
            *_READER,
            Call("GET", f"{_RBAC}/namespaces/{{ns}}/roles/r"),
            Call("GET", f"{_RBAC}/namespaces/{{ns}}/rolebindings/b"),
            Call("GET", ROLES),
            Call("PATCH", f"{BINDINGS}/b", {"roleRef": {"name": "other"}}, MERGE),
            Call("PATCH", f"{BINDINGS}/b", {"subjects": []}, MERGE),
            _lost(),
            Call("DELETE", f"{ROLES}/r"),
            Call("GET", f"{ROLES}/r"),
        ),
    ),
    Case(
        "access/bad roles",
        (
            Call("POST", ROLES, _role({"apiGroups": [""], "resources": ["pods"]})),
            Call("POST", ROLES, _role({"verbs": ["get"], "resources": ["pods"]})),
            Call("POST", ROLES, _role({"verbs": ["get"], "apiGroups": [""]})),
            Call("POST", ROLES, _role({"verbs": ["get"], "nonResourceURLs": ["/x"]})),
            Call("POST", BINDINGS, _bound(kind="Nonsense")),
            Call("POST", BINDINGS, _bound({"kind": "Nonsense", "name": "x"})),
            Call("POST", BINDINGS, {**_bound(), "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ""}}),
            Call("POST", ROLES, _role(_rule(["pods"], ["get"]), name="has/slash")),
            Call("POST", ROLES, _role()),
        ),
    ),
)
