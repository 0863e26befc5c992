"""The connections to the API server and who they are made as, renewed while the process runs."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deliver.cluster import exec_plugin
from deliver.cluster.connection import Place
from deliver.cluster.exec_plugin import Credential, PluginFailed
from deliver.cluster.identity import bearer
from deliver.cluster.plugin_calls import SILENT, CredentialsFailed, PluginCalls
from deliver.cluster.timing import Timing
from deliver.model.errors import DeliverError, InputError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_FRESH = 10.0  # seconds for which a token that was read from a file is used
_NOBODY = Credential()
_USUAL = Timing()


class Credentials:
    """Thread-safe. generation grows with each reload, so that ten threads that meet a 401 reload once.

    clock: monotonic seconds; wall: unix seconds.
    """

    def __init__(
        self,
        place: Place,
        reload: Callable[[], Place],
        clock: Callable[[], float],
        *,
        timing: Timing = _USUAL,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._reload, self._clock, self._wall, self._timing = reload, clock, wall, timing
        self._lock = threading.Lock()
        self._calls = PluginCalls(clock)
        self.generation = 0
        self._use(place, _NOBODY)

    def _use(self, place: Place, credential: Credential) -> None:
        from kubernetes.client.api_client import ApiClient

        self.place, self._credential = place.shown(credential), credential
        self._client = ApiClient(self.place.configuration)
        self._token, self._read_at = "", -_FRESH

    @property
    def pool(self) -> "PoolManager":
        pool: PoolManager = self._client.rest_client.pool_manager
        return pool

    def sign_in(self) -> None:
        """The first look at a token's file, and the first call of a plugin, while a person may be there to answer it. Raises InputError."""
        plugin = self.place.login.plugin
        if plugin is None:
            self._first_look()
            return
        self._calls.called()
        try:
            credential = exec_plugin.run(plugin, self._timing.plugin, person=True)
        except PluginFailed as error:
            hint = error.hint or "log in with your provider's tool; `kubectl auth whoami` runs the same plugin"
            raise InputError(
                f"the credential plugin of context {self.place.context} gave no credentials", why=str(error), hint=hint
            ) from None
        self._use(self.place, credential)

    def _first_look(self) -> None:
        try:
            self.header(0)
        except CredentialsFailed as error:
            raise InputError(str(error), hint="check the file and its permissions; your provider's tool writes it") from None

    def send(self, method: str, url: str, *, headers: Mapping[str, str], **how: Any) -> "BaseHTTPResponse":
        """One request over the kubeconfig's own way, as whom it says. how: as urllib3's `urlopen` takes it; raises what that raises."""
        from urllib3 import HTTPHeaderDict
        from urllib3.util import parse_url

        pool, parts, sent = self.pool, parse_url(url), HTTPHeaderDict()
        for name, value in headers.items():
            if not name.lower().startswith("impersonate-"):  # the kubeconfig says who acts, and nobody else
                sent.add(name, value)
        for name, value in self.place.login.acting.headers():
            sent.add(name, value)
        forwarded = pool.proxy is not None and parts.scheme == "http"  # else the proxy only tunnels
        how = {"retries": False, "redirect": False, "assert_same_host": False, "preload_content": False} | how
        return pool.connection_from_url(url).urlopen(method, url if forwarded else parts.request_uri, headers=sent, **how)

    def accepted(self) -> None:
        """The API server has taken what was sent for somebody's."""
        self._calls.accepted()

    def current(self, timeout: float) -> tuple[str, int]:
        """The header, and the generation that it is of. Raises CredentialsFailed."""
        while True:
            generation = self.generation
            header = self.header(timeout)
            if self.generation == generation:
                return header, generation

    def header(self, timeout: float) -> str:
        """The Authorization header's value, "" with client certificates. Raises CredentialsFailed."""
        login, expires = self.place.login, self._credential.expires
        if login.token_file:
            return self._from_file(login.token_file) or login.authorization
        if login.plugin is None:
            return login.authorization
        if self._credential is _NOBODY:
            self.refresh(self.generation, timeout)
        elif expires is not None and expires <= self._wall() and self._calls.due():
            with suppress(CredentialsFailed):  # whether its time is over the API server says: it has a clock of its own
                self.refresh(self.generation, timeout)
        return bearer(self._credential.token)

    def _from_file(self, path: str) -> str:
        if self._clock() - self._read_at >= _FRESH:
            try:
                token = Path(path).read_text(encoding="ascii").strip()
            except (OSError, UnicodeError, ValueError):
                token = ""  # while it is written anew, the old one is as good as any
            if token and token.isprintable():
                self._token, self._read_at = token, self._clock()
        if not self._token and not self.place.login.authorization:
            raise CredentialsFailed(f"the token file {path} cannot be read, or holds no token")
        return bearer(self._token)

    def refresh(self, generation: int, timeout: float) -> None:
        """Read everything anew (token files, plugins, certificates) unless somebody did since `generation`. Raises CredentialsFailed."""
        with self._locked(timeout):
            if self.generation != generation:
                return
            place = self._reloaded()
            plugin = place.login.plugin
            credential = self._calls.ask(lambda: exec_plugin.run(plugin, self._timing.plugin), timeout) if plugin else _NOBODY
            try:
                self._use(place, credential)
            except DeliverError as error:
                raise CredentialsFailed(error.told) from None
            self.generation += 1

    def _reloaded(self) -> Place:
        try:
            place = self._reload()
        except DeliverError as error:
            raise CredentialsFailed(error.told) from None
        if place.configuration.host != self.place.configuration.host:
            raise CredentialsFailed("the kubeconfig now points to another API server")
        if place.login.acting != self.place.login.acting:
            raise CredentialsFailed("the kubeconfig now acts as somebody else")
        return place

    @contextmanager
    def _locked(self, timeout: float) -> Iterator[None]:
        """Raises CredentialsFailed after `timeout`: another thread's plugin may hang."""
        if not self._lock.acquire(timeout=min(timeout, threading.TIMEOUT_MAX)):
            raise CredentialsFailed(SILENT)
        try:
            yield
        finally:
            self._lock.release()
