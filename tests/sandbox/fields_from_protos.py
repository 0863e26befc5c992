"""Writes sandbox/deliver_sandbox/fields.json: the fields of the API's types, from the generated.proto files of Kubernetes' Go modules.

    python -m tests.sandbox.fields_from_protos GOMODCACHE 0.37.2

A type is a map of JSON name to [number, type, "" | "[]" | "{}"]; "+name" is inlined in JSON.
"""

import json
import re
import sys
from pathlib import Path

from deliver_sandbox.kinds import KINDS

_FIELD = re.compile(r"^\s*(optional|repeated|map<string,)\s*\.?([\w.]+)>?\s+(\w+) = (\d+);")
_INLINE = {
    "LocalObjectReference": "localObjectReference",
    "VolumeSource": "volumeSource",
    "ProbeHandler": "handler",
    "IngressRuleValue": "ingressRuleValue",
    "EphemeralContainerCommon": "ephemeralContainerCommon",
    "PodTemplateSpec": "",
}
_GROUPS = {"": "core", "rbac.authorization.k8s.io": "rbac", "coordination.k8s.io": "coordination", "discovery.k8s.io": "discovery"}
_MORE = (
    "k8s.io.api.autoscaling.v1.Scale",
    "k8s.io.api.authorization.v1.SelfSubjectAccessReview",
    "k8s.io.api.authorization.v1.SelfSubjectRulesReview",
    "k8s.io.api.authentication.v1.TokenRequest",
    "k8s.io.api.policy.v1.Eviction",
    "k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions",
)
Types = dict[str, dict[str, list[object]]]


def parse(text: str, package: str, into: Types) -> None:
    here: dict[str, list[object]] | None = None
    for line in text.splitlines():
        if start := re.match(r"^message (\w+) \{", line):
            here = into.setdefault(f"{package}.{start[1]}", {})
        elif line.startswith("}"):
            here = None
        elif here is not None and (found := _FIELD.match(line)):
            form = {"optional": "", "repeated": "[]"}.get(found[1], "{}")
            kind = found[2]
            if kind[:1].isupper():
                kind = f"{package}.{kind}"
            name = found[3]
            inlined = kind.startswith("k8s.io.") and not form and _INLINE.get(kind.rpartition(".")[2]) == name
            here[("+" if inlined else "") + name] = [int(found[4]), kind, form]


def closure(types: Types, roots: list[str]) -> Types:
    kept: Types = {}
    left = list(roots)
    while left:
        name = left.pop()
        if name not in kept:
            kept[name] = types[name]
            left += [str(kind) for _, kind, _ in types[name].values() if str(kind).startswith("k8s.io.")]
    return dict(sorted(kept.items()))


def main(cache: str, version: str) -> None:
    types: Types = {}
    for module, package in (("api", "k8s.io.api"), ("apimachinery", "k8s.io.apimachinery")):
        root = Path(cache) / "k8s.io" / f"{module}@v{version}"
        for file in root.rglob("generated.proto"):
            parse(file.read_text(), ".".join([package, *file.relative_to(root).parts[:-1]]), types)
    served = [k for k in KINDS.values() if not k.custom]
    folders = {kind.group: _GROUPS.get(kind.group, kind.group.partition(".")[0]) for kind in served}
    roots = [f"k8s.io.api.{folders[kind.group]}.{kind.version}.{kind.kind}" for kind in served]
    kept = closure(types, [*roots, *_MORE])
    lines = [f"{json.dumps(name)}: {json.dumps(fields, separators=(',', ':'))}" for name, fields in kept.items()]
    target = Path(__file__).parents[2] / "sandbox" / "deliver_sandbox" / "fields.json"
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
