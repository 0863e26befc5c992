"""GET a path of the pod, and look at the status and, if wanted, for a text in the body."""

import time
from typing import ClassVar, Literal

from pydantic import BaseModel, Field, field_validator

from deliver.formatting.sanitize import one_line
from deliver.health.client import NO_ADDRESS, Answer, Request, direct, judged, send
from deliver.health.options import CheckOptions
from deliver.http.client import Reply
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Probe, Reach

SECRET = ("authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token")


class HttpOptions(CheckOptions):
    """A probe of one path."""

    path: str = Field("/", pattern=r"^/[^\s#]*$", max_length=1000, description="path to GET")
    scheme: Literal["http", "https"] = Field("http", description="https: the pod's certificate is not checked, as the kubelet does")
    status: tuple[int, ...] = Field((), description="answers that are healthy; when none is given, 200 to 299")
    contains: str = Field("", description="text that the body must hold (in its first 64 KiB)")
    headers: dict[str, str] = Field(default_factory=dict, description="headers to send, none of them secret")
    via: Literal["proxy", "direct"] = Field("proxy", description="through the API server's proxy, or straight to the pod's address")

    @field_validator("headers")
    @classmethod
    def _no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if name.lower() in SECRET:
                raise ValueError(f"`{name}` may hold a secret, and this file is no place for one")
            if not name.isascii() or not value.isprintable() or any(c in ": \t\r\n" for c in name) or not name:
                raise ValueError(f"`{one_line(name)}` is not a header that can be sent")
        return headers

    @field_validator("status")
    @classmethod
    def _codes(cls, status: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 100 <= code <= 599 for code in status):
            raise ValueError("a status is a number from 100 to 599")
        return status


class HttpCheck:
    name: ClassVar[str] = "http"
    summary: ClassVar[str] = "GET a path of each candidate pod"
    Options: ClassVar[type[BaseModel]] = HttpOptions

    def __init__(self, options: HttpOptions, reach: Reach) -> None:
        self._options, self._reach = options, reach
        self.failures = options.failures

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Probe:
        options, began = self._options, time.monotonic()
        query = f"GET {options.scheme}://{pod.name}:{options.port}{options.path} ({options.via})"
        ok, message = self._ask(namespace, pod, timeout)
        return Probe(ok, message, query, time.monotonic() - began)

    try_once = probe

    def _ask(self, namespace: str, pod: PodSeen, timeout: float) -> Answer:
        options, proxied = self._options, self._options.via == "proxy"
        if not proxied and not pod.ip:
            return None, NO_ADDRESS
        to = self._reach.pod(namespace, pod.name, options.port, options.scheme) if proxied else direct(pod, options.port, options.scheme)
        request = Request(options.path, headers=options.headers)
        return judged(lambda: judge_reply(send(to, request, timeout, proxied=proxied), options))


def judge_reply(reply: Reply, options: HttpOptions) -> tuple[bool, str]:
    """Is it what a healthy pod answers?"""
    wanted = options.status
    if reply.status not in wanted if wanted else not 200 <= reply.status <= 299:
        text = one_line(reply.body.decode(errors="replace"), 80)
        return False, f"answered {reply.status}" + (f": {text}" if text else "")
    if options.contains and options.contains.encode() not in reply.body:
        return False, f"answered {reply.status}, without `{one_line(options.contains, 60)}` in the body"
    return True, f"answered {reply.status}"
