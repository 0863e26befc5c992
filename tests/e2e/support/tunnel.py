"""An HTTP proxy that tunnels each CONNECT to one place, whatever name is asked for: what a bastion is to a name known there alone."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Tunnel:
    """asked: the host and port of each CONNECT."""

    to: tuple[str, int]
    port: int = 0
    asked: list[str] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.sockets.append(client)
                self.start(self._one, client)

    def start(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _one(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(4096) or b"\r\n\r\n"
        words = head.split()
        if words[:1] != [b"CONNECT"]:
            return
        self.asked.append(words[1].decode())
        server = socket.create_connection(self.to)
        self.sockets.append(server)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.start(_pump, server, client)
        _pump(client, server)

    def end(self) -> None:
        for one in self.sockets:
            _shut(one)
        for thread in self.threads:
            thread.join(5)
        for one in self.sockets:
            one.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _shut(source)
    _shut(sink)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def tunnel(host: str, port: int) -> Iterator[Tunnel]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Tunnel((host, port), listener.getsockname()[1])
        made.start(made.serve, listener)
        yield made
        _shut(listener)
        made.end()
