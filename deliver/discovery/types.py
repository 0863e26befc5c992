"""The data types of discovery."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deliver.analysis.selectors import Matcher
from deliver.model.errors import InputError
from deliver.plugins.interfaces import Series


@dataclass(frozen=True)
class Family:
    """All series of one name that some stable pods have, with raw samples of some minutes."""

    name: str
    series: tuple[Series, ...]
    native: bool = False  # native histograms

    def values(self, label: str) -> frozenset[str]:
        """All values of the label; "" stands for series without it."""
        return frozenset(one.labels.get(label, "") for one in self.series)

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(label for one in self.series for label in one.labels) - {"__name__"}

    def where(self, *matchers: Matcher) -> "Family":
        kept = tuple(one for one in self.series if all(matcher.holds(one.labels) for matcher in matchers))
        return Family(self.name, kept, self.native)


@dataclass(frozen=True)
class Choice:
    text: str  # as a person sees it
    how: str  # options that choose it without a question
    value: Any = None  # what it stands for


@dataclass(frozen=True)
class Question:
    """More than one thing fits, and only a person can choose."""

    what: str  # without the question mark
    choices: tuple[Choice, ...]


Ask = Callable[[Question], Any]
"""Gives the value of the Choice that was taken. Raises InputError if nobody can be asked."""


def nobody_to_ask(question: Question) -> Any:
    """An Ask for where no person is there."""
    raise InputError(f"not clear: {question.what}", hint=f"e.g. {question.choices[0].how}")


@dataclass(frozen=True)
class DiscoveredEntry:
    """An entry for deliver.yaml, and why it was chosen."""

    entry: Mapping[str, Any]
    why: str


@dataclass(frozen=True)
class Discovery:
    """What was found for the pods of a Deployment."""

    provider: Mapping[str, Any] | None = None  # options of the provider `prometheus`; None = none was found
    metrics: tuple[DiscoveredEntry, ...] = ()
    notes: tuple[str, ...] = ()  # lines for a person: what was chosen and why, and what was not found
    rate: float = 0.0  # requests a second of all stable pods, by the chosen counter
    there: bool = False  # there may be a Prometheus: it is worth asking again
    answers: bool = False  # it has answered
    earlier: bool = False  # the metrics are of pods that ran before the present ones
