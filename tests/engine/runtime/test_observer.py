"""A watch brings changes while a look reads: none of them is taken for one that was looked at."""

from copy import deepcopy
from typing import Any

import pytest

from deliver.engine.commands.deps import router_of
from deliver.engine.runtime.observer import Observer, SnapshotFeed, pods_selector, watches
from tests.engine.rig import Rig


class BusyFeed(SnapshotFeed):
    """Right after the read of that number something comes."""

    reads, at, kind, came = 0, 0, "", False

    def _read(self, found: Any) -> Any:
        self.reads += 1
        if self.reads == self.at:
            changed = deepcopy(next(iter(self._objects[self.kind].values())))
            changed["metadata"].setdefault("annotations", {})["new"] = "yes"
            changed["metadata"]["resourceVersion"] += "1"
            if self.kind == "pods":
                changed["status"]["conditions"] = []
            self.apply(self.kind, changed)
            self.came = True
        return found

    def get(self, kind: str, name: str) -> Any:
        return self._read(super().get(kind, name))

    def list(self, kind: str) -> Any:
        return self._read(super().list(kind))


@pytest.mark.parametrize("kind", ["pods", "replicasets", "deployments", "services"])
def test_what_comes_while_it_looks_is_seen_or_a_reason_to_look_again(kind: str):
    rig = Rig.make()
    release = rig.propose().release
    router = router_of(release.spec)
    for number in range(1, 100):
        feed: Any = BusyFeed(rig.world.cluster, "shop", watches(release, router, pods_selector(release)))
        feed.kind, feed.at = kind, number
        observer = Observer(feed, router)
        seen = observer.look(release, 0.0)
        if not feed.came:
            break
        assert observer.differs(release) or Observer(feed, router).look(release, 0.0) == seen, f"after read {number}"
    assert number > 5
