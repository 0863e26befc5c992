"""The oracle: what stands in the cluster, read by kubectl and not by the code under test."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

Object = dict[str, Any]


class Kubectl:
    def __init__(self, namespace: str, environ: Mapping[str, str]) -> None:
        self.namespace, self.environ = namespace, environ

    def __call__(self, *args: str, text: str | None = None, check: bool = True, timeout: float = 90) -> str:
        command = ["kubectl", "-n", self.namespace, *args]
        done = subprocess.run(command, input=text, capture_output=True, text=True, env=dict(self.environ), timeout=timeout, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def elsewhere(self, namespace: str) -> "Kubectl":
        return Kubectl(namespace, self.environ)

    def get(self, kind: str, name: str) -> Object:
        return dict(json.loads(self("get", kind, name, "-o", "json", "--show-managed-fields=false")))

    def find(self, kind: str, name: str) -> Object | None:
        found = self("get", kind, name, "-o", "json", "--ignore-not-found")
        return dict(json.loads(found)) if found else None

    def items(self, kind: str, selector: str = "") -> list[Object]:
        narrowed = ["-l", selector] if selector else []
        return list(json.loads(self("get", kind, *narrowed, "-o", "json"))["items"])

    def names(self, kind: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.items(kind))

    def apply(self, *objects: Object) -> None:
        self("apply", "--server-side", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def patch(self, kind: str, name: str, body: Object) -> None:
        self("patch", kind, name, "--type=merge", "-p", json.dumps(body))


def eventually(what: str, probe: Callable[[], Any], timeout: float = 30, every: float = 0.2) -> Any:
    """The probe's first true answer."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what} (last answer: {answer!r})")
        time.sleep(every)
