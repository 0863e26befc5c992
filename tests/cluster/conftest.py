"""Fixtures of the end-to-end tests, and what is skipped where the cluster is not the lab."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cluster.support import lab, objects
from tests.cluster.support.audit import Audit
from tests.cluster.support.kubectl import Object
from tests.cluster.support.world import World

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.cluster)
        item.add_marker(pytest.mark.timeout(300))
        if not lab.KUBECONFIG:
            item.add_marker(pytest.mark.skip(reason="no KUBECONFIG: `make test-cluster` brings up the lab"))
        elif not lab.REGISTRY:
            item.add_marker(pytest.mark.skip(reason="not the lab (no LAB_REGISTRY): its sample images and load generator are not there"))


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """A maker of namespaces: world(replicas=4, version="1.0.0", services=..., extra=...)."""
    made: list[World] = []

    def make(replicas: int = 4, version: str = "1.0.0", services: Sequence[Object] | None = None, extra: Sequence[Object] = ()) -> World:
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
        folder = tmp_path / f"world{len(made)}"
        folder.mkdir()
        one = World(folder, name)
        made.append(one)
        return one.make(replicas, version, [objects.service()] if services is None else services, extra)

    yield make
    for one in made:
        one.remove()


@pytest.fixture
def audit() -> Audit:
    if not lab.AUDIT_LOG:
        pytest.skip("no LAB_AUDIT_LOG: the API server's audit log cannot be read")
    return Audit(lab.AUDIT_LOG)
