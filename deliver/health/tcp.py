"""Open a TCP connection to the pod and close it again."""

import errno
import socket
import time
from collections.abc import Callable
from typing import ClassVar

from pydantic import BaseModel, Field

from deliver.health.client import NO_ADDRESS, Answer
from deliver.health.options import CheckOptions
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Probe, Reach

_POD = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED)


class TcpOptions(CheckOptions):
    """A connection straight to the pod's address. The API server's proxy carries HTTP alone, so from a machine without a route to
    the pod network this check can only be blind.
    """

    port: int = Field(
        ge=1, le=65535, description="the pod's port; needs a route to the pod network, because the API server's proxy cannot carry TCP"
    )


class TcpCheck:
    name: ClassVar[str] = "tcp"
    summary: ClassVar[str] = "open a connection to each candidate pod (needs a route to the pod network)"
    Options: ClassVar[type[BaseModel]] = TcpOptions

    def __init__(
        self,
        options: TcpOptions,
        reach: Reach,
        connect: Callable[..., socket.socket] = socket.create_connection,
    ) -> None:
        self._port, self._connect = options.port, connect
        self.failures = options.failures

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Probe:
        began = time.monotonic()
        ok, message = self._try(pod, timeout)
        return Probe(ok, message, f"tcp {pod.name}:{self._port}", time.monotonic() - began)

    try_once = probe

    def _try(self, pod: PodSeen, timeout: float) -> Answer:
        if not pod.ip:
            return None, NO_ADDRESS
        try:
            self._connect((pod.ip, self._port), timeout).close()
        except TimeoutError:
            return None, f"no connection within {timeout:g} s; is there a route to the pod network from here?"
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            return (False, reason) if error.errno in _POD else (None, f"no connection: {reason}")
        return True, "connected"
