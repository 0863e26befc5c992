"""A call with its retries: tenacity, one deadline, jittered exponential back-off, Retry-After honoured for every verb.

Retried: no answer, 429, 5xx. Not retried: a change whose outcome is not known, unless repeating it is harmless or refused by the
server (Call.repeatable); the caller then gets Unreachable and reads back. A refusal (4xx) is the answer, also after a try without
answer: Conflict or NotFound may then be the echo of the own first try.
"""

from collections.abc import Callable
from typing import TypeVar

from deliver.cluster.failures import AttemptFailed, Call
from deliver.cluster.timing import Deadline, Timing
from deliver.model.objects import Object

T = TypeVar("T")


class Retries:
    """sleep takes seconds; random gives 0..1."""

    def __init__(self, timing: Timing, sleep: Callable[[float], None], random: Callable[[], float]) -> None:
        self._timing, self._sleep, self._random = timing, sleep, random

    def run(self, call: Call, deadline: Deadline, attempt: Callable[[], T]) -> T:
        """attempt's result. Raises the ClusterError of the last attempt."""
        from tenacity import RetryCallState, Retrying, retry_if_exception

        def worth(error: BaseException) -> bool:
            return isinstance(error, AttemptFailed) and error.retry and (call.repeatable or not error.ambiguous)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.after if isinstance(error, AttemptFailed) else 0.0
            return self.delay(state.attempt_number, asked)

        def no_time_left(state: RetryCallState) -> bool:
            return state.upcoming_sleep >= deadline.remaining()

        retrying = Retrying(retry=retry_if_exception(worth), wait=pause, stop=no_time_left, sleep=self._sleep, reraise=True)
        try:
            return retrying(attempt)
        except AttemptFailed as failed:
            raise failed.error from None

    def delay(self, attempt: int, asked: float = 0.0) -> float:
        """Seconds to wait after attempt number `attempt`: half to all of min(cap, backoff * 2^(attempt-1)), on top of what is asked."""
        ceiling: float = min(self._timing.cap, self._timing.backoff * 2 ** min(attempt - 1, 30))
        jittered = ceiling * (0.5 + 0.5 * self._random())
        # with Retry-After all clients would come back at the same moment: spread them behind it
        return asked + jittered if asked else jittered


def guarded(body: Object) -> bool:
    """A patch that the server refuses when the object has moved on: it carries metadata.resourceVersion."""
    return bool((body.get("metadata") or {}).get("resourceVersion"))
