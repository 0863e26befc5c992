"""What stands in a namespace, for "equal to before, byte for byte"."""

import json
from typing import Any

from tests.e2e.support.place import Hands, Object

BYSTANDERS = ("secrets", "serviceaccounts", "statefulsets", "daemonsets", "jobs", "ingresses", "networkpolicies", "poddisruptionbudgets")
OURS = "deliver-"  # the record and the lease of a target may stay
HARNESS = "test-"  # accounts that a test made
REVISION = "deployment.kubernetes.io/revision"  # counted up by the Deployment controller


def stripped(obj: Object) -> Object:
    """Without what the API server and its controllers write by themselves."""
    obj = json.loads(json.dumps(obj))
    obj.pop("status", None)
    for key in ("managedFields", "resourceVersion", "generation"):
        obj["metadata"].pop(key, None)
    annotations = obj["metadata"].get("annotations", {})
    annotations.pop(REVISION, None)
    if not annotations:
        obj["metadata"].pop("annotations", None)
    return dict(obj)


def snapshot(hands: Hands) -> dict[str, Any]:
    """ "kind/name" -> the object; of bystanders only that they are there."""
    found: dict[str, Any] = {}
    for kind in ("deployments", "services", "horizontalpodautoscalers", "configmaps"):
        for obj in hands.items(kind):
            if not (kind == "configmaps" and obj["metadata"]["name"].startswith(OURS)):
                found[f"{kind}/{obj['metadata']['name']}"] = stripped(obj)
    for item in hands.items(",".join(BYSTANDERS)):
        if item["metadata"]["name"].startswith(HARNESS):
            continue
        found[f"{item['kind']}/{item['metadata']['name']}"] = item["metadata"]["uid"]
    return found


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """One line for each leaf that is not the same."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys())
        return [line for key in keys for line in differences(before.get(key, "absent"), after.get(key, "absent"), f"{path}/{key}")]
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]


def image_of(obj: Object, container: str = "web") -> str:
    return next(str(one["image"]) for one in obj["spec"]["template"]["spec"]["containers"] if one["name"] == container)


def with_image(before: dict[str, Any], image: str, deployment: str = "web") -> dict[str, Any]:
    """As `kubectl set image` would have left it."""
    after: dict[str, Any] = json.loads(json.dumps(before))
    for container in after[f"deployments/{deployment}"]["spec"]["template"]["spec"]["containers"]:
        if container["name"] == "web":
            container["image"] = image
    return after
