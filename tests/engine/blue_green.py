"""Blue-green releases on the embedded cluster: the spec that the tests of them begin with, and what they ask of its end."""

from typing import Any

from deliver.model.names import RELEASE_LABEL
from deliver.model.release import Outcome, Release
from deliver.model.spec import Analysis, Limits, PluginSpec, ReleaseSpec
from deliver.render.sentences import sentence
from deliver_sandbox import fixtures
from deliver_sandbox.api import Write
from tests.engine.invariants import watched
from tests.engine.rig import GOOD, METRIC, TARGET, Rig

HTTP = PluginSpec("http", {"port": 8080, "path": "/healthz"})


def spec(image: str = GOOD, limits: Limits | None = None, health: tuple[PluginSpec, ...] = (), **options: Any) -> ReleaseSpec:
    wanted = {"preview_bake": "30s", "bake": "60s", "hold": "120s"} | options
    analysis = Analysis(metrics=(METRIC,), health=health, poll=5.0)
    return ReleaseSpec(TARGET, image, "blue-green", wanted, analysis=analysis, limits=limits or Limits(drain=10.0))


def at(release: Release, text: str) -> float:
    return next(entry.at for entry in release.journal if sentence(entry, release).startswith(text))


def ended(rig: Rig, outcome: Outcome, wanted: ReleaseSpec | None = None) -> Release:
    dog = watched(rig)
    release = rig.run(wanted or spec())
    assert release.outcome is outcome, release.reason
    dog.check(release)
    assert rig.world.traffic.tally.lost() == 0
    return release


def candidates(rig: Rig) -> list[str]:
    """Names of the candidate's pods."""
    return [pod["metadata"]["name"] for pod in rig.world.cluster.list("pods", "shop", selector=RELEASE_LABEL)]


def preview(rig: Rig, name: str = "web-preview", app: str = "nobody") -> Rig:
    """The user has a preview Service of his own."""
    rig.world.api.create("services", "shop", fixtures.service(name, app), Write(manager="kubectl-client-side-apply"))
    return rig


def headless(rig: Rig, name: str) -> Rig:
    """A Service of the same pods without an address of its own."""
    body = fixtures.service(name)
    rig.world.api.create("services", "shop", {**body, "spec": {**body["spec"], "clusterIP": "None"}}, Write(manager="kubectl"))
    return rig
