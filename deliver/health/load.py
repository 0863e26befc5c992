"""Requests of our own, at a steady pace, so that a version without users can be judged: the share that fails, and how fast they are."""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from deliver.cluster.port import Access
from deliver.health.client import NO_ADDRESS, NotReached, PodFailed, Request, Session, direct
from deliver.health.options import CheckOptions
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Probe, Reach
from deliver.plugins.types import Duration, Share

WORKERS = 8  # requests to one pod under way at the same time
FIRST, LONGEST = 1.0, 0.8  # seconds of the first slice; share of the time-out that a slice may take
FEWEST_BAD = 2  # one unlucky request never takes a release back
PERCENTILE = 0.95


class LoadOptions(CheckOptions):
    """GET one path again and again. All numbers are of one pod."""

    path: str = Field("/", pattern=r"^/[^\s#]*$", max_length=1000, description="path to GET")
    rate: float = Field(10.0, gt=0, le=1000, description="requests a second to each pod")
    max_errors: Share = Field(0.01, description="highest share of requests without an answer of 200 to 399")
    max_latency: Duration | None = Field(None, description="95 % of the requests are at least as fast; not judged if absent")
    min_requests: int = Field(100, ge=1, le=1_000_000, description="requests to a pod before it is judged")
    window: Duration = Field(60.0, description="trailing time that is judged")
    scheme: Literal["http", "https"] = Field("http", description="https: the pod's certificate is not checked, as the kubelet does")
    via: Literal["proxy", "direct"] = Field("proxy", description="through the API server's proxy, or straight to the pod's address")
    failures: int = Field(1, ge=1, le=100, description="looks in a row that must fail; each rests on min_requests already")


@dataclass(frozen=True)
class SentRequest:
    """One request. ok None: not known whose fault it is. took: seconds."""

    at: float
    ok: bool | None
    took: float
    word: str


@dataclass
class PodHistory:
    """What one pod has answered, and how the pace was kept. began: start of the newest slice."""

    sent: deque[SentRequest] = field(default_factory=deque)
    began: float = -math.inf
    late: int = 0


class LoadCheck:
    """Each probe sends for as long as one look takes, and judges the trailing window; between two looks nothing is sent.

    So the load ends with the step, and with the process: nothing has to be stopped.
    """

    name: ClassVar[str] = "load"
    summary: ClassVar[str] = "send requests to each candidate pod at a steady rate, and judge errors and latency"
    Options: ClassVar[type[BaseModel]] = LoadOptions

    def __init__(
        self,
        options: LoadOptions,
        reach: Reach,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._options, self._reach, self._clock, self._sleep = options, reach, clock, sleep
        self.failures = options.failures
        self._books: dict[str, PodHistory] = {}
        self._lock = threading.Lock()

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Probe:
        options, began = self._options, self._clock()
        query = f"GET {options.scheme}://{pod.name}:{options.port}{options.path} at {options.rate:g}/s ({options.via})"
        if options.via == "direct" and not pod.ip:
            return Probe(None, NO_ADDRESS, query)
        with self._lock:
            book = self._books.setdefault(pod.uid, PodHistory())
        gap, book.began = began - book.began, began
        self._send(self._access(namespace, pod), book, min(FIRST if math.isinf(gap) else gap, LONGEST * timeout), timeout)
        while book.sent and book.sent[0].at < self._clock() - options.window:
            book.sent.popleft()
        ok, message = judge_requests(book.sent, options)
        if book.late:
            message += f"; {book.late} were sent late: the pod or the way to it is too slow for {options.rate:g} a second"
        return Probe(ok, message, query, self._clock() - began)

    def try_once(self, namespace: str, pod: PodSeen, timeout: float) -> Probe:
        """One request: whether the pod can be asked."""
        options, began = self._options, self._clock()
        if options.via == "direct" and not pod.ip:
            return Probe(None, NO_ADDRESS)
        with Session(self._access(namespace, pod), timeout, proxied=options.via == "proxy", clock=self._clock) as session:
            one = self._one(session, began + timeout)
        return Probe(one.ok, one.word) if one else Probe(None, "not asked in time")

    def _access(self, namespace: str, pod: PodSeen) -> Access:
        options = self._options
        if options.via == "proxy":
            return self._reach.pod(namespace, pod.name, options.port, options.scheme)
        return direct(pod, options.port, options.scheme)

    def _send(self, access: Access, book: PodHistory, seconds: float, timeout: float) -> None:
        """As many as belong into these seconds, each at its time. What cannot be sent in time is not sent in a heap afterwards."""
        options, begin = self._options, self._clock()
        count, each = max(1, round(seconds * options.rate)), 1.0 / options.rate
        until = begin + seconds + each
        with (
            Session(access, timeout, proxied=options.via == "proxy", clock=self._clock) as session,
            ThreadPoolExecutor(max_workers=min(WORKERS, count), thread_name_prefix="deliver-load") as pool,
        ):
            jobs = []
            for i in range(count):
                if (early := begin + i * each - self._clock()) > 0:
                    self._sleep(early)
                jobs.append(pool.submit(self._one, session, until))
            sent = [job.result() for job in jobs]
        book.late = sent.count(None)
        book.sent.extend(one for one in sent if one)

    def _one(self, session: Session, until: float) -> SentRequest | None:
        begin = self._clock()
        if begin > until:
            return None
        try:
            reply = session.send(Request(self._options.path))
        except PodFailed as error:
            ok, word = False, str(error)
        except NotReached as error:
            return SentRequest(begin, None, self._clock() - begin, str(error))
        else:
            ok, word = 200 <= reply.status <= 399, f"answered {reply.status}"
        return SentRequest(begin, ok, self._clock() - begin, word)


def judge_requests(sent: Sequence[SentRequest], options: LoadOptions) -> tuple[bool | None, str]:
    """None: too few requests, or too many of which nothing is known."""
    known = [one for one in sent if one.ok is not None]
    if len(known) < options.min_requests:
        lost = len(sent) - len(known)
        why = f"; {lost} got no answer from the API server: {sent[-1].word}" if lost and sent[-1].ok is None else ""
        return None, f"{len(known)} requests so far, {options.min_requests} needed{why}"
    bad = [one for one in known if not one.ok]
    share, slow = len(bad) / len(known), percentile([one.took for one in known if one.ok])
    facts = f"{len(bad)} of {len(known)} requests failed ({100 * share:.3g} %, limit {100 * options.max_errors:.3g} %)"
    pace = f"95 % within {1000 * slow:.0f} ms" if slow is not None else "none succeeded"
    limit = f" (limit {1000 * options.max_latency:.0f} ms)" if options.max_latency is not None else ""
    if len(bad) >= FEWEST_BAD and share > options.max_errors:
        words = Counter(one.word for one in bad).most_common(1)
        return False, f"{facts}: {words[0][1]} x {words[0][0]}; {pace}"
    if options.max_latency is not None and (slow is None or slow > options.max_latency):
        return False, f"{pace}{limit}; {facts}"
    return True, f"{facts}; {pace}{limit}"


def percentile(times: Sequence[float]) -> float | None:
    """The time that 95 % of them keep to; None for none."""
    ordered = sorted(times)
    return ordered[math.ceil(PERCENTILE * len(ordered)) - 1] if ordered else None
