"""What a user has in the cluster before deliver comes: a Deployment, its Services, perhaps an autoscaler."""

from typing import Any

Object = dict[str, Any]
LABELS = {"app": "web"}


def deployment(image: str, replicas: int, *, name: str = "web", labels: dict[str, str] | None = None, delay: int = 0) -> Object:
    """delay: seconds before the first readiness probe; then its pods are replaced one at a time."""
    labels = labels or LABELS
    container = {
        "name": "web",
        "image": image,
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 2}
        | ({"initialDelaySeconds": delay} if delay else {}),
        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            **({"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}} if delay else {}),
            "template": {
                "metadata": {"labels": labels, "annotations": {"prometheus.io/scrape": "true"}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 20},
            },
        },
    }


def service(name: str = "web", selector: dict[str, str] | None = None, **spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"app": "web"}, "annotations": {"example.com/owner": "shop"}},
        "spec": {"selector": LABELS if selector is None else selector, "ports": ports, **spec},
    }


def autoscaler(minimum: int | None, maximum: int) -> Object:
    """There is no metrics server on the lab: it scales to its minimum and stays there, which is what the tests need."""
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
    bounds = {"maxReplicas": maximum} | ({} if minimum is None else {"minReplicas": minimum})
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "metrics": [metric], **bounds},
    }


def quota(pods: int) -> Object:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}, "spec": {"hard": {"pods": str(pods)}}}


def account(name: str, role: str) -> list[Object]:
    """A ServiceAccount in the namespace, bound to a Role there."""
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": name}],
        },
    ]
