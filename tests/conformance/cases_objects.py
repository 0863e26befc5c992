"""Create, get, list, update, delete: codes, words, defaults, selectors."""

from typing import Any

from tests.conformance.calls import (
    CONFIGMAPS,
    CORE,
    DEPLOYMENTS,
    LEASES,
    PODS,
    SCALERS,
    SERVICES,
    Call,
    Case,
    autoscaler,
    configmap,
    deployment,
    made,
    service,
    version,
)

_POD = {"containers": [{"name": "c", "image": "$registry/web:1.0.0"}], "nodeSelector": {"no": "where"}}


def _template(labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}


CREATE = (
    Case("create/deployment", (Call("POST", DEPLOYMENTS, deployment()),)),
    Case(
        "create/deployment latest image",
        (Call("POST", DEPLOYMENTS, {**deployment(), "spec": {**deployment()["spec"], "template": _template({"app": "web"})}}),),
    ),
    Case("create/recreate strategy", (Call("POST", DEPLOYMENTS, deployment(strategy={"type": "Recreate"})),)),
    Case("create/paused", (Call("POST", DEPLOYMENTS, deployment(paused=True)),)),
    Case("create/service", (Call("POST", SERVICES, service()),)),
    Case("create/service named port", (Call("POST", SERVICES, service(ports=[{"name": "http", "port": 80, "targetPort": "web"}])),)),
    Case("create/service session affinity", (Call("POST", SERVICES, service(sessionAffinity="ClientIP")),)),
    Case("create/configmap", (Call("POST", CONFIGMAPS, configmap()),)),
    Case("create/generate name", (Call("POST", CONFIGMAPS, {"metadata": {"generateName": "a-"}, "data": {"x": "y"}}),)),
    Case(
        "create/lease",
        (
            Call(
                "POST",
                LEASES,
                {
                    "metadata": {"name": "l"},
                    "spec": {
                        "holderIdentity": "me",
                        "leaseDurationSeconds": 15,
                        "leaseTransitions": 3,
                        "renewTime": "2026-01-05T09:00:00.000000Z",
                    },
                },
            ),
        ),
    ),
    Case("create/pod unscheduled", (Call("POST", PODS, {"metadata": {"name": "p"}, "spec": _POD}),)),
    Case(
        "create/autoscaler",
        (Call("POST", SCALERS, autoscaler()),),
    ),
    Case("create/quota", (Call("POST", f"{CORE}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "3"}}}),)),
    Case("create/twice", (made(CONFIGMAPS, configmap()), Call("POST", CONFIGMAPS, configmap()))),
    Case("create/twice deployment", (made(DEPLOYMENTS, deployment()), Call("POST", DEPLOYMENTS, deployment()))),
    Case("create/dry run", (Call("POST", CONFIGMAPS, configmap(), query="dryRun=All"), Call("GET", f"{CONFIGMAPS}/a"))),
    Case("create/dry run of what exists", (made(CONFIGMAPS, configmap()), Call("POST", CONFIGMAPS, configmap(), query="dryRun=All"))),
    Case("create/no namespace", (Call("POST", "/api/v1/namespaces/conformance-none/configmaps", configmap()),)),
    Case("create/other namespace in body", (Call("POST", CONFIGMAPS, configmap(namespace="elsewhere")),)),
    Case("create/no name", (Call("POST", CONFIGMAPS, {"metadata": {}}),)),
    Case("create/bad name", (Call("POST", CONFIGMAPS, configmap("Web_3")),)),
    Case("create/bad service name", (Call("POST", SERVICES, service("web.a")),)),
    Case("create/with resourceVersion", (Call("POST", CONFIGMAPS, configmap(resourceVersion="5")),)),
    Case("create/number for text", (Call("POST", CONFIGMAPS, configmap(data={"x": 5})),)),
    Case("create/label number", (Call("POST", CONFIGMAPS, configmap(labels={"x": 5})),)),
    Case("create/bad label", (Call("POST", CONFIGMAPS, configmap(labels={"x": "a b"})),)),
    Case("create/text for number", (Call("POST", DEPLOYMENTS, deployment(replicas="a")),)),
    Case("create/negative replicas", (Call("POST", DEPLOYMENTS, deployment(replicas=-1)),)),
    Case("create/selector differs from labels", (Call("POST", DEPLOYMENTS, deployment(template=_template({"a": "c"}))),)),
    Case("create/no selector", (Call("POST", DEPLOYMENTS, {"metadata": {"name": "w"}, "spec": {"template": _template({"a": "b"})}}),)),
    Case("create/no containers", (Call("POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": []}}),)),
    Case("create/service without ports", (Call("POST", SERVICES, {"metadata": {"name": "s"}, "spec": {"selector": {"a": "b"}}}),)),
    Case(
        "create/autoscaler minimum above maximum",
        (Call("POST", SCALERS, autoscaler("d", minReplicas=6)),),
    ),
    Case(
        "create/autoscaler minimum zero",
        (Call("POST", SCALERS, autoscaler("d", minReplicas=0)),),
    ),
)

READ = (
    Case(
        "get/none",
        (
            Call("GET", f"{CONFIGMAPS}/none"),
            Call("GET", f"{DEPLOYMENTS}/none"),
            Call("GET", f"{PODS}/none"),
            Call("GET", f"{SCALERS}/none"),
        ),
    ),
    Case("get/unknown resource", (Call("GET", f"{CORE}/nonsense"),)),
    Case(
        "get/unknown namespace",
        (Call("GET", "/api/v1/namespaces/conformance-none"), Call("GET", "/api/v1/namespaces/conformance-none/pods")),
    ),
    Case("get/namespace", (Call("GET", CORE),)),
    Case(
        "get/review",
        (
            Call(
                "POST",
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                {
                    "apiVersion": "authorization.k8s.io/v1",
                    "kind": "SelfSubjectAccessReview",
                    "spec": {"resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "{ns}"}},
                },
            ),
        ),
    ),
    Case("list/empty", (Call("GET", DEPLOYMENTS),)),
    Case(
        "list/selectors",
        (
            made(LEASES, {"metadata": {"name": "a", "labels": {"app": "web", "tier": "1"}}}),
            made(LEASES, {"metadata": {"name": "b", "labels": {"app": "web"}}}),
            made(LEASES, {"metadata": {"name": "c", "labels": {"app": "api"}}}),
            *(
                Call("GET", LEASES, query=f"labelSelector={text}")
                for text in (
                    "app%3Dweb",
                    "app%3D%3Dweb",
                    "app!%3Dweb",
                    "app%20in%20(web,api)",
                    "app%20notin%20(web)",
                    "tier",
                    "!tier",
                    "app%3Dweb,!tier",
                )
            ),
            Call("GET", LEASES, query="fieldSelector=metadata.name%3Db"),
            Call("GET", LEASES, query="fieldSelector=metadata.name!%3Db"),
            Call("GET", LEASES, query="labelSelector=app%3Dweb&fieldSelector=metadata.name%3Da"),
        ),
    ),
    Case("list/bad label selector", (Call("GET", CONFIGMAPS, query="labelSelector=a%3D%3D%3Db"),)),
    Case("list/bad field selector", (Call("GET", CONFIGMAPS, query="fieldSelector=data.x%3Db"),)),
    Case(
        "list/pages",
        (
            *(made(LEASES, {"metadata": {"name": name}}) for name in "abc"),
            Call("GET", LEASES, query="limit=2", shown=False),
            Call("GET", LEASES, query=lambda past: f"limit=2&continue={past[-1]['metadata']['continue']}"),
        ),
    ),
)

CHANGE = (
    Case("update/whole", (made(CONFIGMAPS, configmap()), Call("PUT", f"{CONFIGMAPS}/a", configmap(data={"y": "2"})))),
    Case("update/stale", (made(CONFIGMAPS, configmap()), Call("PUT", f"{CONFIGMAPS}/a", configmap(resourceVersion="1")))),
    Case("update/none", (Call("PUT", f"{CONFIGMAPS}/none", configmap("none")),)),
    Case("update/other name", (made(CONFIGMAPS, configmap()), Call("PUT", f"{CONFIGMAPS}/a", configmap("b")))),
    Case(
        "update/lease in turn",
        (
            made(LEASES, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}),
            Call(
                "PUT",
                f"{LEASES}/l",
                lambda past: {"metadata": {"name": "l", "resourceVersion": version(past[-1])}, "spec": {"holderIdentity": "you"}},
            ),
        ),
    ),
    Case("delete/configmap", (made(CONFIGMAPS, configmap()), Call("DELETE", f"{CONFIGMAPS}/a"), Call("GET", f"{CONFIGMAPS}/a"))),
    Case("delete/none", (Call("DELETE", f"{CONFIGMAPS}/none"), Call("DELETE", f"{DEPLOYMENTS}/none"))),
    Case("delete/wrong uid", (made(DEPLOYMENTS, deployment()), Call("DELETE", f"{DEPLOYMENTS}/web", {"preconditions": {"uid": "1234"}}))),
    Case(
        "delete/right uid",
        (
            made(CONFIGMAPS, configmap()),
            Call("DELETE", f"{CONFIGMAPS}/a", lambda past: {"preconditions": {"uid": past[-1]["metadata"]["uid"]}}),
        ),
    ),
    Case(
        "delete/wrong version",
        (made(CONFIGMAPS, configmap()), Call("DELETE", f"{CONFIGMAPS}/a", {"preconditions": {"resourceVersion": "1"}})),
    ),
    Case(
        "delete/dry run",
        (made(CONFIGMAPS, configmap()), Call("DELETE", f"{CONFIGMAPS}/a", query="dryRun=All"), Call("GET", f"{CONFIGMAPS}/a")),
    ),
    Case(
        "delete/finalizer",
        (
            made(CONFIGMAPS, configmap(finalizers=["deliver.dev/test"])),
            Call("DELETE", f"{CONFIGMAPS}/a"),
            Call("GET", f"{CONFIGMAPS}/a"),
            Call("PATCH", f"{CONFIGMAPS}/a", {"metadata": {"finalizers": None}}, "application/merge-patch+json"),
            Call("GET", f"{CONFIGMAPS}/a"),
        ),
    ),
    Case(
        "delete/unscheduled pod",
        (made(PODS, {"metadata": {"name": "p"}, "spec": _POD}), Call("DELETE", f"{PODS}/p", shown=False), Call("GET", f"{PODS}/p")),
    ),
    Case(
        "immutable/configmap",
        (
            made(CONFIGMAPS, {**configmap(), "immutable": True}),
            Call("PATCH", f"{CONFIGMAPS}/a", {"data": {"x": "2"}}, "application/merge-patch+json"),
        ),
    ),
)
CASES = (*CREATE, *READ, *CHANGE)
