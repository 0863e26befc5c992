"""A reporter that passes news on to notifiers. They run in a thread of their own, so that a slow webhook never delays a release."""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from deliver.engine.runtime.reporter import Reporter
from deliver.model.errors import DeliverError
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.notify.events import event_of, key_of, text_of
from deliver.plugins.notifiers import News, Notifier, NotifyError

TIMEOUT = 5.0  # seconds a notifier has for one piece of news
ATTEMPTS = 3
FLUSH_TIMEOUT = 10.0  # seconds that the end of a run waits for what was not told yet
QUEUE_SIZE = 200  # pieces of news that may wait; a release has fewer turns than that


Subscriptions = Sequence[tuple[str, frozenset[str], Notifier]]  # label for messages, events (none: all), notifier


class NotifyingReporter:
    """Wraps the display. find: the subscriptions of a release, asked for at its first news; raises DeliverError for one that cannot work.

    view: the release as `-o json` prints it. pause: between two tries, seconds.
    """

    def __init__(
        self,
        display: Reporter,
        find: Callable[[Release], Subscriptions],
        view: Callable[[Release, Observation | None], Mapping[str, object]],
        clock: Callable[[], float],
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._display, self._find, self._view, self._clock, self._pause = display, find, view, clock, pause
        self._seen: set[tuple[str, str, int]] = set()
        self._queue: queue.Queue[News | None] = queue.Queue(QUEUE_SIZE)
        self._notifiers: Subscriptions | None = None
        self._thread = threading.Thread(target=self._run, name="deliver-notify", daemon=True)

    def update(self, release: Release, seen: Observation | None) -> None:
        self._display.update(release, seen)
        self._tell(release, seen)

    def note(self, text: str) -> None:
        self._display.note(text)

    def end(self, release: Release, seen: Observation | None) -> None:
        """The display first: a person at the terminal does not wait for a webhook."""
        self._display.end(release, seen)
        self._tell(release, seen)
        self._put(None)
        if self._thread.ident is not None:
            self._thread.join(FLUSH_TIMEOUT)
        if self._thread.is_alive():
            self._display.note("not everybody could be notified in time")

    def _tell(self, release: Release, seen: Observation | None) -> None:
        key = key_of(release)
        if key in self._seen:
            return
        self._seen.add(key)
        if self._notifiers is None:
            self._notifiers = self._subscriptions(release)
        if not self._notifiers:
            return
        self._put(News(event_of(release), text_of(release), self._clock(), self._view(release, seen)))

    def _subscriptions(self, release: Release) -> Subscriptions:
        try:
            found = self._find(release)
        except DeliverError as error:  # e.g. another person's shell, without the variable: a rollback does not wait for that
            self._display.note(f"nobody is notified: {error.what}")
            return ()
        if found:
            self._thread.start()
        return found

    def _put(self, one: News | None) -> None:
        try:
            self._queue.put_nowait(one)
        except queue.Full:
            self._display.note("a notification was dropped: the ones before it are not told yet")

    def _run(self) -> None:
        while (one := self._queue.get()) is not None:
            for label, events, notifier in self._notifiers or ():
                if not events or one.event in events:
                    self._deliver(label, notifier, one)

    def _deliver(self, label: str, notifier: Notifier, one: News) -> None:
        why = ""
        for attempt in range(ATTEMPTS):
            try:
                notifier.notify(one, TIMEOUT)
            except NotifyError as error:
                why = str(error)
                if not error.again:
                    break
                self._pause(2.0**attempt)
            except Exception as error:  # a notifier is foreign code; its texts may hold a secret
                why = f"internal error: {type(error).__name__}"
                break
            else:
                return
        self._display.note(f"{label} was not notified of `{one.event}`: {why}")
