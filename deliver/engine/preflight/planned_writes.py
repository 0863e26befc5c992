"""What a release will write, in order, for a person to read beforehand. Pure."""

from collections.abc import Sequence

from deliver.model.plan import Plan, Side
from deliver.model.release import ServiceSnapshot


def planned_writes(
    plan: Plan, services: Sequence[ServiceSnapshot], deployment: str, candidate: str, autoscaler: str, replicas: int
) -> tuple[str, ...]:
    """What will be written, in order, for a person to read beforehand."""
    names = ", ".join(service.name for service in services)
    plural = "s" if len(services) > 1 else ""
    lines = [f"Deployment {deployment}: spec.paused true (it keeps running, and does not roll)"]
    if autoscaler:
        lines.append(f"HorizontalPodAutoscaler {autoscaler}: spec.minReplicas {replicas}, more if it has grown when all users move")
    lines.append(f"Service{plural} {names}: spec.selector pinned to the stable pods")
    lines.append(f"Deployment {candidate}: created from the template of {deployment} with the new image")
    size, stable = 0, replicas
    preview = f"Service {plan.preview}"
    for step in plan.steps:
        if step.stable_pods != stable:
            lines.append(f"Deployment {deployment}: spec.replicas {step.stable_pods} (temporary)")
        if step.candidate_pods != size:
            lines.append(f"Deployment {candidate}: spec.replicas {step.candidate_pods}")
        size, stable = step.candidate_pods, step.stable_pods
        if step.preview and plan.preview:
            whose = f"Service {services[0].name}" if len(services) == 1 else "the first Service with an address"
            how = f"created with the ports of {whose}" if plan.preview_made else "spec.selector"
            lines.append(f"{preview}: {how}, leads to the candidate alone: {step.name}")
        if step.side is Side.STABLE:
            continue  # the Services are pinned there already
        where = {
            Side.BOTH: "original selector (both sides)",
            Side.CANDIDATE: "pinned to the candidate",
        }
        lines.append(f"Service{plural} {names}: spec.selector {where[step.side]}: {step.name}")
    lines.append(f"Deployment {deployment}: the new image, spec.paused and spec.replicas as before")
    lines.append(f"Service{plural} {names}: pinned to the new pods of {deployment}, then the original selector")
    lines.append(f"Deployment {candidate}: deleted")
    if plan.preview:
        lines.append(f"{preview}: {'deleted' if plan.preview_made else 'spec.selector as before'}")
    if autoscaler:
        lines.append(f"HorizontalPodAutoscaler {autoscaler}: spec.minReplicas as before")
    return tuple(lines)
