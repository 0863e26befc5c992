"""The connection pool and the Authorization header, renewed while the process runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from deliver.cluster.connection import Place
from deliver.model.errors import DeliverError

if TYPE_CHECKING:
    from urllib3 import PoolManager

T = TypeVar("T")
SILENT = "the credential plugin does not answer"
_FRESH = 10.0  # seconds a header is used before the loader is asked again: a plugin with short-lived tokens must not run for every call


class CredentialsFailed(Exception):
    """The credentials cannot be had now. The text is for the user."""


class Credentials:
    """Thread-safe. generation grows with each reload, so that ten threads that meet a 401 reload once."""

    def __init__(self, place: Place, reload: Callable[[], Place], clock: Callable[[], float]) -> None:
        self._reload, self._clock = reload, clock
        self._lock = threading.Lock()
        self.generation = 0
        self._use(place)

    def _use(self, place: Place) -> None:
        from kubernetes.client.api_client import ApiClient

        self.place = place
        self._client = ApiClient(place.configuration)
        self._header = ""
        self._read_at = -_FRESH

    @property
    def pool(self) -> "PoolManager":
        pool: PoolManager = self._client.rest_client.pool_manager
        return pool

    def header(self, timeout: float) -> str:
        """The Authorization header's value, "" with client certificates. Raises CredentialsFailed."""
        if self._clock() - self._read_at < _FRESH:
            return self._header

        def read() -> str:
            # "authorization" is where client 36.0 put the token: kubernetes-client/python#2584
            return (self.place.configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or "").strip()

        with self._locked(timeout):
            self._header = self._bounded(read, timeout)
            self._read_at = self._clock()
        return self._header

    def refresh(self, generation: int, timeout: float) -> None:
        """Read everything anew (token files, plugins, certificates) unless somebody did since `generation`. Raises CredentialsFailed."""
        with self._locked(timeout):
            if self.generation != generation:
                return
            place = self._bounded(self._reload, timeout)
            if place.configuration.host != self.place.configuration.host:
                raise CredentialsFailed("the kubeconfig now points to another API server")
            self._use(place)
            self.generation += 1

    @contextmanager
    def _locked(self, timeout: float) -> Iterator[None]:
        """Raises CredentialsFailed after `timeout`: another thread's plugin may hang."""
        if not self._lock.acquire(timeout=min(timeout, threading.TIMEOUT_MAX)):
            raise CredentialsFailed(SILENT)
        try:
            yield
        finally:
            self._lock.release()

    def _bounded(self, work: Callable[[], T], timeout: float) -> T:
        """Run it for at most `timeout` seconds; in a thread when a program of others is behind it, which may hang."""
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work())
            except Exception as error:  # the loaders raise many kinds; each means "no credentials"
                errors.append(error)

        if self.place.plugin:
            thread = threading.Thread(target=run, name="deliver-credentials", daemon=True)
            thread.start()
            thread.join(timeout)
        else:
            run()
        if results:
            return results[0]
        if not errors:
            raise CredentialsFailed(SILENT)
        error = errors[0]
        text = f"{error.what}: {error.why}" if isinstance(error, DeliverError) else "the credentials cannot be read"
        raise CredentialsFailed(text.removesuffix(": "))
