"""The HorizontalPodAutoscaler controller on a load signal that the test gives: how many pods the load needs."""

import math
from collections.abc import Callable

from deliver.model.objects import Object
from deliver_sandbox.api import Api, stamp
from deliver_sandbox.controllers.base import Controller, with_condition
from deliver_sandbox.controllers.events import Events
from deliver_sandbox.store import Change

PERIOD = 15.0
SCALE_DOWN = 300.0
SOURCE = "horizontal-pod-autoscaler"


class AutoscalerController(Controller):
    """load: (namespace, deployment) -> pods' worth of load, None = no metric.

    Bounds hold at once; scaling down goes to the highest wish of the last 300 s.
    """

    delay = 0.1

    def __init__(self, api: Api, events: Events, load: Callable[[str, str], float | None]) -> None:
        super().__init__(api)
        self.events, self.load = events, load
        self._wanted: dict[tuple[str, str], list[tuple[float, int]]] = {}

    def see(self, change: Change) -> None:
        if change.kind == "horizontalpodautoscalers" and (change.old is None or change.old["spec"] != change.obj["spec"]):
            self.poke(change.namespace, change.name)

    def sync(self, namespace: str, name: str) -> None:
        hpa = self.store.get("horizontalpodautoscalers", namespace, name)
        if hpa is None:
            return
        self.later(PERIOD, namespace, name)
        target = hpa["spec"]["scaleTargetRef"]
        found = self.store.get("deployments", namespace, target["name"]) if target["kind"] == "Deployment" else None
        if found is None:
            text = f'the HPA controller was unable to get the target\'s current scale: deployments.apps "{target["name"]}" not found'
            self._report(hpa, 0, 0, "AbleToScale", "False", "FailedGetScale", text)
            return
        current = found["spec"]["replicas"]
        if current == 0:
            text = "scaling is disabled since the replica count of the target is zero"
            self._report(hpa, 0, 0, "ScalingActive", "False", "ScalingDisabled", text)
            return
        desired = self._desired(hpa, current)
        if desired != current:
            self.api.commit("deployments", found, {**found, "spec": {**found["spec"], "replicas": desired}})
            why = "cpu resource utilization (percentage of request) above target" if desired > current else "All metrics below target"
            text = f"New size: {desired}; reason: {why}"
            self.events.tell(hpa, "SuccessfulRescale", text, source=SOURCE)
        self._report(hpa, current, desired, "AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
        hpa = self.store.get("horizontalpodautoscalers", namespace, name) or hpa
        if self.load(namespace, target["name"]) is None:
            text = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu"
            self._report(hpa, current, desired, "ScalingActive", "False", "FailedGetResourceMetric", text)
        else:
            text = "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"
            self._report(hpa, current, desired, "ScalingActive", "True", "ValidMetricFound", text)

    def _desired(self, hpa: Object, current: int) -> int:
        key, spec = (hpa["metadata"]["namespace"], hpa["metadata"]["name"]), hpa["spec"]
        load = self.load(hpa["metadata"]["namespace"], spec["scaleTargetRef"]["name"])
        now, wanted = self.clock.now(), current
        if load is not None:
            past = [item for item in self._wanted.get(key, []) if item[0] > now - SCALE_DOWN]
            past.append((now, math.ceil(load)))
            self._wanted[key] = past
            highest = max(value for _, value in past)
            wanted = past[-1][1] if past[-1][1] > current else min(current, highest)
        return max(int(spec.get("minReplicas") or 1), min(int(spec["maxReplicas"]), wanted))

    def _report(self, hpa: Object, current: int, desired: int, type_: str, status: str, reason: str, message: str) -> None:
        old = hpa["status"]
        conditions = old.get("conditions") or []
        known = next((item for item in conditions if item["type"] == type_), None)
        if known is None or (known["status"], known["reason"]) != (status, reason):
            item = {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": stamp(self.clock.now())}
            conditions = with_condition(conditions, item)
        new = {**old, "currentReplicas": current, "desiredReplicas": desired, "conditions": conditions}
        if not current:
            del new["currentReplicas"]
        self.api.commit("horizontalpodautoscalers", hpa, {**hpa, "status": new})
