"""Preflight: can each health check be asked from here? One that cannot would be blind for the whole release."""

from collections.abc import Sequence

from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Check, Finding, Probe
from deliver.plugins.validation import checked_probe, error_text

REACH, STABLE = "health-reachable", "health-stable"
TIMEOUT = 5.0  # seconds for each


def try_checks(checks: Sequence[tuple[str, Check]], namespace: str, stable: Sequence[PodSeen]) -> list[Finding]:
    """Asks one ready stable pod once by each check; never raises.

    refuse: a check says that it cannot be asked. warn: the stable version fails it, or a plugin without `try_once` has no answer.
    """
    pod = next((pod for pod in stable if pod.ready and pod.ip), None) or next((pod for pod in stable if pod.ready), None)
    if pod is None:
        return [Finding(REACH, "warn", "health checks: not tried, the stable side has no ready pod")] if checks else []
    return [finding for kind, check in checks for finding in _findings(kind, check, namespace, pod)]


def _findings(kind: str, check: Check, namespace: str, pod: PodSeen) -> list[Finding]:
    once = getattr(check, "try_once", None)
    try:
        probe = checked_probe((once or check.probe)(namespace, pod, TIMEOUT))
    except Exception as error:  # a check is foreign code
        probe = Probe(None, error_text(error))
    if probe.ok is None:
        text = f"health check {kind} cannot be asked: {probe.message}"
        hint = "without an answer it is blind, and no user gets the new version; see `health` in deliver.yaml, and `deliver doctor`"
        return [Finding(REACH, "refuse" if once else "warn", text, hint)]
    if not probe.ok:
        text = f"health check {kind}: the stable version fails it ({pod.name}: {probe.message})"
        hint = "a candidate that answers so is taken back: correct the check, unless the new version is the first to pass it"
        return [Finding(STABLE, "warn", text, hint)]
    return []
