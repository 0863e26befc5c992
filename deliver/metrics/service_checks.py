"""Do the Services answer, on new connections? They are asked after the cutover, until each has answered well once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Probe
from deliver.plugins.validation import error_text

KIND = "service"
FAILURES_IN_A_ROW = 2  # failed looks after which the check fails
ServiceProbe = tuple[str, Callable[[float], Probe]]


@dataclass
class ServiceChecks:
    """State of one step, by Service."""

    well: dict[str, CheckResult] = field(default_factory=dict)  # the result of each Service that has answered well
    failures: dict[str, int] = field(default_factory=dict)  # in a row

    def ask(self, probes: Sequence[ServiceProbe], timeout: float, clock: Callable[[], float]) -> tuple[tuple[CheckResult, ...], str]:
        """(verdicts, why one could not be asked). A Service that cannot be asked has no verdict: it is an extra, not a gate."""
        unasked = ""
        failed = []
        for name, ask in probes:
            if name in self.well:
                continue
            at, probe = clock(), _probe(ask, timeout)
            if probe.ok is None:
                unasked = unasked or f"{name}: {probe.message}"
                continue
            self.failures[name] = 0 if probe.ok else self.failures.get(name, 0) + 1
            verdict = Verdict.PASS if probe.ok else Verdict.FAIL if self.failures[name] >= FAILURES_IN_A_ROW else Verdict.BLIND
            result = CheckResult(name, KIND, verdict, f"{name}: {probe.message}", evidence=Evidence(probe.query, at))
            if probe.ok:
                self.well[name] = result
            else:
                failed.append(result)
        return (*self.well.values(), *failed), unasked


def _probe(ask: Callable[[float], Probe], timeout: float) -> Probe:
    try:
        return ask(timeout)
    except Exception as error:  # whatever it raises says nothing of the Service
        return Probe(None, error_text(error))
