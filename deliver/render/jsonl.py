"""A running release as JSON lines on stdout: kind ReleaseEvent for each journal line, kind Release once at the end."""

import threading
from collections.abc import Callable

from deliver.model.journal import Entry
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.render.events import Narrator
from deliver.render.lines import RECENT
from deliver.render.lists import to_json
from deliver.render.out import Out, never_raises
from deliver.render.sentences import sentence
from deliver.render.view import check_view, event_view, facts, release_view


class JsonLines:
    """Implements engine.reporter.Reporter."""

    def __init__(self, out: Out, now: Callable[[], float]) -> None:
        self.out, self.now = out, now
        self.lock = threading.RLock()
        self._narrator = Narrator(since=now() - RECENT)
        self._last: tuple[Release, Observation | None] | None = None

    @never_raises
    def update(self, release: Release, seen: Observation | None) -> None:
        self._last = (release, seen)
        for entry in self._narrator.fresh(release):
            self._entry(entry, release, seen)

    @never_raises
    def note(self, text: str) -> None:
        """A notice has no seq: it is not in the journal. Before the first update there is no release to put it to."""
        if self._last:
            release, seen = self._last
            now = self.now()
            self._put(event_view(release, seen, now, seq=None, at=now, kind="notice", text=text))

    @never_raises
    def end(self, release: Release, seen: Observation | None) -> None:
        for entry in self._narrator.fresh(release):
            self._entry(entry, release, seen)
        self._put(release_view(release, seen, self.now()))

    def _entry(self, entry: Entry, release: Release, seen: Observation | None) -> None:
        checks = [check_view(check) for check in entry.checks]
        more = {"of": entry.of, "result": entry.result, "actor": entry.actor, "checks": checks, **facts(entry)}
        text = sentence(entry, release)
        self._put(event_view(release, seen, self.now(), seq=entry.seq, at=entry.at, kind=str(entry.kind), text=text, **more))

    def _put(self, view: dict[str, object]) -> None:
        self.out.line(to_json(view, indent=None))
