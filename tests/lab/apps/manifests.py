"""The sample applications as Kubernetes objects, as a user would have written them: plain dicts for `kubectl apply`.

`image` is what `tests/lab/lab image flagd-python` (or flagd-node, unleash-python) prints.
"""

import json
from typing import Any

Object = dict[str, Any]

FLAG = "new-checkout"
CONFIGMAP, KEY, FOLDER = "checkout-flags", "flags.json", "/etc/flags"
PORT, OFREP_PORT = 8080, 8016


def document(flag: str = FLAG, version: int = 0, percent: float = 0) -> str:
    """A flagd document with one boolean flag: `on` for that share of the users. version 0: none, as before anybody's first release."""
    definition: Object = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    if percent:
        on = round(percent * 1000)
        definition["targeting"] = {"fractional": [["on", on], ["off", 100_000 - on]]}
    whole: Object = {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": {flag: definition}}
    return json.dumps(whole | ({"metadata": {"version": str(version)}} if version else {}), indent=2)


def configmap(text: str, name: str = CONFIGMAP, **more: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {KEY: text}, **more}


def flagd_app(image: str, replicas: int = 2, *, name: str = "checkout", configmap: str = CONFIGMAP, **env: str) -> list[Object]:
    """A Deployment that mounts the ConfigMap as a folder, and its Service. The ConfigMap is the caller's. env: ERRORS="on=20" and so on."""
    volume = {"name": "flags", "configMap": {"name": configmap}}
    return _app(name, image, replicas, env, [volume], [{"name": "flags", "mountPath": FOLDER}])


def unleash_app(image: str, replicas: int = 2, *, url: str, token: str, name: str = "checkout", **env: str) -> list[Object]:
    """A Deployment that polls the Unleash server of `lab unleash up`, and its Service."""
    return _app(name, image, replicas, {"UNLEASH_URL": url, "UNLEASH_TOKEN": token, "UNLEASH_APP": name} | env, [], [])


def _app(name: str, image: str, replicas: int, env: dict[str, str], volumes: list[Object], mounts: list[Object]) -> list[Object]:
    labels = {"app": name}
    container = {
        "name": "app",
        "image": image,
        "ports": [{"name": "http", "containerPort": PORT}],  # OFREP's is not declared: the lab's Prometheus scrapes what is
        "env": [{"name": key, "value": value} for key, value in env.items()],
        # a Python pod on a busy machine is slow, and not broken: two that were not ready for a moment lost a request
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 3, "failureThreshold": 5},
        "resources": {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": mounts,
    }
    template = {
        "metadata": {"labels": labels, "annotations": {"prometheus.io/scrape": "true"}},
        "spec": {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 10},
    }
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "labels": labels},
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    ]
