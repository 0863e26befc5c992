"""The contract of a router: it moves exposure, says where it is, does nothing twice, and puts back what stood."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lease
from deliver.engine.runtime.observer import SnapshotFeed, pods_selector, watches
from deliver.model.errors import ClusterError, Superseded
from deliver.model.observation import RouteSeen
from deliver.model.plan import ORIGINAL, Exposure, Side
from deliver.model.release import Release
from deliver.model.spec import PluginSpec
from deliver.plugins import registry
from deliver.plugins.interfaces import Abilities
from deliver.testing.plugin import PluginContract
from deliver.testing.stage import TARGET, Stage
from deliver_sandbox.clock import EngineClock

STEPS: Mapping[str, Any] = {"weight": [50], "bake": "30s"}


class RouterContract(PluginContract):
    """plugin: the class. options: with which it routes Service `web` of the stage."""

    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _installed(self) -> Iterator[None]:
        with registry.override("deliver.routers", self.plugin):
            yield

    @property
    def _router(self) -> PluginSpec:
        return PluginSpec(self.plugin.name, dict(self.options))

    def _held(self) -> tuple[Stage, Release, Any, GuardedWriter]:
        """A release with both arms up that nobody drives any more, the router, and a guarded hand."""
        stage = Stage.make()
        release = stage.held(stage.spec("canary", STEPS, self._router))
        assert release.outcome == "HELD", release.reason
        clock = EngineClock(stage.world.clock)
        lease = Lease(stage.world.cluster, TARGET, "kit@here", clock)
        lease.seize(fence_above=release.fence)
        router = self.plugin(self.plugin.Options.model_validate(dict(self.options)))
        return stage, release, router, GuardedWriter(stage.world.cluster, "shop", lease, lease.fence)

    def _read(self, stage: Stage, release: Release, router: Any) -> RouteSeen:
        feed = SnapshotFeed(stage.world.cluster, "shop", watches(release, router, pods_selector(release)))
        return router.read(feed, release, (), ())  # type: ignore[no-any-return]  # the plugin's

    def _able(self, stage: Stage, router: Any) -> Abilities:
        return router.can(SnapshotFeed(stage.world.cluster, "shop", router.watches(TARGET)), TARGET)  # type: ignore[no-any-return]  # as above

    def test_it_moves_everybody_to_a_side_and_reads_it_back(self) -> None:
        stage, release, router, write = self._held()
        for exposure in (_home(release), Exposure(Side.CANDIDATE, release.candidate_hash), ORIGINAL):
            router.set_route(write, release, exposure)
            assert self._read(stage, release, router).shows(exposure)

    def test_it_gives_the_weights_that_it_says_it_can_and_reads_them_back(self) -> None:
        stage, release, router, write = self._held()
        finest = self._able(stage, router).weight_step
        if not finest:
            pytest.skip("its traffic follows the ready endpoints")
        weights = [Exposure(Side.BOTH, weight=weight) for weight in (finest, 50.0, 100.0 - finest)]
        for exposure in (*weights, _home(release), weights[0], ORIGINAL):
            router.set_route(write, release, exposure)
            seen = self._read(stage, release, router)
            assert [one for one in (*weights, _home(release), ORIGINAL) if seen.shows(one)] == [exposure]
            assert seen.marked, "else nobody would put it back"

    def test_it_says_what_it_will_write_for_every_exposure(self) -> None:
        stage, release, router, _ = self._held()
        finest = self._able(stage, router).weight_step
        by_weight = [Exposure(Side.BOTH, weight=finest)] if finest else []
        for exposure in (Exposure(Side.STABLE), *by_weight, ORIGINAL, Exposure(Side.CANDIDATE), None):
            lines = router.planned_writes(release, exposure)
            assert lines, f"nothing for {exposure}"
            assert all(isinstance(line, str) and line and "\n" not in line for line in lines)

    def test_a_move_that_is_made_already_writes_nothing(self) -> None:
        stage, release, router, write = self._held()
        router.set_route(write, release, _home(release))
        before = _writes(stage)
        router.set_route(write, release, _home(release))
        assert _writes(stage) == before

    def test_it_restores_what_stood_before_byte_for_byte(self) -> None:
        stage = Stage.make()
        before = stage.stands()
        assert stage.run(stage.spec("canary", STEPS, self._router)).outcome == "PROMOTED"
        after = stage.stands()
        assert {name: one for name, one in after.items() if name.startswith("services/")} == {
            name: one for name, one in before.items() if name.startswith("services/")
        }

    def test_a_bad_release_is_taken_back_without_a_lost_request(self) -> None:
        stage = Stage.make()
        before = stage.stands()
        stage.fails_after(20.0)
        assert stage.run(stage.spec("canary", STEPS, self._router)).outcome == "ROLLED_BACK"
        assert stage.stands() == before
        assert stage.world.traffic.tally.lost() == 0

    def test_an_old_driver_moves_nothing_any_more(self) -> None:
        """Every write goes through the Writer: it knows the fence."""
        stage, release, router, write = self._held()
        router.set_route(write, release, _home(release))
        taker = Lease(stage.world.cluster, TARGET, "taker@there", EngineClock(stage.world.clock))
        taker.seize(fence_above=write.fence)
        before = stage.stands()
        with pytest.raises((Superseded, ClusterError)):
            router.set_route(write, release, Exposure(Side.CANDIDATE, release.candidate_hash))
        assert stage.stands() == before

    def test_a_rollback_works_with_it_when_the_record_is_lost(self) -> None:
        stage = Stage.make()
        before = stage.stands()
        stage.held(stage.spec("canary", STEPS, self._router))
        stage.world.api.delete("configmaps", "shop", "deliver-web", {})
        try:
            assert stage.rollback().outcome == "ROLLED_BACK"
        except ClusterError as error:
            raise AssertionError(f"a rollback without its record did not work: {error.what}") from error
        assert stage.stands() == before


def _home(release: Release) -> Exposure:
    return Exposure(Side.STABLE, release.snapshot.hash)


def _writes(stage: Stage) -> int:
    return sum(call.verb in ("create", "patch", "delete") for call in stage.world.cluster.calls)
