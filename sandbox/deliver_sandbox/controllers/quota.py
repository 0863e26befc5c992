"""ResourceQuota: what a namespace may hold. Admission refuses in the API server's words; the controller keeps status.used."""

from deliver.cluster.quantity import quantity
from deliver.model.objects import Object
from deliver_sandbox.api import Api
from deliver_sandbox.controllers.base import Controller
from deliver_sandbox.errors import forbidden
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.store import Change

_COUNTED = {"pods", "services", "configmaps", "secrets", "resourcequotas"}


def usage(kind: str, obj: Object) -> dict[str, float]:
    """What one object takes of the quotas it counts for."""
    used = {f"count/{KINDS[kind].qualified}": 1.0}
    if kind in _COUNTED:
        used[kind] = 1.0
    if kind == "pods":
        if (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return {}
        for container in obj["spec"].get("containers") or ():
            for part in ("requests", "limits"):
                for name, value in ((container.get("resources") or {}).get(part) or {}).items():
                    for key in (f"{part}.{name}", *((name,) if part == "requests" else ())):
                        used[key] = used.get(key, 0.0) + float(quantity(value))
    return used


class QuotaController(Controller):
    delay = 0.1

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        api.admission.append(self.admit)

    def see(self, change: Change) -> None:
        if change.kind in ("resourcequotas", "pods", "configmaps", "services"):
            for quota in self.store.every("resourcequotas", change.namespace):
                self.poke(change.namespace, quota["metadata"]["name"])

    def _used(self, namespace: str, names: set[str]) -> dict[str, float]:
        total = dict.fromkeys(names, 0.0)
        kinds = {name.partition("/")[2].partition(".")[0] for name in names if "/" in name} | _COUNTED
        for kind in sorted(kinds & set(KINDS)):
            for obj in self.store.every(kind, namespace):
                for name, value in usage(kind, obj).items():
                    if name in total:
                        total[name] += value
        return total

    def admit(self, kind: str, obj: Object, old: Object | None) -> None:
        if old is not None:
            return
        wanted = usage(kind, obj)
        for quota in self.store.every("resourcequotas", obj["metadata"].get("namespace", "")):
            hard = quota["spec"].get("hard") or {}
            names = sorted(set(wanted) & set(hard))
            if not names and kind != "pods":
                continue
            if missing := _unasked(obj, hard) if kind == "pods" else []:
                why = f"failed quota: {quota['metadata']['name']}: must specify {'; '.join(missing)}"
                raise forbidden(kind, obj["metadata"]["name"], why)
            used = self._used(obj["metadata"]["namespace"], set(names))
            over = [name for name in names if used[name] + wanted[name] > quantity(hard[name])]
            if over:
                asked, have, limit = (",".join(f"{name}={_text(of[name])}" for name in over) for of in (wanted, used, hard))
                why = f"exceeded quota: {quota['metadata']['name']}, requested: {asked}, used: {have}, limited: {limit}"
                raise forbidden(kind, obj["metadata"]["name"], why)

    def sync(self, namespace: str, name: str) -> None:
        quota = self.store.get("resourcequotas", namespace, name)
        if quota is not None:
            hard = quota["spec"].get("hard") or {}
            used = {key: _text(value) for key, value in self._used(namespace, set(hard)).items()}
            self.api.commit("resourcequotas", quota, {**quota, "status": {"hard": hard, "used": used}})


def _unasked(pod: Object, hard: Object) -> list[str]:
    """What of cpu and memory the quota limits and a container of the pod does not say."""
    found = []
    for name in sorted(hard):
        part, _, what = name.partition(".")
        part, what = (part, what) if what else ("requests", part)
        if part in ("requests", "limits") and what in ("cpu", "memory"):
            silent = [c["name"] for c in pod["spec"].get("containers") or () if what not in ((c.get("resources") or {}).get(part) or {})]
            found += [f"{name} for: {','.join(silent)}"] if silent else []
    return found


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
