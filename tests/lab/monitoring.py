"""The lab's Prometheus: how often it scrapes, and how late it shows what it has."""

import json
import re
from dataclasses import dataclass, replace

from core import LabError

EVERY, LATE = (1, 60), (0, 120)
"""Seconds, from and to."""
META = {"name": "prometheus", "namespace": "monitoring"}


@dataclass(frozen=True)
class Settings:
    """Seconds. late: samples are seen so long after they were taken."""

    interval: int = 2
    late: int = 0

    def __str__(self):
        return f"scrapes every {self.interval} s, shows samples {f'{self.late} s late' if self.late else 'at once'}"


def changed(settings, argv):
    """What `lab prometheus ARGV` asks for: what it does not name stays."""
    if not argv or len(argv) % 2:
        raise LabError("prometheus: say --interval 30s, --late 30s or both")
    for option, value in zip(argv[::2], argv[1::2], strict=True):
        match option:
            case "--interval":
                settings = replace(settings, interval=_seconds(option, value, *EVERY))
            case "--late":
                settings = replace(settings, late=_seconds(option, value, *LATE))
            case _:
                raise LabError(f"prometheus: no option {option}; there are --interval and --late")
    return settings


def _seconds(option, text, least, most):
    found = re.fullmatch(r"(\d+)(s|m)?", text)
    seconds = int(found[1]) * (60 if found[2] == "m" else 1) if found else -1
    if not least <= seconds <= most:
        raise LabError(f"prometheus: {option} {text}: must be {least}s to {most}s, in whole seconds")
    return seconds


def config(interval):
    """prometheus.yml, as JSON."""
    every = f"{interval}s"
    return json.dumps({
        "global": {"scrape_interval": every, "scrape_timeout": f"{min(interval, 2)}s", "evaluation_interval": every},
        "scrape_configs": [{
            "job_name": "pods",
            "kubernetes_sd_configs": [{"role": "pod"}],
            "relabel_configs": [
                {"source_labels": ["__meta_kubernetes_pod_annotation_prometheus_io_scrape"], "regex": "true", "action": "keep"},
                {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Pending|Succeeded|Failed", "action": "drop"},
                {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
                {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
                {"source_labels": ["__meta_kubernetes_pod_label_pod_template_hash"], "target_label": "pod_template_hash"},
            ],
        }],
    })


def interval_of(text):
    """The other way round; also of what /api/v1/status/config answers, which is YAML."""
    return int(re.search(r"\bscrape_interval\W+(\d+)s", text)[1])


def service(behind):
    """Everybody's way to it. behind: the app whose pod answers."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": META,
            "spec": {"selector": {"app": behind}, "ports": [{"name": "http", "port": 9090}]}}


def late_store(image, late):
    """What stands between the Service and Prometheus while samples are shown late: it has a Service of its own meanwhile."""
    name = META | {"name": "prometheus-at-once"}
    labels, meta = {"app": "late"}, META | {"name": "late"}
    container = {
        "name": "late", "image": image, "args": [f"-to=http://{name['name']}.{name['namespace']}.svc.cluster.local:9090", f"-by={late}s"],
        "ports": [{"name": "http", "containerPort": 9090}],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": "http"}, "periodSeconds": 1},
    }
    return [
        service("prometheus") | {"metadata": name},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta | {"labels": labels}, "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {
                "containers": [container], "securityContext": {"runAsUser": 65532, "runAsNonRoot": True}}}}},
    ]


def late_of(deployments):
    """How late, by the Deployments of the namespace."""
    found = [item for item in deployments if item["metadata"]["name"] == "late"]
    return int(re.search(r"-by=(\d+)s", str(found[0]["spec"]))[1]) if found else 0
