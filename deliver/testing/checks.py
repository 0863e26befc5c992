"""The contract of a health check: an answer in time, whatever the pod does."""

from abc import abstractmethod
from typing import Any, ClassVar

from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Probe
from deliver.testing.plugin import PluginContract, in_time


class CheckContract(PluginContract):
    """well, ill, silent: each gives (check, pod) for a pod that is well, one that is not, one that never answers (None: cannot be had)."""

    timeout: ClassVar[float] = 1.0

    @abstractmethod
    def well(self) -> tuple[Any, PodSeen]:
        """The author's."""

    @abstractmethod
    def ill(self) -> tuple[Any, PodSeen]:
        """The author's."""

    def silent(self) -> tuple[Any, PodSeen] | None:
        return None

    def _probe(self, made: tuple[Any, PodSeen]) -> Probe:
        check, pod = made
        with in_time(self.timeout):
            probe: Probe = check.probe("shop", pod, self.timeout)
        assert isinstance(probe, Probe)
        return probe

    def test_a_pod_that_is_well_passes(self) -> None:
        probe = self._probe(self.well())
        assert probe.ok is True, probe.message

    def test_a_pod_that_is_not_fails_and_the_message_says_why(self) -> None:
        probe = self._probe(self.ill())
        assert probe.ok is False
        assert probe.message
        assert len(probe.message) < 500

    def test_a_pod_that_never_answers_is_no_pass_and_ends_in_time(self) -> None:
        made = self.silent()
        if made is not None:
            assert self._probe(made).ok is not True
