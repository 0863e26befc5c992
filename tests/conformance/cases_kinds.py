"""Kinds and forms that users' commands make beside the ones that deliver does, and the further ways to read and write."""

from typing import Any

from tests.conformance.calls import (
    APPS,
    CONFIGMAPS,
    CORE,
    DEPLOYMENTS,
    LEASES,
    MERGE,
    PODS,
    SCALERS,
    SERVICES,
    SLICES,
    STRATEGIC,
    Call,
    Case,
    Until,
    autoscaler,
    configmap,
    deployment,
    made,
    pod,
    service,
    version,
)

_WEB, _CM, _SVC = f"{DEPLOYMENTS}/web", f"{CONFIGMAPS}/a", f"{SERVICES}/web"
SECRETS, EVENTS, ACCOUNTS = f"{CORE}/secrets", f"{CORE}/events", f"{CORE}/serviceaccounts"
SETS, STATEFUL, DAEMONS = f"{APPS}/replicasets", f"{APPS}/statefulsets", f"{APPS}/daemonsets"
BUDGETS = "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"
_META = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METAS = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def _event(name: str, reason: str, **more: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "namespace": "{ns}", "name": "p", "apiVersion": "v1"}
    head = {"metadata": {"name": name}, "involvedObject": about, "reason": reason, "message": "m", "type": "Normal"}
    return {**head, "source": {"component": "conformance"}, "count": 1, "firstTimestamp": "2026-01-05T09:00:00Z", **more}


KINDS = (
    Case(
        "kind/secret",
        (
            Call("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"a": "b"}}),
            Call("PATCH", f"{SECRETS}/s", {"stringData": {"c": "d"}}, MERGE),
            Call("PATCH", f"{SECRETS}/s", {"data": {"a": None}}, STRATEGIC),
            Call("POST", SECRETS, {"metadata": {"name": "t"}, "data": {"a": "!"}}),
            Call("PATCH", f"{SECRETS}/s", {"type": "other"}, MERGE),
            Call("GET", SECRETS, query="fieldSelector=type%3DOpaque"),
            Call("DELETE", f"{SECRETS}/s"),
        ),
    ),
    Case(
        "kind/service account",
        (
            Call("POST", ACCOUNTS, {"metadata": {"name": "robot"}}),
            Call("GET", f"{ACCOUNTS}/robot"),
            Call("DELETE", f"{ACCOUNTS}/robot"),
            Call("POST", f"{ACCOUNTS}/none/token", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}),
        ),
    ),
    Case(
        "kind/stateful set",
        (
            Call(
                "POST",
                STATEFUL,
                {
                    "metadata": {"name": "db"},
                    "spec": {
                        "replicas": 0,
                        "serviceName": "db",
                        "selector": {"matchLabels": {"a": "db"}},
                        "template": {"metadata": {"labels": {"a": "db"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}},
                    },
                },
            ),
            Call("GET", f"{STATEFUL}/db/scale"),
            Call("DELETE", f"{STATEFUL}/db", {"propagationPolicy": "Background"}),
        ),
    ),
    Case(
        "kind/daemon set",
        (
            Call(
                "POST",
                DAEMONS,
                {
                    "metadata": {"name": "agent"},
                    "spec": {
                        "selector": {"matchLabels": {"a": "agent"}},
                        "template": {
                            "metadata": {"labels": {"a": "agent"}},
                            "spec": {"containers": [{"name": "c", "image": "x:1"}], "nodeSelector": {"no": "where"}},
                        },
                    },
                },
            ),
            Call("GET", f"{DAEMONS}/agent/scale"),
        ),
    ),
    Case(
        "kind/replica set",
        (
            Call(
                "POST",
                SETS,
                {
                    "metadata": {"name": "rs"},
                    "spec": {
                        "replicas": 0,
                        "selector": {"matchLabels": {"a": "rs"}},
                        "template": {"metadata": {"labels": {"a": "rs"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}},
                    },
                },
            ),
            Until(f"{SETS}/rs", lambda a: (a.get("status") or {}).get("observedGeneration") == 1),
            Call("GET", f"{SETS}/rs/scale"),
            Call("DELETE", f"{SETS}/rs", {"propagationPolicy": "Background"}),
        ),
    ),
    Case(
        "kind/budget",
        (Call("POST", BUDGETS, {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}}),),
    ),
    Case(
        "kind/event",
        (
            Call("POST", EVENTS, _event("e1", "Started")),
            made(EVENTS, _event("e2", "Stopped", type="Warning")),
            Call("GET", EVENTS, query="fieldSelector=reason%3DStopped"),
            Call("GET", EVENTS, query="fieldSelector=involvedObject.name%3Dp,type%3DNormal"),
            Call("GET", EVENTS, query="fieldSelector=involvedObject.kind%3DDeployment"),
            Call("PATCH", f"{EVENTS}/e1", {"count": 2}, MERGE),
            Call("POST", EVENTS, _event("e3", "Started", involvedObject={"kind": "Pod", "namespace": "default", "name": "p"})),
        ),
    ),
    Case(
        "kind/slice by hand",
        (
            Call(
                "POST",
                SLICES,
                {
                    "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "none"}},
                    "addressType": "IPv4",
                    "endpoints": [{"addresses": ["192.0.2.1"]}],
                    "ports": [{"port": 80}],
                },
            ),
            Call("PATCH", f"{SLICES}/s", {"addressType": "IPv6"}, MERGE),
            Call("PATCH", f"{SLICES}/s", {"endpoints": []}, MERGE),
        ),
    ),
    Case(
        "kind/services of other types",
        (
            Call("POST", SERVICES, service("head", clusterIP="None")),
            Call("POST", SERVICES, {"metadata": {"name": "ext"}, "spec": {"type": "ExternalName", "externalName": "example.com"}}),
            Call("POST", SERVICES, {"metadata": {"name": "bare"}, "spec": {"ports": [{"port": 80}]}}),
            Call("POST", SERVICES, service("unready", publishNotReadyAddresses=True)),
            Call("POST", SERVICES, service("ext2", type="ExternalName")),
            Call("PATCH", f"{SERVICES}/bare", {"spec": {"ports": [{"port": 81, "name": "x"}]}}, STRATEGIC),
            Call("DELETE", f"{SERVICES}/head"),
        ),
    ),
    Case(
        "kind/autoscaler with metrics",
        (
            Call(
                "POST",
                SCALERS,
                autoscaler(
                    minReplicas=2,
                    metrics=[
                        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
                    ],
                    behavior={"scaleDown": {"stabilizationWindowSeconds": 60}},
                ),
            ),
            Call("PATCH", f"{SCALERS}/h", {"spec": {"minReplicas": 9}}, MERGE),
            Call("PATCH", f"{SCALERS}/h", {"spec": {"maxReplicas": 0}}, MERGE),
            Call("DELETE", f"{SCALERS}/h"),
        ),
    ),
    Case(
        "kind/namespace",
        (
            Call("PATCH", CORE, {"metadata": {"labels": {"team": "a"}}}, MERGE),
            Call("GET", "/api/v1/namespaces", query="fieldSelector=metadata.name%3D{ns}".replace("{ns}", "conformance-kind-namespace")),
            Call("POST", "/api/v1/namespaces", {"metadata": {"name": "Bad_Name"}}),
            Call("POST", "/api/v1/namespaces", {"metadata": {"name": "{ns}"}}),
            Call("DELETE", "/api/v1/namespaces/conformance-none"),
            Call("GET", f"{CORE}/status"),
        ),
    ),
)


READS = (
    Case(
        "read/metadata alone",
        (
            made(CONFIGMAPS, configmap(labels={"a": "b"})),
            Call("GET", _CM, accept=_META),
            Call("GET", CONFIGMAPS, query="labelSelector=a", accept=_METAS),
        ),
    ),
    Case(
        "read/media types",
        (made(CONFIGMAPS, configmap()), Call("GET", _CM, accept="text/plain"), Call("GET", _CM, accept="*/*")),
    ),
    Case(
        "read/versions",
        (
            made(LEASES, {"metadata": {"name": "a"}}),
            Call("GET", f"{LEASES}/a", query="resourceVersion=0"),
            Call("GET", LEASES, query="resourceVersion=0"),
            Call("GET", LEASES, query=lambda past: f"resourceVersion={version(past[0])}&resourceVersionMatch=NotOlderThan"),
            Call("GET", LEASES, query=lambda past: f"resourceVersion={version(past[0])}&resourceVersionMatch=Exact"),
        ),
    ),
    Case(
        "read/pages are one moment",
        (
            *(made(LEASES, {"metadata": {"name": name}}) for name in "abcd"),
            Call("GET", LEASES, query="limit=2", shown=False),
            Call("DELETE", f"{LEASES}/c", shown=False),
            made(LEASES, {"metadata": {"name": "ca"}}),
            Call("PATCH", f"{LEASES}/d", {"metadata": {"labels": {"late": "1"}}}, MERGE, shown=False),
            Call("GET", LEASES, query=lambda past: f"limit=1&continue={past[4]['metadata']['continue']}"),
            Call("GET", LEASES, query=lambda past: f"limit=5&continue={past[-1]['metadata']['continue']}"),
            Call("GET", LEASES),
        ),
    ),
    Case(
        "read/pages of a selection",
        (
            *(made(LEASES, {"metadata": {"name": name, "labels": {"odd": str(at % 2)}}}) for at, name in enumerate("abcde")),
            Call("GET", LEASES, query="limit=2&labelSelector=odd%3D0", shown=False),
            Call("GET", LEASES, query=lambda past: f"limit=2&labelSelector=odd%3D0&continue={past[-1]['metadata']['continue']}"),
        ),
    ),
    Case(
        "read/fields of pods",
        (
            made(PODS, pod("a")),
            made(PODS, pod("b")),
            Call("GET", PODS, query="fieldSelector=status.phase%3DPending,metadata.name%3Da", accept=_METAS),
            Call("GET", PODS, query="fieldSelector=status.phase%3DRunning"),
            Call("GET", PODS, query="fieldSelector=spec.nodeName%3D", accept=_METAS),
            Call("GET", PODS, query="fieldSelector=status.phase!%3DPending"),
        ),
    ),
    Case(
        "read/logs and proxies of what is not there",
        (
            Call("GET", f"{PODS}/none/log"),
            Call("GET", f"{PODS}/none/proxy/"),
            Call("GET", f"{SERVICES}/none/proxy/"),
            made(PODS, pod()),
            Call("GET", f"{PODS}/p/log", query="container=none"),
            made(SERVICES, service()),
            Call("GET", f"{SERVICES}/web/proxy/"),
            Call("GET", f"{SERVICES}/web:none/proxy/"),
        ),
    ),
)


WRITES = (
    Case(
        "update/scale",
        (
            made(DEPLOYMENTS, deployment(paused=True)),
            Call("PUT", f"{_WEB}/scale", {"metadata": {"name": "web", "namespace": "{ns}"}, "spec": {"replicas": 2}}),
            Call("PUT", f"{_WEB}/scale", {"metadata": {"name": "web", "resourceVersion": "1"}, "spec": {"replicas": 2}}),
            Call("PUT", f"{_WEB}/scale", {"metadata": {"name": "other"}, "spec": {"replicas": 2}}),
        ),
    ),
    Case(
        "update/status",
        (
            made(SERVICES, service()),
            Call("GET", f"{_SVC}/status"),
            Call("PATCH", f"{_SVC}/status", {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}, MERGE),
            Call("PATCH", f"{_SVC}/status", {"metadata": {"labels": {"a": "b"}}}, MERGE),
        ),
    ),
    Case(
        "update/forms",
        (
            made(LEASES, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}),
            Call("PUT", f"{LEASES}/l", {"metadata": {"name": "l"}, "spec": {"holderIdentity": "you"}}),
            Call("PUT", f"{LEASES}/new", {"metadata": {"name": "new"}, "spec": {"holderIdentity": "me"}}),
            Call("PUT", f"{LEASES}/l", {"metadata": {"name": "l", "resourceVersion": "1"}}),
            Call("PUT", f"{LEASES}/l", {"metadata": {"name": "l", "uid": "1234"}}),
            Call("PUT", f"{LEASES}/l", {"metadata": {"name": "l", "namespace": "elsewhere"}}),
            Call("PUT", f"{LEASES}/l", {"metadata": {}}),
            Call("PUT", f"{LEASES}/l", {"metadata": {"name": "l"}}, query="dryRun=All"),
            Call("GET", f"{LEASES}/l"),
        ),
    ),
    Case(
        "quota/pod refused",
        (
            made(f"{CORE}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}}),
            Until(f"{CORE}/resourcequotas/q", lambda a: "used" in a.get("status", {}), shown=False),
            Call("POST", PODS, pod()),
            Call("POST", PODS, pod(), query="dryRun=All"),
            Call("PATCH", f"{CORE}/resourcequotas/q", {"spec": {"hard": {"pods": "1", "requests.cpu": "1"}}}, MERGE),
            Until(f"{CORE}/resourcequotas/q", lambda a: "requests.cpu" in a.get("status", {}).get("used", {})),
            Call("POST", PODS, pod()),
        ),
    ),
)


CASES = (*KINDS, *READS, *WRITES)
