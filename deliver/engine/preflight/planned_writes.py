"""What a release will write, in order, for a person to read beforehand. Pure."""

from deliver.model.plan import Exposure, Side
from deliver.model.release import Release
from deliver.plugins.checked_router import CheckedRouter


def planned_writes(release: Release, router: CheckedRouter, replicas: int) -> tuple[str, ...]:
    """replicas: of the stable side now. What the router writes is said by itself."""
    plan, before, candidate = release.plan, release.snapshot, release.candidate
    deployment, autoscaler = release.spec.target.deployment, before.autoscaler.name if before.autoscaler else ""
    lines = [f"Deployment {deployment}: spec.paused true (it keeps running, and does not roll)"]
    if autoscaler:
        lines.append(f"HorizontalPodAutoscaler {autoscaler}: spec.minReplicas {replicas}, more if it has grown when all users move")
    lines += router.planned_writes(release, Exposure(Side.STABLE, before.hash))
    lines.append(f"Deployment {candidate}: created from the template of {deployment} with the new image")
    size, stable = 0, replicas
    preview = f"Service {plan.preview}"
    for step in plan.steps:
        if step.stable_pods != stable:
            whose = f"HorizontalPodAutoscaler {autoscaler}: spec.minReplicas" if autoscaler else f"Deployment {deployment}: spec.replicas"
            lines.append(f"{whose} {step.stable_pods} (temporary)")
        if step.candidate_pods != size:
            lines.append(f"Deployment {candidate}: spec.replicas {step.candidate_pods}")
        size, stable = step.candidate_pods, step.stable_pods
        if step.preview and plan.preview:
            whose = f"Service {before.services[0].name}" if len(before.services) == 1 else "the first Service with an address"
            how = f"created with the ports of {whose}" if plan.preview_made else "spec.selector"
            lines.append(f"{preview}: {how}, leads to the candidate alone: {step.name}")
        if step.side is Side.STABLE:
            continue  # users are there already
        lines += [f"{line}: {step.name}" for line in router.planned_writes(release, step.exposure(before.hash, ""))]
    lines.append(f"Deployment {deployment}: the new image, spec.paused and spec.replicas as before")
    lines += router.planned_writes(release, None)
    lines.append(f"Deployment {candidate}: deleted")
    if plan.preview:
        lines.append(f"{preview}: {'deleted' if plan.preview_made else 'spec.selector as before'}")
    if autoscaler:
        lines.append(f"HorizontalPodAutoscaler {autoscaler}: spec.minReplicas as before")
    return tuple(lines)
