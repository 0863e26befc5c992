"""PodRoster: the pods of both arms, with those that have just gone: their last requests still count in the window."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deliver.analysis.counts import Arm
from deliver.model.observation import PodSeen

CANDIDATE, STABLE = "candidate", "stable"
# A query with more names would not fit into the URL that many proxies accept (8 KiB).
PODS_PER_QUERY = 150


@dataclass
class PodRoster:
    """By arm: pod -> (unix seconds of creation, unix seconds when it was last there)."""

    _seen: dict[str, dict[str, tuple[float, float]]] = field(default_factory=lambda: {CANDIDATE: {}, STABLE: {}})

    def note(self, at: float, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], keep: float) -> None:
        """keep: seconds for which a pod that has gone is remembered."""
        for arm, pods in ((STABLE, stable), (CANDIDATE, candidate)):
            known = self._seen[arm]
            known.update({pod.name: (pod.since, at) for pod in pods})
            for name in [name for name, (_, last) in known.items() if at - last > keep]:
                del known[name]

    def arm(self, name: str, offset: float = 0.0) -> Arm:
        """offset: the provider's clock less ours, seconds."""
        return {pod: since + offset if since else 0.0 for pod, (since, _) in self._seen[name].items()}

    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self._seen[CANDIDATE], *self._seen[STABLE]}))


def batches(names: Sequence[str]) -> list[tuple[str, ...]]:
    """At most PODS_PER_QUERY names each."""
    return [tuple(names[at : at + PODS_PER_QUERY]) for at in range(0, len(names), PODS_PER_QUERY)]
