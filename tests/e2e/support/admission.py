"""What admission does to Deployments of a namespace: policies of the API server on the lab, the same rules in Python on the sandbox.

Each is as people have it: Kyverno and sigstore append the digest, others an annotation, a variable, a sidecar, or want a label.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tests.e2e.support.objects import Object

_CONTAINER = "object.spec.template.spec.containers[0]"
_TAG = f'{_CONTAINER}.image.split(":")[size({_CONTAINER}.image.split(":")) - 1]'
SIDECAR = "mesh"


@dataclass(frozen=True)
class Policy:
    """One rule. patches: an expression in CEL for the operations of a JSON patch. mutate: the same, on a Deployment.

    wants: an expression in CEL that must be true, and holds: the same; with the message for those of which it is not.
    """

    name: str
    patches: str = ""
    mutate: Callable[[Object], None] | None = None
    wants: str = ""
    holds: Callable[[Object], bool] | None = None
    message: str = ""

    def objects(self, namespace: str) -> tuple[Object, Object]:
        """The policy and its binding, for one namespace. They have no namespace themselves."""
        kind = "MutatingAdmissionPolicy" if self.patches else "ValidatingAdmissionPolicy"
        name = f"{namespace}-{self.name}"
        rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}
        there = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        spec: Object = {"failurePolicy": "Fail", "matchConstraints": {"namespaceSelector": there, "resourceRules": [rule]}}
        bound: Object = {"policyName": name}
        if self.patches:
            spec |= {"reinvocationPolicy": "Never", "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": self.patches}}]}
        else:
            spec |= {"validations": [{"expression": self.wants, "message": self.message}]}
            bound |= {"validationActions": ["Deny"]}
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
        return {**head, "kind": kind, "spec": spec}, {**head, "kind": f"{kind}Binding", "spec": bound}


def digests(known: Mapping[str, str]) -> Policy:
    """The image's digest is appended. known: by tag."""
    table = "{" + ", ".join(f'"{tag}": "{digest}"' for tag, digest in known.items()) + "}"
    patch = (
        f'[JSONPatch{{op: "replace", path: "/spec/template/spec/containers/0/image", value: {_CONTAINER}.image + "@" + {table}[{_TAG}]}}]'
    )
    return Policy("digest", f'{_CONTAINER}.image.contains("@") ? [] : {patch}', partial(_append, known))


def _append(known: Mapping[str, str], deployment: Object) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    if "@" not in container["image"]:
        container["image"] += f"@{known[container['image'].rpartition(':')[2]]}"


def _annotate(deployment: Object) -> None:
    deployment["spec"]["template"]["metadata"].setdefault("annotations", {})["example.com/scanned"] = "yes"


def _environ(deployment: Object) -> None:
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        if not any(one["name"] == "REGION" for one in container.get("env") or []):
            container.setdefault("env", []).append({"name": "REGION", "value": "north"})


def sidecar(image: str) -> Policy:
    """A second container beside the application, on a port of its own."""
    there = f'object.spec.template.spec.containers.exists(one, one.name == "{SIDECAR}")'
    value = (
        f'Object.spec.template.spec.containers{{name: "{SIDECAR}", image: "{image}",'
        ' env: [Object.spec.template.spec.containers.env{name: "PORT", value: "8081"}]}'
    )
    patch = f'[JSONPatch{{op: "add", path: "/spec/template/spec/containers/-", value: {value}}}]'
    return Policy("sidecar", f"{there} ? [] : {patch}", partial(_beside, image))


def _beside(image: str, deployment: Object) -> None:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    if not any(one["name"] == SIDECAR for one in containers):
        containers.append({"name": SIDECAR, "image": image, "env": [{"name": "PORT", "value": "8081"}]})


ANNOTATION = Policy(
    "annotation",
    '[JSONPatch{op: "add", path: "/spec/template/metadata/annotations/example.com~1scanned", value: "yes"}]',
    _annotate,
)
ENVIRON = Policy(
    "environ",
    f'has({_CONTAINER}.env) ? ({_CONTAINER}.env.exists(one, one.name == "REGION") ? [] : '
    '[JSONPatch{op: "add", path: "/spec/template/spec/containers/0/env/-", '
    'value: Object.spec.template.spec.containers.env{name: "REGION", value: "north"}}]) : '
    '[JSONPatch{op: "add", path: "/spec/template/spec/containers/0/env", '
    'value: [Object.spec.template.spec.containers.env{name: "REGION", value: "north"}]}]',
    _environ,
)
TEAM = Policy(
    "team",
    wants='has(object.metadata.labels) && "team" in object.metadata.labels',
    holds=lambda deployment: "team" in (deployment["metadata"].get("labels") or {}),
    message="every Deployment says whose it is: label team",
)
NO_NEW = Policy(
    "no-new",
    wants=f'!{_CONTAINER}.image.contains(":1.1.0")',
    holds=lambda deployment: ":1.1.0" not in deployment["spec"]["template"]["spec"]["containers"][0]["image"],
    message="image web:1.1.0 has no signature",
)
