"""Are the Services answered, on fresh connections? Asked after all users were moved, until each was well once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Probe

KIND = "service"
ROW = 2  # looks in a row that fail before the Service does
Asker = tuple[str, Callable[[float], Probe]]


@dataclass
class Services:
    """What is known in one step. well: the answer of each Service that came through."""

    well: dict[str, CheckResult] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def ask(self, askers: Sequence[Asker], timeout: float, clock: Callable[[], float]) -> tuple[tuple[CheckResult, ...], str]:
        """(verdicts, why one could not be asked). A Service that cannot be asked has no verdict: it is an extra, not a gate."""
        unasked = ""
        failed = []
        for name, ask in askers:
            if name in self.well:
                continue
            at, probe = clock(), _probe(ask, timeout)
            if probe.ok is None:
                unasked = unasked or f"{name}: {probe.message}"
                continue
            self.failures[name] = 0 if probe.ok else self.failures.get(name, 0) + 1
            verdict = Verdict.PASS if probe.ok else Verdict.FAIL if self.failures[name] >= ROW else Verdict.BLIND
            result = CheckResult(name, KIND, verdict, f"{name}: {probe.message}", evidence=Evidence(probe.query, at))
            if probe.ok:
                self.well[name] = result
            else:
                failed.append(result)
        return (*self.well.values(), *failed), unasked


def _probe(ask: Callable[[float], Probe], timeout: float) -> Probe:
    try:
        return ask(timeout)
    except Exception as error:  # whatever it raises says nothing of the Service; texts of unknown errors may hold a secret
        return Probe(None, str(getattr(error, "what", "")) or f"internal error: {type(error).__name__}")
