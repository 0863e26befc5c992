"""Starts `deliver` hundreds of times without importing it as often: this process has imported it all, and forks for each command.

What comes out is a process of its own, with its own id, streams, environment and signals, running the console script's `main`. To be
run as `python -m tests.e2e.support.zygote FD`: requests come over that socket, as a length and JSON, with three descriptors: for
stdout, stderr, and for what is told of the process (its id on one line, what became of it on the next).
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import random
import select
import signal
import socket
import sys
from typing import Any

from tests.e2e.support import fastclock

_WARM = (
    "cli", "render", "config", "discovery", "doctor", "engine", "traffic", "metrics", "health", "flags", "cluster", "analysis",
    "plugins", "model",
)  # fmt: skip
_LATE = (
    "kubernetes.client", "kubernetes.config.kube_config", "kubernetes.utils.keepalive", "prometheus_api_client", "httpx",
    "tenacity", "yaml",
)  # fmt: skip


def warm() -> None:
    for package in (*(f"deliver.{name}" for name in _WARM), "deliver_strategies"):
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    registry = importlib.import_module("deliver.plugins.registry")
    for group in registry.HOOKS:  # it remembers what is installed
        registry.names(group)


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """None when nobody is there any more."""
    head, descriptors, _, _ = socket.recv_fds(sock, 4, 3)
    if not head:
        return None
    size, body = int.from_bytes(head, "big"), b""
    while len(body) < size:
        body += sock.recv(size - len(body))
    return json.loads(body), descriptors


def serve(sock: socket.socket) -> dict[str, Any]:
    """Returns in a child, with what it was asked to run. Ends, in the parent, with the process that asked."""
    running: dict[int, tuple[int, int]] = {}  # pidfd -> (process, where to tell of it)
    while True:
        for ready in select.select([sock.fileno(), *running], [], [])[0]:
            if ready in running:
                process, told = running.pop(ready)
                _, status = os.waitpid(process, 0)
                with contextlib.suppress(OSError):
                    os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
                os.close(told)
                os.close(ready)
                continue
            received = receive(sock)
            if received is None:
                for process, _ in running.values():
                    os.kill(process, signal.SIGKILL)
                sys.exit(0)
            request, (out, err, told) = received
            process = os.fork()
            if process == 0:
                sock.close()
                become(request, out, err, [told, *running, *(other for _, other in running.values())])
                return request
            os.write(told, f"{process}\n".encode())
            running[os.pidfd_open(process)] = (process, told)
            os.close(out)
            os.close(err)


def become(request: dict[str, Any], out: int, err: int, foreign: list[int]) -> None:
    """The process as the console script would have found itself."""
    os.setsid()
    os.chdir(request["cwd"])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for descriptor in foreign:
        os.close(descriptor)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = ["deliver", *request["arguments"]]
    random.seed()
    fastclock.start(request["dial"])


if __name__ == "__main__":
    fastclock.install()
    warm()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from deliver.cli.main import main

    sys.exit(main())
