"""When a credential plugin is called: one call at a time, at growing intervals. A login plugin opens a browser tab each time."""

import threading
from collections.abc import Callable

from deliver.cluster.exec_plugin import Credential, PluginFailed

FIRST, LONGEST = 2.0, 30.0  # seconds between two calls; back to the first when the API server has accepted what came
# The very first call may be followed by another at once: what it gave may be out of a cache, and have expired.
SILENT = "the credential plugin does not answer"
NOT_ACCEPTED = "the API server does not accept what the credential plugin gives"


class CredentialsFailed(Exception):
    """The credentials cannot be had now. The text is for the user."""


class PluginCalls:
    """Not thread-safe: who asks holds a lock, and the call goes on when that one's time is over. clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._interval, self._not_before = 0.0, clock()
        self._job: threading.Thread | None = None
        self._came: list[Credential | BaseException] = []
        self._failure = ""

    def due(self) -> bool:
        """Whether a call may begin, or one is under way."""
        return self._job is not None or self._clock() >= self._not_before

    def accepted(self) -> None:
        """What the API server takes may be older than a call that has failed: that one is as far from a success as before."""
        if not self._failure:
            self._interval = min(self._interval, FIRST)

    def called(self) -> None:
        """A call has begun: the next one has to wait."""
        self._not_before = self._clock() + self._interval
        self._interval = min(LONGEST, max(FIRST, 2 * self._interval))

    def ask(self, call: Callable[[], Credential], timeout: float) -> Credential:
        """What it gives within `timeout`; what comes later is there for who asks next. Raises CredentialsFailed."""
        if not self.due():
            raise CredentialsFailed(self._failure or NOT_ACCEPTED)
        if self._job is None:
            self.called()
            self._job = threading.Thread(target=self._run, args=(call,), name="deliver-credentials", daemon=True)
            self._job.start()
        self._job.join(min(timeout, threading.TIMEOUT_MAX))
        if self._job.is_alive():
            raise CredentialsFailed(SILENT)
        self._job, came = None, self._came.pop()
        if isinstance(came, Credential):
            self._failure = ""
            return came
        self._not_before = max(self._not_before, self._clock() + self._interval)  # one that waited for a person has not waited yet
        hint = f"; {came.hint}" if isinstance(came, PluginFailed) and came.hint else ""
        self._failure = f"{came}{hint}" if isinstance(came, PluginFailed) else "the credential plugin cannot be called"
        raise CredentialsFailed(self._failure)

    def _run(self, call: Callable[[], Credential]) -> None:
        try:
            self._came.append(call())
        except Exception as error:  # whatever it is, it means "no credentials"
            self._came.append(error)
