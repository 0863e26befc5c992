"""The words of discovery, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deliver.analysis.selectors import Matcher
from deliver.plugins.interfaces import Series


@dataclass(frozen=True)
class Family:
    """All series of one name that some stable pods have, with the samples of a while. native: native histograms."""

    name: str
    series: tuple[Series, ...]
    native: bool = False

    def values(self, label: str) -> frozenset[str]:
        """All values that it has, "" where a series has none."""
        return frozenset(one.labels.get(label, "") for one in self.series)

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(label for one in self.series for label in one.labels) - {"__name__"}

    def where(self, *matchers: Matcher) -> "Family":
        kept = tuple(one for one in self.series if all(matcher.holds(one.labels) for matcher in matchers))
        return Family(self.name, kept, self.native)


@dataclass(frozen=True)
class Choice:
    """text: as a person sees it. how: what to type to choose it without being asked. value: what it stands for."""

    text: str
    how: str
    value: Any = None


@dataclass(frozen=True)
class Question:
    """More than one thing fits. what: a short question, without its mark."""

    what: str
    choices: tuple[Choice, ...]


Ask = Callable[[Question], Any]
"""The value of the chosen one. Raises InputError where nobody can be asked."""


@dataclass(frozen=True)
class Chosen:
    """An entry of deliver.yaml and why it is this one."""

    entry: Mapping[str, Any]
    why: str


@dataclass(frozen=True)
class Discovered:
    """provider: the options of the provider `prometheus`, None = none was found. told: what was chosen and why, and what was not found.

    rate: requests a second of all stable pods, by the chosen counter. there: a Prometheus may be asked, again as well; answers: it did.
    earlier: it is the pods before those that run now that had them.
    """

    provider: Mapping[str, Any] | None = None
    metrics: tuple[Chosen, ...] = ()
    told: tuple[str, ...] = ()
    rate: float = 0.0
    there: bool = False
    answers: bool = False
    earlier: bool = False
