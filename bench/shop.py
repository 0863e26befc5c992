"""The tests' namespace with an application in it, for a benchmark."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.support import objects
from tests.e2e.support.world import World


@contextmanager
def shop(name: str, replicas: int = 4) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), f"bench-{name}")
        try:
            yield world.make(replicas, "1.0.0", [objects.service()], [])
        finally:
            world.remove()


class Watch:
    """Lines of a `kubectl get -w`, with the moment of their arrival (unix seconds)."""

    def __init__(self, world: World, *what: str, path: str) -> None:
        command = ["kubectl", "-n", world.namespace, "get", *what, "--watch", "-o", f'jsonpath={path}{{"\\n"}}']
        self.process = subprocess.Popen(command, env=world.environ, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.lines: list[tuple[float, str]] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.first(lambda line: True, 0.0)

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                with self._news:
                    self.lines.append((time.time(), line))
                    self._news.notify_all()

    def first(self, wanted: Callable[[str], bool], after: float, timeout: float = 60) -> float:
        """When the first wanted line after that moment came."""
        end = time.monotonic() + timeout
        with self._news:
            while True:
                found = next((at for at, line in self.lines if at > after and wanted(line)), None)
                if found is not None:
                    return found
                if time.monotonic() > end:
                    raise TimeoutError(f"{self.process.args!r}: not seen: {self.lines[-3:]}")
                self._news.wait(0.5)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
