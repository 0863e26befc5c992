"""Health checks of the candidate's pods: all pods at once, one deadline, one CheckResult for each check."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from deliver.model.observation import PodSeen
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Check, Probe
from deliver.plugins.validation import FOREIGN, checked_probe, error_text

WORKERS = 16
PROBE_TIMEOUT = 5.0
MAX_SAMPLES = 6


@dataclass
class ConsecutiveFailures:
    """Failed probes in a row, by check (its place in the list) and pod."""

    counts: dict[tuple[int, str], int] = field(default_factory=dict)

    def note(self, check: int, pod: PodSeen, probe: Probe) -> int:
        """Failures in a row after this probe. One that could not be judged changes nothing."""
        key = (check, pod.uid)
        if probe.ok is not None:
            self.counts[key] = 0 if probe.ok else self.counts.get(key, 0) + 1
        return self.counts.get(key, 0)


@dataclass(frozen=True)
class _ProbedPod:
    pod: PodSeen
    probe: Probe
    row: int


def probe_all(
    checks: Sequence[tuple[str, Check]],
    namespace: str,
    candidate: Sequence[PodSeen],
    failures: ConsecutiveFailures,
    timeout: float,
    clock: Callable[[], float],
) -> tuple[CheckResult, ...]:
    """Probe the ready pods: the others get no traffic and are judged by their state. timeout: seconds for all probes together."""
    if not checks:
        return ()
    at, pods = clock(), [pod for pod in candidate if pod.ready]
    pool = ThreadPoolExecutor(max_workers=min(WORKERS, max(len(checks) * len(pods), 1)), thread_name_prefix="deliver-probe")
    try:
        each = min(PROBE_TIMEOUT, timeout)
        jobs = {(index, pod.uid): pool.submit(check.probe, namespace, pod, each) for index, (_, check) in enumerate(checks) for pod in pods}
        wait(jobs.values(), timeout=timeout)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    results = []
    for index, (name, check) in enumerate(checks):
        probes = [(pod, _answer(jobs[index, pod.uid], timeout)) for pod in pods]
        seen = [_ProbedPod(pod, probe, failures.note(index, pod, probe)) for pod, probe in probes]
        results.append(_result(name, seen, _failures_needed(check), at))
    return tuple(results)


def _answer(job: "Future[Probe]", timeout: float) -> Probe:
    if not job.done() or job.cancelled():
        return Probe(None, f"no answer within {timeout:g} s")
    try:
        return checked_probe(job.result())
    except FOREIGN as error:  # whatever it raises says nothing of the pod
        return Probe(None, error_text(error))


def _failures_needed(check: Check) -> int:
    failures = getattr(check, "failures", 1)
    return failures if isinstance(failures, int) and 1 <= failures < 1000 else 1


def _result(name: str, seen: Sequence[_ProbedPod], needed: int, at: float) -> CheckResult:
    verdict, why = _verdict(seen, needed)
    evidence = Evidence(
        query=seen[0].probe.query if seen else "",
        at=at,
        numbers={
            "pods": float(len(seen)),
            "failed": float(sum(one.probe.ok is False for one in seen)),
            "unknown": float(sum(one.probe.ok is None for one in seen)),
        },
        samples=tuple(
            f"{one.pod.name}: {one.probe.message}" for one in sorted(seen, key=lambda one: one.probe.ok is not False)[:MAX_SAMPLES]
        ),
    )
    return CheckResult(name, "health", verdict, why, samples=len(seen), evidence=evidence)


def _verdict(seen: Sequence[_ProbedPod], needed: int) -> tuple[Verdict, str]:
    if not seen:
        return Verdict.BLIND, "no ready candidate pod to probe"
    failing = [one for one in seen if one.probe.ok is False]
    if sure := [one for one in failing if one.row >= needed]:
        return Verdict.FAIL, f"{_pods(sure, len(seen))} failed{f' {needed} times in a row' if needed > 1 else ''}: {sure[0].probe.message}"
    if failing:
        return Verdict.BLIND, f"{_pods(failing, len(seen))} failed, {failing[0].row} of {needed} in a row: {failing[0].probe.message}"
    if unknown := [one for one in seen if one.probe.ok is None]:
        return Verdict.BLIND, f"{_pods(unknown, len(seen))} could not be judged: {unknown[0].probe.message}"
    return Verdict.PASS, f"{len(seen)} of {len(seen)} pods are healthy"


def _pods(seen: Sequence[_ProbedPod], total: int) -> str:
    names = ", ".join(one.pod.name for one in seen[:3])
    return f"{len(seen)} of {total} pods ({names}{', ...' if len(seen) > 3 else ''})"
