"""The contract of a strategy: a pure planner whose plans the engine can carry out, take back, and go on with after a crash."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from deliver.engine.runtime.record_store import Store
from deliver.model.errors import InputError
from deliver.model.observation import Observation, OperatorRequest
from deliver.model.plan import Plan, Side
from deliver.model.release import Outcome, Phase, Release
from deliver.model.spec import Facts
from deliver.plugins import registry
from deliver.plugins.interfaces import moves_users
from deliver.testing.flags import MemoryFlags
from deliver.testing.plugin import PluginContract
from deliver.testing.stage import DRIVER, TARGET, Stage
from deliver_sandbox.faults import Fault, Killed, killed

SIZES = (1, 2, 4, 10, 101)
CRASHES = 6  # kills, spread over the calls of a release


class StrategyContract(PluginContract):
    """plugin: the class. examples: options that give a release of `replicas` pods. refused: options that never can.

    A strategy that exposes users gets a flag system in memory in the place of its own.
    """

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    refused: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    replicas: ClassVar[int] = 4

    @pytest.fixture(autouse=True)
    def _installed(self) -> Iterator[None]:
        with registry.override("deliver.strategies", self.plugin):
            yield

    def _stage(self) -> Stage:
        stage = Stage.make(self.replicas)
        if moves_users(self.plugin):
            stage.flag_clients = MemoryFlags().flag_client
        return stage

    def _plan(self, options: Mapping[str, Any], pods: int) -> Plan:
        plan: Plan = self.plugin().plan(self.plugin.Options.model_validate(dict(options)), Facts(TARGET, pods))
        return plan

    def test_it_says_what_it_is(self) -> None:
        super().test_it_says_what_it_is()
        assert "\n" not in self.plugin.summary
        for key, field in self.plugin.Options.model_fields.items():
            assert field.description, f"option `{key}` has no description: it is the help that a person reads"

    def test_a_plan_is_a_function_of_options_and_facts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No file, no network, no clock and no chance: `deliver plan` shows what a run will do."""
        with _no_io(monkeypatch):
            for options in self.examples:
                assert self._plan(options, self.replicas) == self._plan(options, self.replicas)

    def test_every_plan_can_be_carried_out(self) -> None:
        """For each size there are steps that lead from nobody to everybody, or an InputError that says why not."""
        for options in self.examples:
            self._sound(self._plan(options, self.replicas))
            for size in SIZES:
                try:
                    plan = self._plan(options, size)
                except InputError:
                    continue
                self._sound(plan)

    def _sound(self, plan: Plan) -> None:
        assert plan.strategy == self.plugin.name
        assert plan.steps, "a plan has steps"
        moves_traffic = plan.flag is None
        for step in plan.steps:
            assert step.bake >= 0
            assert 0 <= step.weight <= 100
            assert step.name
            assert not moves_traffic or step.side is Side.STABLE or step.candidate_pods > 0, f"step {step.name} sends users to no pod"
        for before, after in pairwise(plan.steps):
            assert before.endpoints <= after.endpoints, "exposure only grows until a release is promoted or taken back"
            assert before.stable_pods <= after.stable_pods, "the stable side never shrinks on the way"
        assert plan.steps[-1].weight == 100, "the last step has everybody: what is promoted has been watched under all the traffic"
        assert not moves_traffic or plan.steps[-1].side is Side.CANDIDATE

    def test_bad_options_are_refused_before_anything_happens(self) -> None:
        for options in self.refused:
            with pytest.raises((InputError, ValidationError)):
                self._plan(options, self.replicas)

    def test_a_good_release_is_promoted_and_leaves_nothing_behind(self) -> None:
        for options in self.examples:
            stage = self._stage()
            before = stage.names("deployments"), stage.names("services")
            release = self._through(stage, options)
            assert release.outcome == "PROMOTED", release.reason
            assert (stage.names("deployments"), stage.names("services")) == before
            assert stage.world.traffic.tally.lost() == 0

    def _through(self, stage: Stage, options: Mapping[str, Any]) -> Release:
        """To its end; a person lets it pass where it waits for one."""
        asked: set[int] = set()

        def update(release: Release, seen: Observation | None) -> None:
            if release.phase is Phase.WAITING and release.step not in asked:
                asked.add(release.step)
                store = Store(stage.world.cluster, TARGET)
                store.load()
                store.ask(OperatorRequest(f"promote-{release.step}", "promote", "person@desk", at=stage.world.clock.now()))

        stage.reporter.on_update = update
        return stage.run(stage.spec(self.plugin.name, options))

    def test_a_bad_release_is_taken_back_and_everything_is_as_before(self) -> None:
        for options in self.examples:
            stage = self._stage()
            before = stage.stands()
            stage.fails_after(20.0)
            release = self._through(stage, options)
            assert release.outcome == "ROLLED_BACK", release.reason
            assert stage.stands() == before
            assert stage.world.traffic.tally.lost() == 0

    def test_a_killed_driver_is_succeeded_by_another_that_ends_the_same(self) -> None:
        options = self.examples[0]
        stage = self._stage()
        first = len(stage.world.cluster.calls)
        expected = self._through(stage, options).outcome
        calls = len(stage.world.cluster.calls) - first
        for at, nth in enumerate(range(5, calls, max(1, calls // CRASHES))):
            assert self._crashed(options, nth, applied=bool(at % 2)) in (expected, None)

    def _crashed(self, options: Mapping[str, Any], nth: int, *, applied: bool) -> Outcome | None:
        """The outcome after a kill at the nth call; None when it had not begun."""
        stage = self._stage()
        stage.world.cluster.script.add(Fault(killed, actor=DRIVER, nth=nth, times=1, applied=applied))
        try:
            return self._through(stage, options).outcome
        except Killed:
            pass
        try:
            return stage.resume().outcome
        except InputError:
            return _ended(stage)


def _ended(stage: Stage) -> Outcome | None:
    release = Store(stage.world.cluster, TARGET).load().release
    return release.outcome if release else None


@contextmanager
def _no_io(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a planner does no I/O and asks no clock: all it may know is in options and facts")

    with monkeypatch.context() as patch:
        for name in ("builtins.open", "socket.socket.connect", "time.time", "time.monotonic", "random.random", "subprocess.Popen"):
            patch.setattr(name, refuse)
        yield
