"""What the driver tells the outside while it runs. render/ implements it; it never raises into the driver."""

from typing import Protocol

from deliver.model.observation import Observation
from deliver.model.release import Release


class Reporter(Protocol):
    def update(self, release: Release, seen: Observation | None) -> None:
        """After each look and each change. The journal's new lines are what happened since the last call."""

    def note(self, text: str) -> None:
        """Something worth saying that is not in the journal, e.g. "the API server does not answer, trying again"."""

    def end(self, release: Release, seen: Observation | None) -> None:
        """Once, at the end of the run."""
