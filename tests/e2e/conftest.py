"""Fixtures of the end-to-end tests: each plays on the sandbox, and on the lab where there is one."""

import gc
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.e2e.support import lab, objects
from tests.e2e.support.audit import Asked
from tests.e2e.support.forked import Zygote
from tests.e2e.support.place import Object, Place, Store
from tests.e2e.support.sandbox import Sandbox
from tests.e2e.support.world import World

FASTEST, SLOWEST = 16.0, 4.0
"""How many times as fast time passes on the sandbox: so much less as the machine has more to do, unless a test is marked `pace`."""


def rate(marked: pytest.Mark | None) -> float:
    if marked:
        return float(marked.args[0])
    return max(SLOWEST, FASTEST / max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Where it plays, and at which Prometheus. What is marked `lab` does not play on the sandbox."""
    if "place" not in metafunc.fixturenames:
        return
    marks = {mark.name: mark for mark in metafunc.definition.iter_markers()}
    stores = [Store(), *(marks["stores"].args if "stores" in marks else ())]
    metafunc.parametrize("place", [param for store in stores for param in _places(store, marks)], indirect=True)


def _places(store: Store, marks: Mapping[str, pytest.Mark]) -> Iterator[ParameterSet]:
    """On the sandbox a test goes by the machine's clock, if faster; at settings that are not the usual ones it takes minutes: `slow`,

    but on the lab for those that are to play there each time.
    """
    usual = store == Store()
    name, slow = ("", []) if usual else (f"-{store}", [pytest.mark.slow])
    if "lab" not in marks:
        yield pytest.param(("sandbox", store), id=f"sandbox{name}", marks=[pytest.mark.timeout(300), pytest.mark.slow])
    each_time = usual or store in marks["stores"].kwargs.get("each_time", ())
    more = [] if usual else [pytest.mark.store, pytest.mark.timeout(900)]
    yield pytest.param(
        ("lab", store), id=f"lab{name}", marks=[pytest.mark.cluster, *(more or [pytest.mark.timeout(300)]), *([] if each_time else slow)]
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("cluster") and Path(__file__).parent in item.path.parents:
            if not lab.KUBECONFIG:
                item.add_marker(pytest.mark.skip(reason="no KUBECONFIG: `make test-cluster` brings up the lab"))
            elif not lab.REGISTRY:
                item.add_marker(pytest.mark.skip(reason="not the lab (no LAB_REGISTRY): its images and its load generator are not there"))


@pytest.fixture(scope="session")
def zygote() -> Iterator[Callable[[], Zygote]]:
    made: list[Zygote] = []

    def only() -> Zygote:
        if not made:
            made.append(Zygote())
        return made[0]

    yield only
    for one in made:
        one.close()


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, zygote: Callable[[], Zygote]) -> Iterator[Place]:
    name, store = request.param
    if name == "lab":
        yield lab.Lab(store)
        return
    sandbox = Sandbox(zygote(), tmp_path, rate(request.node.get_closest_marker("pace")), store)
    yield sandbox
    sandbox.close()


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, place: Place) -> Iterator[Callable[..., World]]:
    """A maker of namespaces: world(replicas=4, version="1.0.0", services=..., extra=..., delay=0)."""
    made: list[World] = []

    def make(
        replicas: int = 4, version: str = "1.0.0", services: Sequence[Object] | None = None, extra: Sequence[Object] = (), delay: int = 0
    ) -> World:
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
        folder = tmp_path / f"world{len(made)}"
        folder.mkdir()
        one = World(folder, name, place)
        made.append(one)
        return one.make(replicas, version, [objects.service()] if services is None else services, extra, delay)

    yield make
    for one in made:
        one.remove()


@pytest.fixture(autouse=True)
def collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """A connection that a test left open is that test's failure, not that of the one in which the collector happens to find it."""
    yield
    if request.node.get_closest_marker("cluster"):
        gc.collect()


@pytest.fixture
def audit(place: Place) -> Asked:
    return place.audit()
