"""Does the namespace's ResourceQuota have room for the pods a release adds? Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from deliver.cluster.quantity import quantity
from deliver.model.objects import Object
from deliver.plugins.interfaces import Finding


def per_pod(template: Mapping[str, Any]) -> dict[str, Decimal]:
    """What one pod of a template counts for, by quota key."""
    need: dict[str, Decimal] = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for container in template["spec"]["containers"]:
        resources = container.get("resources") or {}
        for group in ("requests", "limits"):
            for name, amount in (resources.get(group) or {}).items():
                for key in [f"{group}.{name}", *([name] if group == "requests" else [])]:
                    need[key] = need.get(key, Decimal(0)) + quantity(amount)
    return need


def quota_findings(quotas: Sequence[Object], template: Mapping[str, Any], extra: int) -> list[Finding]:
    """extra: pods that run beside what runs now, at the most."""
    need, found = per_pod(template), []
    for quota in quotas:
        if quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"):
            continue  # whether a scoped quota takes these pods in is for the API server to say
        used = (quota.get("status") or {}).get("used") or {}
        for key, hard in ((quota.get("status") or {}).get("hard") or quota["spec"].get("hard") or {}).items():
            wanted = need.get(key, Decimal(0)) * extra
            free = quantity(hard) - quantity(used.get(key, "0"))
            if wanted > free:
                name = quota["metadata"]["name"]
                text = f"ResourceQuota {name} has {free:f} {key} left, the release needs {wanted:f} for up to {extra} more pods"
                found.append(Finding("quota", "refuse", text, "raise the quota, or take smaller steps"))
    return found
