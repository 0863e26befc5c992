"""Does the namespace's ResourceQuota have room for the pods a release adds? Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

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


@dataclass(frozen=True)
class Room:
    """What the quotas leave for pods of one template: (quota, key, what is free, what one pod needs) of each key that they count for."""

    left: tuple[tuple[str, str, Decimal, Decimal], ...] = ()

    @classmethod
    def of(cls, quotas: Sequence[Object], template: Mapping[str, Any]) -> Self:
        """Raises ValueError for a quota that cannot be understood."""
        need = per_pod(template)
        return cls(
            tuple((quota["metadata"]["name"], key, free, need[key]) for quota in quotas for key, free in _free(quota) if need.get(key))
        )

    @property
    def pods(self) -> int | None:
        """So many more of them; None: no quota sets a limit."""
        return min((int(max(Decimal(0), free) // one) for _, _, free, one in self.left), default=None)

    def findings(self, extra: int) -> list[Finding]:
        """extra: pods that run beside what runs now, at the most."""
        found = []
        for name, key, free, one in self.left:
            if (wanted := one * extra) > free:
                text = f"ResourceQuota {name} has {free:f} {key} left, the release needs {wanted:f} for up to {extra} more pods"
                found.append(Finding("quota", "refuse", text, "raise the quota, or take smaller steps"))
        return found


def _free(quota: Object) -> Iterator[tuple[str, Decimal]]:
    """What is left of each key; whether a scoped quota takes these pods in is for the API server to say."""
    if quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"):
        return
    used = (quota.get("status") or {}).get("used") or {}
    for key, hard in ((quota.get("status") or {}).get("hard") or quota["spec"].get("hard") or {}).items():
        yield key, quantity(hard) - quantity(used.get(key, "0"))
