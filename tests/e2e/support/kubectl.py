"""The lab's hands: kubectl."""

import json
import subprocess
from collections.abc import Mapping
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

    # ------------------------------------------------------------ look

    def get(self, kind: str, name: str) -> Object:
        return dict(json.loads(self("get", kind, name, "-o", "json", "--show-managed-fields=false")))

    def find(self, kind: str, name: str) -> Object | None:
        found = self("get", kind, name, "-o", "json", "--ignore-not-found")
        return dict(json.loads(found)) if found else None

    def items(self, kinds: str, selector: str = "") -> list[Object]:
        narrowed = ["-l", selector] if selector else []
        return list(json.loads(self("get", kinds, *narrowed, "-o", "json"))["items"])

    def names(self, kinds: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.items(kinds))

    def read(self, path: str) -> str:
        return self("get", "--raw", path)

    # ------------------------------------------------------------ do

    def apply(self, *objects: Object) -> None:
        self("apply", "--server-side", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def patch(self, kind: str, name: str, body: Object) -> None:
        self("patch", kind, name, "--type=merge", "-p", json.dumps(body))

    def patch_status(self, kind: str, name: str, body: Object) -> None:
        self("patch", kind, name, "--subresource=status", "--type=merge", "-p", json.dumps(body))

    def delete(self, *things: str, wait: bool = True) -> None:
        self("delete", *things, f"--wait={str(wait).lower()}", "--ignore-not-found")

    def scale(self, deployment: str, replicas: int) -> None:
        self("scale", f"deployment/{deployment}", f"--replicas={replicas}")

    def set_image(self, deployment: str, image: str) -> None:
        self("set", "image", f"deployment/{deployment}", f"web={image}")

    def label_pods(self, **labels: str) -> None:
        self("label", "pods", "--all", *(f"{key}={value}" for key, value in labels.items()))

    def post(self, path: str) -> None:
        self("create", "--raw", path, "-f", "/dev/null")

    def create_namespace(self) -> None:
        self("create", "namespace", self.namespace)

    def remove_namespace(self) -> None:
        self("delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found", check=False)

    # ------------------------------------------------------------ be somebody

    def token(self, account: str) -> str:
        return self("create", "token", account, "--duration=1h").strip()

    def config(self) -> Object:
        return dict(json.loads(self("config", "view", "--raw", "--minify", "-o", "json")))
