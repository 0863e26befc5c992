"""`deliver` on the sandbox: forked from the zygote, on the sandbox's clock."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


class Forked:
    """As subprocess.Popen; it is a child of the zygote, which tells of it on a pipe: its id, later its exit code."""

    def __init__(self, out: int, err: int, told: int) -> None:
        self.stdout: IO[str] | None = open(out, encoding="utf-8", errors="replace")  # noqa: SIM115  (closed by its reader)
        self.stderr: IO[str] | None = open(err, encoding="utf-8", errors="replace")  # noqa: SIM115  (closed by its reader)
        self._told = open(told, encoding="utf-8")  # noqa: SIM115  (closed with the exit code)
        self.pid = int(self._told.readline())
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None and select.select([self._told], [], [], 0)[0]:
            self.wait()
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        if self.code is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("deliver", timeout or 0.0)
            self.code = int(self._told.readline())
            self._told.close()
        return self.code

    def send_signal(self, sig: int) -> None:
        os.kill(self.pid, sig)


class Zygote:
    """One for all tests of a pytest process."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        root = Path(__file__).resolve().parents[3]
        command = [sys.executable, "-m", "tests.e2e.support.zygote", str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True)
        theirs.close()

    def start(self, arguments: Sequence[str], environ: Mapping[str, str], cwd: Path, dial: str) -> Forked:
        pipes = [os.pipe() for _ in range(3)]
        body = json.dumps({"arguments": list(arguments), "environ": dict(environ), "cwd": str(cwd), "dial": dial}).encode()
        socket.send_fds(self._socket, [len(body).to_bytes(4, "big")], [write for _, write in pipes])
        self._socket.sendall(body)
        for _, write in pipes:
            os.close(write)
        return Forked(*(read for read, _ in pipes))

    def close(self) -> None:
        self._socket.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
