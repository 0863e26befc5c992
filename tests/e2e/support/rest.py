"""The sandbox's hands: the requests that kubectl would send, under the names that it writes into managedFields."""

import functools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from deliver_sandbox.api import APPLY, MERGE, STRATEGIC
from deliver_sandbox.http.paths import Request, locate, query
from deliver_sandbox.http.routes import Routes
from deliver_sandbox.kinds import KINDS
from tests.e2e.support.pace import Pace, eventually

Object = dict[str, Any]
JSON = "application/json"


def plural(kind: str) -> str:
    """As kubectl takes it: singular or plural, any case, or short. "" for what the sandbox does not serve."""
    wanted = kind.lower()
    return next((one.plural for one in KINDS.values() if wanted in (one.plural, one.kind.lower(), *one.short)), "")


class Rest:
    def __init__(self, namespace: str, routes: Callable[[], Routes], pace: Pace, kubeconfig: Object) -> None:
        self.namespace, self.routes, self.pace, self.kubeconfig = namespace, routes, pace, kubeconfig

    def elsewhere(self, namespace: str) -> "Rest":
        return Rest(namespace, self.routes, self.pace, self.kubeconfig)

    def _send(self, method: str, url: str, body: Any = None, content: str = JSON, manager: str = "kubectl") -> tuple[int, bytes]:
        parts = urlsplit(url)
        found: dict[str, Any] = locate(parts.path) or {}
        headers = {"content-type": content, "user-agent": f"{manager}/v1.37.2", **self._credentials()}
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.routes().answer(Request(method, parts.path, query(parts.query), headers, sent, raw_query=parts.query, **found))
        return answer.code, answer.body

    def _credentials(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.kubeconfig['users'][0]['user']['token']}"}

    def _done(self, method: str, url: str, body: Any = None, content: str = JSON, manager: str = "kubectl") -> Any:
        code, answer = self._send(method, url, body, content, manager)
        if code >= 300:
            raise AssertionError(f"{method} {url}: {code}: {answer.decode()}")
        return json.loads(answer)

    def _path(self, kind: str, name: str = "", namespace: str = "", subresource: str = "") -> str:
        known = KINDS[plural(kind)]
        group = f"/apis/{known.api}" if known.group else f"/api/{known.api}"
        space = f"/namespaces/{namespace or self.namespace}" if known.namespaced else ""
        return "/".join(part for part in (f"{group}{space}/{known.plural}", name, subresource) if part)

    # ------------------------------------------------------------ look

    def get(self, kind: str, name: str) -> Object:
        return dict(self._done("GET", self._path(kind, name)))

    def find(self, kind: str, name: str) -> Object | None:
        code, answer = self._send("GET", self._path(kind, name))
        return None if code == 404 else dict(json.loads(answer))

    def items(self, kinds: str, selector: str = "") -> list[Object]:
        found = []
        for kind in filter(plural, kinds.split(",")):
            listing = self._done("GET", f"{self._path(kind)}?{urlencode({'labelSelector': selector})}")
            known = KINDS[plural(kind)]
            found += [{"apiVersion": known.api, "kind": known.kind, **item} for item in listing["items"]]
        return found

    def names(self, kinds: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.items(kinds))

    def read(self, path: str) -> str:
        code, answer = self._send("GET", path)
        assert code < 300, f"GET {path}: {code}: {answer.decode()}"
        return answer.decode()

    # ------------------------------------------------------------ do

    def apply(self, *objects: Object) -> None:
        for obj in objects:
            meta = obj["metadata"]
            url = f"{self._path(obj['kind'], meta['name'], meta.get('namespace', ''))}?fieldManager=kubectl"
            self._done("PATCH", url, obj, APPLY)

    def patch(self, kind: str, name: str, body: Object) -> None:
        self._done("PATCH", f"{self._path(kind, name)}?fieldManager=kubectl-patch", body, MERGE)

    def patch_status(self, kind: str, name: str, body: Object) -> None:
        self._done("PATCH", f"{self._path(kind, name, subresource='status')}?fieldManager=kubectl-patch", body, MERGE)

    def delete(self, *things: str, wait: bool = True) -> None:
        for thing in things:
            kind, _, name = thing.partition("/")
            code, answer = self._send("DELETE", self._path(kind, name), {"propagationPolicy": "Background"})
            assert code < 300 or code == 404, f"delete {thing}: {code}: {answer.decode()}"
        for thing in things if wait else ():
            kind, _, name = thing.partition("/")
            eventually(f"{thing} is gone", functools.partial(self._gone, kind, name), pace=self.pace)

    def _gone(self, kind: str, name: str) -> bool:
        return self.find(kind, name) is None

    def scale(self, deployment: str, replicas: int) -> None:
        url = self._path("deployments", deployment, subresource="scale")
        now = self._done("GET", url)
        self._done("PUT", f"{url}?fieldManager=kubectl", now | {"spec": {"replicas": replicas}})

    def set_image(self, deployment: str, image: str) -> None:
        body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}}
        self._done("PATCH", f"{self._path('deployments', deployment)}?fieldManager=kubectl-set", body, STRATEGIC)

    def label_pods(self, **labels: str) -> None:
        for name in self.names("pods"):
            self._done("PATCH", f"{self._path('pods', name)}?fieldManager=kubectl-label", {"metadata": {"labels": labels}}, MERGE)

    def post(self, path: str) -> None:
        code, answer = self._send("POST", path)
        assert code < 300, f"POST {path}: {code}: {answer.decode()}"

    def create_namespace(self) -> None:
        self._done("POST", self._path("namespaces"), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    def remove_namespace(self) -> None:
        self._send("DELETE", self._path("namespaces", self.namespace))

    # ------------------------------------------------------------ be somebody

    def token(self, account: str) -> str:
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        url = f"/api/v1/namespaces/{quote(self.namespace)}/serviceaccounts/{quote(account)}/token"
        return str(self._done("POST", url, asked)["status"]["token"])

    def config(self) -> Object:
        return dict(json.loads(json.dumps(self.kubeconfig)))
