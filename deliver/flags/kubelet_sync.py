"""A kubelet looks at a ConfigMap about once a minute, and at once when one of the pod's annotations changes. So one is changed."""

from collections.abc import Callable
from contextlib import suppress

from deliver.flags.mounts import reads_configmap
from deliver.model.errors import ClusterError, Conflict, NotFound
from deliver.model.names import FENCE
from deliver.model.objects import Object
from deliver.plugins.flags import FlagReach
from deliver.plugins.interfaces import Writer

SYNC_ANNOTATION = "deliver.dev/flags"


class KubeletSync:
    """slow: why the kubelets were not woken at the last write; a change that could be written is not undone for that."""

    def __init__(self, reach: FlagReach, configmap: str, key: str) -> None:
        self.reach, self.configmap, self.key = reach, configmap, key
        self.slow = ""

    def bump(self, write: Writer, value: str) -> None:
        """Each pod that reads the ConfigMap carries the value."""
        self._each(lambda name: write.change("pods", name, lambda pod: _noted(pod, value)))

    def clear(self, write: Writer) -> None:
        """No pod carries ours any more. One that carried none is changed all the same, so that it sees what was put back."""

        def one(name: str) -> None:
            write.change("pods", name, lambda pod: None if SYNC_ANNOTATION in _notes(pod) else _noted(pod, "restored"))
            write.change("pods", name, lambda pod: _noted(pod, None))

        self._each(one)

    def _each(self, work: Callable[[str], object]) -> None:
        self.slow = ""
        try:
            for pod in self.reach.list("pods", ""):
                if reads_configmap(pod, self.configmap, self.key):
                    with suppress(NotFound, Conflict):  # one that is gone, or never stands still, keeps no other from being told
                        work(pod["metadata"]["name"])
        except ClusterError as error:
            self.slow = f"the kubelets could not be woken ({error.what}); they look once a minute"


def _notes(pod: Object) -> dict[str, str]:
    return pod["metadata"].get("annotations") or {}


def _noted(pod: Object, value: str | None) -> Object | None:
    """A pod keeps no fence: what it carries orders nothing."""
    notes = _notes(pod)
    if notes.get(SYNC_ANNOTATION) == value and FENCE not in notes:
        return None
    return {"metadata": {"annotations": {SYNC_ANNOTATION: value, FENCE: None}}}
