"""The loop: observe, decide, journal the intent, act, journal the outcome. What it decides is in core/decide.py."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from deliver.cluster.port import Cluster
from deliver.engine.core.decide import decide
from deliver.engine.core.decision import end, hold, turn_back
from deliver.engine.runtime.analysis_poller import AnalysisPoller
from deliver.engine.runtime.attempts import AttemptLog
from deliver.engine.runtime.clock import Background, Clock
from deliver.engine.runtime.executor import Executor
from deliver.engine.runtime.flag_poller import ReleaseFlag
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lock
from deliver.engine.runtime.metric_history import measured
from deliver.engine.runtime.metric_search import MetricSearcher, with_found_metrics
from deliver.engine.runtime.observer import Observer, watches
from deliver.engine.runtime.pod_events import PodEvents
from deliver.engine.runtime.record_store import Store
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.engine.runtime.undoer import undoer
from deliver.model.action import Action, Verb
from deliver.model.errors import ClusterError, Conflict, DeliverError, Forbidden, NotFound, Rejected, Superseded, Unreachable
from deliver.model.evidence import MetricEvidence
from deliver.model.frozen import replace
from deliver.model.journal import Entry, Event, Result
from deliver.model.observation import Observation
from deliver.model.release import Direction, Outcome, Release
from deliver.plugins.checked_router import CheckedRouter

WATCH_DELAY = 0.1  # seconds given to the watch before the same action is asked for again
REPEAT_AFTER = 1.0  # seconds before what was done and does not show is done again
BACKOFF = 1.0  # seconds before another try of what was refused, at first
MAX_BACKOFF = 5.0  # seconds, after many refusals or repetitions
SILENCE = 10.0  # seconds without a word of the API server after which that is said, and between two such notes
UNSEEN = 2.0  # seconds of silence after which users are moved by a fresh list alone
MAX_UNSAVED = 120.0  # seconds that an end which cannot be recorded is tried for
MAX_TRIES = 5  # refusals of one action before the release is held; repetitions before it is repeated more slowly


@dataclass(frozen=True)
class DriverDeps:
    """What a driver works with; all of it injected. seeking: for metrics that were not there at the start."""

    cluster: Cluster
    router: CheckedRouter
    clock: Clock
    background: Background
    reporter: Reporter
    stop: Stop
    flag: ReleaseFlag
    seeking: MetricSearcher | None = None
    save_every: float = 15.0  # seconds between saves of the record that only bring `status` up to date


class Driver:
    """Drives one release to its end, a tick at a time.

    release: as it stands by now, saved or not; a tick that fails loses nothing of it. over: it has an outcome, or nothing can be done.
    """

    def __init__(self, deps: DriverDeps, lease: Lock, store: Store, watching: AnalysisPoller, release: Release, selector: str) -> None:
        """selector: finds the pods of both arms. The watches are open from here on until `close`."""
        self.deps, self.lease, self.store, self.watching, self.release = deps, lease, store, watching, release
        wanted = [*watches(release, deps.router, selector), *deps.flag.watches()]
        namespace = release.spec.target.namespace
        self.feed = deps.cluster.follow(namespace, wanted, deps.clock.wake)
        self.observer = Observer(self.feed, deps.router)
        self.events = PodEvents(deps.cluster, namespace, deps.clock, deps.background)
        write = GuardedWriter(deps.cluster, namespace, lease, release.fence, self.feed)
        self.executor = Executor(deps.cluster, deps.router, write, deps.flag)
        self.over = False
        self.deaf_until = float("-inf")  # monotonic seconds: what wakes us before is no reason to look
        self.saved_entries, self.saved_at = -1, 0.0
        self.saved_measures: Mapping[str, MetricEvidence] = {}
        self.last: tuple[Action, float] | None = None
        self.done: deque[tuple[Action, float]] = deque(maxlen=4 * MAX_TRIES)  # with when, monotonic seconds
        self.attempts = AttemptLog()
        self.refused = self.repeated = 0
        self.noted_at = self.listed_at = float("-inf")
        self.explained = ""
        self.answered: set[str] = set()
        self.failing: float | None = None
        self.unsaved: Entry | None = None
        self.not_before: tuple[Action, float] | None = None
        self.judged = watching.latest
        self.seen: Observation | None = None

    def drive(self) -> Release:
        """Blocking, to an outcome. Raises Superseded when another driver has taken over; its record says how it ends."""
        try:
            while not self.over:
                self._rest(self.tick())
            return self.release
        finally:
            self.close()

    def close(self) -> None:
        self.feed.close()

    def tick(self) -> float:
        """One look and what follows from it. Answers when to tick again at the latest, unix seconds. Raises Superseded."""
        try:
            self.release, seen, wake_at = self._turn(self.release)
        except Superseded:
            raise
        except ClusterError as error:
            return self._failed(error)
        self.failing, self.explained = None, ""
        if self.feed.quiet() > SILENCE:
            self._note(f"the API server has not been heard for {self.feed.quiet():.0f} s; exposure stays as it is")
        self.deps.reporter.update(self.release, seen)
        self.over = self.release.outcome is not None
        if not self.over:
            self.deps.flag.consider(self.release, seen)
            now = self.deps.clock.now()
            wake_at = min(wake_at, self.deps.flag.due(now), self.events.due(now))
        return wake_at

    def due(self) -> bool:
        """Whether there is something to see before the time that the last tick named; starts what is to be asked meanwhile.

        What wakes a driver is often its own record, come back through the watch.
        """
        seen, flag = self.seen, self.deps.flag.latest
        if seen is None:
            return True  # the first look has failed
        if self.watching.latest is not self.judged or flag is not seen.flag or self.events.fresh or self.observer.differs(self.release):
            return True
        stopped = self.deps.stop.is_set() and self.release.course is not Direction.ROLLING_BACK  # a rollback goes on all the same
        if stopped or self.lease.lost_to is not None:
            return True
        self.watching.consider(self.release, seen)  # after an answer has been looked at: the next one takes its place
        return self._sought(self.release)

    def _rest(self, wake_at: float) -> None:
        """Until it is time to look, or there is something to see."""
        clock = self.deps.clock
        if self.deaf_until > clock.monotonic():
            while (left := self.deaf_until - clock.monotonic()) > 0:
                clock.wait(left)
            return
        while not self.over and not self.due() and clock.now() < wake_at:
            if self.watching.latest is self.judged:
                clock.wait(min(wake_at, self.watching.due(self.release, clock.now())) - clock.now())

    def _sought(self, release: Release) -> bool:
        """Metrics were found that the release is not judged by yet."""
        seeking = self.deps.seeking
        if seeking is None:
            return False
        seeking.consider(release)
        return with_found_metrics(release, seeking.found, 0.0) is not release

    def _turn(self, release: Release) -> tuple[Release, Observation, float]:
        self.lease.renew_if_due()
        now = self.deps.clock.now()  # after what may have waited: a look is dated when it is taken
        if self.deps.seeking and (more := with_found_metrics(release, self.deps.seeking.found, now)) is not release:
            release = self.release = more
            self.watching.renew(more)
        judged = self.judged = self.watching.latest
        seen = self.observer.look(release, now, judged.results, judged.at, judged.candidate_percent)
        requests = tuple([one for one in seen.requests if one.id not in self.answered])
        seen = self.events.consider(release, seen)
        self.seen = seen = replace(seen, switch=judged.switch, flag=self.deps.flag.latest, requests=requests)
        if self.lease.lost_to is not None or self.observer.newest_fence(release, seen) > release.fence:
            raise Superseded(f"release {release.id} was taken over", why=f"by {self.lease.lost_to or 'another driver'}")
        if self.deps.stop.is_set() and release.course is not Direction.ROLLING_BACK and release.outcome is None:
            release = self.release = hold(self._closed(release), self.deps.stop.reason(), now)
            self._save(release, force=True)
            return release, seen, now
        decision = decide(measured(release, judged, now), seen, now)
        self.release = decision.release
        self.answered |= {one.id for one in seen.requests}  # the watch may show them once more before it shows them gone
        if decision.action is not None:
            return self._act(decision.release, decision.action, seen)
        release = self.release = self._closed(decision.release)
        self._save(release, force=bool(seen.requests))
        return release, seen, decision.wake_at

    def _failed(self, error: ClusterError) -> float:
        """Another try after a while. What wakes us until then is no reason to hurry: a write whose answer was lost comes back."""
        given_up = self._given_up(error)
        if given_up is not None:
            self.release, self.over = given_up, True
            return self.deps.clock.now()
        if self.seen is not None:
            self.watching.consider(self.release, self.seen)  # a record that cannot be written is no reason to stop judging
        self.deaf_until = self.deps.clock.monotonic() + BACKOFF
        return self.deps.clock.now() + BACKOFF

    def _given_up(self, error: ClusterError) -> Release | None:
        """None while it is worth another try. What is decided, or not permitted, and cannot be recorded for long, ends all the same."""
        now, release = self.deps.clock.now(), self.release
        self._note("trying again; exposure stays as it is", error)
        self.failing = now if self.failing is None else self.failing
        if now - self.failing < MAX_UNSAVED or (release.outcome is None and not isinstance(error, (Forbidden, Rejected))):
            return None
        self.deps.reporter.note(f"the record of the release could not be written: {error.what}")
        if release.outcome is not None:
            return release
        release = self._closed(release)
        if isinstance(error, Rejected):  # on the way forward: a rollback goes on without its record
            return hold(release, f"the record cannot be written: {error.what}{error.why and f', {error.why}'}", now)
        if release.course is Direction.ROLLING_BACK:
            return end(release, Outcome.ROLLBACK_FAILED, now, f"not permitted: {error.told} (rolling back because {release.reason})")
        return hold(release, f"not permitted: {error.told}", now)

    def _told(self, error: ClusterError) -> str:
        """With the words of who refused it, a plugin's or the API server's, unless they were said a moment ago."""
        why, self.explained = "" if error.why == self.explained else error.why, error.why
        return f"{error.what} ({why})" if why else error.what

    def _note(self, text: str, error: ClusterError | None = None) -> None:
        """Said once every few seconds, not at every try."""
        now = self.deps.clock.monotonic()
        if now - self.noted_at >= SILENCE:
            self.noted_at = now
            self.deps.reporter.note(f"{self._told(error)}: {text}" if error else text)

    # ------------------------------------------------------------ acting

    def _act(self, release: Release, action: Action, seen: Observation) -> tuple[Release, Observation, float]:
        clock = self.deps.clock
        if self.last and self.last[0] == action and clock.monotonic() - self.last[1] < self._again():
            delay = WATCH_DELAY if self.repeated < MAX_TRIES else REPEAT_AFTER
            return release, seen, clock.now() + delay  # done; the watch has not shown it yet
        if (left := self._refused_for(action)) > 0:
            return release, seen, clock.now() + left  # refused a moment ago; what wakes us, our own record first, is no reason to hurry
        if sum(one == action and clock.monotonic() - at < REPEAT_AFTER for one, at in self.done) >= MAX_TRIES:
            return release, seen, clock.now() + REPEAT_AFTER  # two that undo each other: whatever the cause is, it is no busy loop
        who = partial(undoer, self.feed, release, action)
        harmless = action.verb is Verb.ROUTE and release.course is Direction.PROMOTING  # both sides run the new version
        vain = self.attempts.in_vain(action, clock.monotonic(), release.spec.limits.ready, who, patient=harmless)
        if vain and release.course is not Direction.ROLLING_BACK:  # that has a limit of its own
            release = self.release = hold(self._closed(release), vain, clock.now())
            self._save(release, force=True)
            return release, seen, clock.now()
        if action.verb is Verb.ROUTE and self._listed_anew():
            return release, seen, clock.now()
        release, intent = self._intended(release, action)
        self._journal(release, action)
        self.unsaved, sent = None, self.executor.write.sent
        try:
            release = self.executor.do(action, release, seen)
        except ClusterError as error:
            self.attempts.note(action, clock.monotonic(), error)
            result = Result.UNKNOWN if isinstance(error, Unreachable) else Result.FAILED
            return self._refused(release.with_outcome(clock.now(), intent, result, error.told), action, error, seen)
        self.attempts.note(action, clock.monotonic(), wrote=self.executor.write.sent > sent)
        self.refused = 0
        self.repeated = self.repeated + 1 if self.last and self.last[0] == action else 0
        self.last = (action, clock.monotonic())
        self.done.append(self.last)
        return release.with_outcome(clock.now(), intent, Result.DONE), seen, clock.now()

    def _listed_anew(self) -> bool:
        """Users are not led by what a silent watch showed last: their pods may be gone. False: it is fresh, or cannot be had."""
        now = self.deps.clock.monotonic()
        if min(self.feed.quiet(), now - self.listed_at) <= UNSEEN:
            return False
        self.listed_at = now
        try:
            self.feed.relist()
        except ClusterError:
            return False
        return True

    def _refused_for(self, action: Action) -> float:
        """Seconds before it is tried again. After many refusals in a row, of whatever actions, no other one helps either."""
        if self.not_before is None or (self.not_before[0] != action and self.refused < MAX_TRIES):
            return 0.0
        return self.not_before[1] - self.deps.clock.monotonic()

    def _again(self) -> float:
        """Seconds before what was done and does not show is done again: somebody undoes it, and the journal has to hold it all."""
        return REPEAT_AFTER if self.repeated < MAX_TRIES else MAX_BACKOFF

    def _intended(self, release: Release, action: Action) -> tuple[Release, Entry]:
        """With the intent in the journal. One whose saving failed may stand in the record all the same: it is not written twice."""
        if self.unsaved is None or self.unsaved.action != action:
            release = self._closed(release).noted(self.deps.clock.now(), Event.INTENT, action=action)
            self.unsaved = release.journal[-1]
        self.release = release
        return release, self.unsaved

    def _closed(self, release: Release) -> Release:
        """An intent whose saving failed, and which is not wanted any more, was never carried out."""
        entry, self.unsaved = self.unsaved, None
        if entry is None:
            return release
        return release.with_outcome(self.deps.clock.now(), entry, Result.FAILED, "not done, it could not be recorded")

    def _journal(self, release: Release, action: Action) -> None:
        """The intent first, but traffic that must come back does not wait for the journal (design.md rule 3)."""
        try:
            self._save(release, force=True)
        except Superseded:
            raise
        except DeliverError as error:
            if release.course is not Direction.ROLLING_BACK or not _moves_users(action, release):
                raise
            self.deps.reporter.note(f"the journal could not be written ({error.what}); moving the traffic all the same")

    def _refused(self, release: Release, action: Action, error: ClusterError, seen: Observation) -> tuple[Release, Observation, float]:
        """The API server did not take it. Forward: back or hold, by what it said. Back: again, until the rollback's own limit."""
        now = self.deps.clock.now()
        self.refused += 1
        if release.course is Direction.ROLLING_BACK:
            self.deps.reporter.note(f"{action}: {self._told(error)}: trying again")
        elif action.verb is Verb.CLOSE_PREVIEW:
            self.deps.reporter.note(f"{action}: {error.what}")  # the ladder gives it up after a few tries: no user is on it
        elif isinstance(error, Forbidden):
            release = hold(release, f"not permitted: {error.told}", now)
        elif isinstance(error, Rejected):
            # all users have the new version in the finish, and it is whole: a policy against the write is none against them
            ends = hold if release.course is Direction.PROMOTING else turn_back
            release = ends(release, f"{action} was rejected: {error.told}", now)
        elif isinstance(error, (Conflict, NotFound)) and self.refused >= MAX_TRIES:
            release = hold(release, f"{action} is refused again and again: {error.told}", now)
        self.release = release
        delay = min(MAX_BACKOFF, BACKOFF * 2 ** min(self.refused - 1, 5))
        self.not_before = action, self.deps.clock.monotonic() + delay
        self._save(release, force=True)
        return release, seen, now + delay

    # ------------------------------------------------------------ saving

    def _save(self, release: Release, *, force: bool = False) -> None:
        """When the journal has grown, a request was answered, or `status` would be out of date."""
        now = self.deps.clock.now()
        ended = release.outcome is not None
        stale = now - self.saved_at >= self.deps.save_every and bool(release.checks)
        weighed = release.measures is not self.saved_measures  # a driver that takes over goes on with the evidence as it is
        if not (force or ended or len(release.journal) != self.saved_entries or stale or weighed):
            return
        finished = ended and release.outcome is not Outcome.HELD
        try:
            self.store.save(release, answered=tuple(self.answered), finished=finished)
        except Rejected as error:  # it was made immutable, or is full: that will not pass
            if release.course is not Direction.ROLLING_BACK:
                raise
            self._note(f"the record cannot be written ({error.what}{error.why and f', {error.why}'}); taking back all the same")
            return
        self.saved_entries, self.saved_at, self.saved_measures = len(release.journal), now, release.measures


def _moves_users(action: Action, release: Release) -> bool:
    """Off the new version, or it is what has to be done before that."""
    return action.verb in (Verb.ROUTE, Verb.KILL_FLAG) or (action.verb is Verb.RESTORE_STABLE and not release.traffic_off)
