"""What forbids a release of a Deployment, from its objects alone. Pure."""

from collections.abc import Iterator, Sequence

from deliver.formatting.durations import words
from deliver.model.errors import InputError
from deliver.model.names import image_reference
from deliver.model.objects import Object
from deliver.model.places import image_at
from deliver.model.plan import Plan, Side
from deliver.model.spec import ReleaseSpec
from deliver.plugins.interfaces import Abilities, Finding

PROBE = "add one, or a health check of deliver's"
GITOPS = ("argocd", "kustomize-controller", "helm-controller", "fleet")
WHOLE = 1e-6  # of a router's finest part


def check_image(image: str) -> None:
    """An image names its version. Raises InputError."""
    if not image.strip():
        hint = "--image registry/web:1.4.2, or `image:` in deliver.yaml"
        raise InputError("no image given", why="a release needs the image of the new version", hint=hint)
    try:
        image_reference(image)
    except ValueError as error:
        why = "an image without a tag means `latest`: two pods may run two versions" if "has no tag" in str(error) else ""
        raise InputError(str(error), why=why, hint="registry/name:tag or registry/name@sha256:...") from None


def keda_findings(scaler: Object) -> Iterator[Finding]:
    """KEDA puts an autoscaler's minReplicas back within milliseconds: the release could not hold the stable side by it.

    The HorizontalPodAutoscaler carries this label of its ScaledObject (keda-operator, pkg/scaling, hpa.go).
    """
    owner = (scaler["metadata"].get("labels") or {}).get("scaledobject.keda.sh/name")
    floor, pods = scaler["spec"].get("minReplicas") or 1, (scaler.get("status") or {}).get("currentReplicas") or 0
    if owner and floor < pods:
        text = f"HorizontalPodAutoscaler {scaler['metadata']['name']} is KEDA's, which puts its minReplicas ({floor}) back at once"
        hint = (
            f"raise `minReplicaCount` of ScaledObject {owner} to {pods} for the release: {pods} pods serve now, and must not become fewer"
        )
        yield Finding("keda", "refuse", text, hint)


def deployment_findings(deployment: Object, image: str, containers: Sequence[str]) -> list[Finding]:
    """Not in a state to be released from."""
    spec, status, name = deployment["spec"], deployment.get("status") or {}, deployment["metadata"]["name"]
    wanted = spec.get("replicas", 1)
    found = []
    if all(image_at(spec["template"], container) == image for container in containers):
        found.append(Finding("unchanged", "already", f"Deployment {name} runs {image} already", "there is nothing to release"))
    if spec.get("paused"):
        found.append(
            Finding(
                "paused",
                "refuse",
                f"Deployment {name} is paused",
                f"`kubectl rollout resume deployment/{name}` first; what it would roll out is not known to be good",
            )
        )
    if wanted == 0:
        found.append(
            Finding(
                "no-replicas", "refuse", f"Deployment {name} is scaled to 0", "there is no traffic to shift; `kubectl set image` is enough"
            )
        )
    behind = status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0)
    if behind or status.get("updatedReplicas", 0) < wanted or status.get("replicas", 0) > status.get("updatedReplicas", 0):
        found.append(
            Finding(
                "rolling",
                "refuse",
                f"a rollout of Deployment {name} is in progress",
                f"wait for `kubectl rollout status deployment/{name}`",
            )
        )
    elif status.get("availableReplicas", 0) < wanted:
        able = status.get("availableReplicas", 0)
        text = f"Deployment {name} is not fully available: {able} of {wanted} pods"
        where = f"deployment/{name} -n {deployment['metadata']['namespace']} {' '.join(f'{one}={image}' for one in containers)}"
        dead = f"no pod of it serves anybody, so there is no way back to it: `kubectl set image {where}` replaces it at once"
        weak = f"the stable side must be whole: it is the way back; `kubectl rollout status deployment/{name}` waits for it"
        found.append(Finding("unavailable", "refuse", text, weak if status.get("readyReplicas") else dead))
    return found + template_findings(deployment)


def template_findings(deployment: Object) -> list[Finding]:
    """Doubtful, but not forbidden."""
    name = deployment["metadata"]["name"]
    found = [
        Finding("no-readiness", "warn", f"container {container['name']} has no readinessProbe: it gets users as soon as it runs", PROBE)
        for container in deployment["spec"]["template"]["spec"]["containers"]
        if not container.get("readinessProbe")
    ]
    managers = {entry.get("manager") or "" for entry in deployment["metadata"].get("managedFields") or []}
    if tools := sorted(m for m in managers if any(word in m for word in GITOPS)):
        hint = "let it ignore /spec/template, /spec/paused and the Services' /spec/selector during a release, or it will undo the steps"
        found.append(Finding("gitops", "warn", f"{', '.join(tools)} manages Deployment {name}", hint))
    return found


def extra_pods(plan: Plan, stable: int) -> int:
    """The most pods a release runs beside those of before; the finish rolls the Deployment while the candidate stands at full size."""
    most = max(step.candidate_pods + step.stable_pods for step in plan.steps) - stable
    return max(most, plan.steps[-1].candidate_pods + max(1, -(-stable // 4)))


def unjudged_findings(spec: ReleaseSpec, plan: Plan | None = None) -> list[Finding]:
    if spec.analysis.metrics or spec.analysis.health:
        return []
    if plan and any(step.checks for step in plan.steps):
        text = "no metrics and no health checks: once users are on the candidate it is judged by pod facts alone"
        return [Finding("unjudged", "warn", text, "--prometheus with --errors and --requests, or --health-http")]
    return [
        Finding(
            "unjudged",
            "warn",
            "no metrics and no health checks: judged by pod facts alone (crashes, readiness, image pulls)",
            "--prometheus with --errors and --requests, or --health-http",
        )
    ]


def duration_findings(spec: ReleaseSpec, plan: Plan, seconds: float) -> list[Finding]:
    """seconds: what the release takes at the least, without the time that people are given to answer."""
    total, asked = spec.limits.total, sum(step.approval_timeout for step in plan.steps if step.approval)
    if seconds + asked <= total:
        return []
    takes = (
        f", with the time to approve it, may take {words(seconds + asked)}," if seconds <= total else f" takes at least {words(seconds)},"
    )
    text = f"the release{takes} and is held after {words(total)} (`limits.total`)"
    return [Finding("too-long", "warn", text, "give it more with --timeout, or less to its bakes, its hold and its approvals")]


def check_weights(plan: Plan, router: str, able: Abilities) -> None:
    """Raises InputError for a weight that the router cannot give."""
    for step in (step for step in plan.steps if step.by_weight and step.side is Side.BOTH):
        parts = step.weight / able.weight_step if able.weight_step else 0.5
        if abs(parts - round(parts)) > WHOLE:
            finest = f"its finest part is {able.weight_step:g} %" if able.weight_step else "its traffic follows the ready endpoints"
            hint = "choose a router that can (`deliver plugins`)" if not able.weight_step else "choose weights that are multiples of it"
            raise InputError(f"router `{router}` cannot send {step.weight:g} % of the requests to the candidate", why=finest, hint=hint)
