"""The two clusters that answer a case: the sandbox in-process, and the API server that KUBECONFIG leads to."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from deliver_sandbox.errors import ApiError
from deliver_sandbox.fixtures import with_prometheus
from deliver_sandbox.http.paths import Request, locate, query
from deliver_sandbox.http.routes import Routes
from deliver_sandbox.http.watch import WatchStream
from deliver_sandbox.world import World


class Target(Protocol):
    registry: str

    def call(self, method: str, url: str, body: Any, content: str, headers: Mapping[str, str] = {}) -> tuple[int, Any]: ...

    def watch(self, url: str) -> list[dict[str, Any]]:
        """The events that have happened since the resourceVersion in the URL."""

    def wait(self, seconds: float, until: Callable[[], bool]) -> bool: ...


def _encoded(body: Any) -> bytes:
    return b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _decoded(data: bytes) -> Any:
    """JSON, or text where the answer is text (logs, proxies)."""
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


class SandboxTarget:
    registry = "registry"

    def __init__(self) -> None:
        self.world = with_prometheus(World())
        self.routes = Routes(self.world)

    def _request(self, method: str, url: str, body: Any, content: str, more: Mapping[str, str] = {}) -> Request:
        parts = urlsplit(url)
        headers = {"content-type": content, "user-agent": "conformance", **{key.lower(): value for key, value in more.items()}}
        found: dict[str, Any] = locate(parts.path) or {}
        return Request(method, parts.path, query(parts.query), headers, _encoded(body), raw_query=parts.query, **found)

    def call(self, method: str, url: str, body: Any, content: str, headers: Mapping[str, str] = {}) -> tuple[int, Any]:
        request = self._request(method, url, body, content, headers)
        if request.flag("watch"):
            try:
                self.routes.permit(request)
                WatchStream(self.world.api, request)
            except ApiError as error:
                return error.code, error.status()
        response = self.routes.answer(request)
        return response.code, _decoded(response.body)

    def watch(self, url: str) -> list[dict[str, Any]]:
        stream = WatchStream(self.world.api, self._request("GET", url, None, "application/json"))
        return [json.loads(line) for line in stream.backlog()]

    def wait(self, seconds: float, until: Callable[[], bool]) -> bool:
        end = self.world.clock.now() + seconds
        while self.world.clock.now() < end:
            if until():
                return True
            self.world.clock.wait(0.2)
        return until()


class RealTarget:
    """Through the official client's connection pool: its TLS and credentials, none of its typed calls."""

    def __init__(self, registry: str) -> None:
        from kubernetes import config

        self.registry = registry
        self.client = config.new_client_from_config()

    def call(self, method: str, url: str, body: Any, content: str, headers: Mapping[str, str] = {}) -> tuple[int, Any]:
        response = self._send(method, url, _encoded(body), content, headers)
        return response.status, _decoded(response.data)

    def watch(self, url: str) -> list[dict[str, Any]]:
        response = self._send("GET", f"{url}&timeoutSeconds=1", b"", "application/json")
        return [json.loads(line) for line in response.data.splitlines()]

    def wait(self, seconds: float, until: Callable[[], bool]) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until():
                return True
            time.sleep(0.2)
        return until()

    def _send(self, method: str, url: str, body: bytes, content: str, more: Mapping[str, str] = {}) -> Any:
        configuration = self.client.configuration
        headers = {"Content-Type": content, "Accept": "application/json", "User-Agent": "conformance", **more}
        token = configuration.get_api_key_with_prefix("authorization")
        if token:
            headers["Authorization"] = token
        pool = self.client.rest_client.pool_manager
        return pool.request(method, configuration.host + url, body=body or None, headers=headers, retries=False, timeout=30.0)
