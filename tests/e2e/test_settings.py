"""Three bad releases and three good ones by each strategy, at each setting of Prometheus: minutes each, for E2E_ALL=1.

The sandbox plays twenty of each: `python -m tests.hunt.judged --table`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import lab
from tests.e2e.support.events import baking, ended, passed, unix
from tests.e2e.support.flagged import lab as flagged_image
from tests.e2e.support.place import LATE, SELDOM, Store
from tests.e2e.support.process import Running
from tests.e2e.support.world import World
from tests.e2e.test_flags import ERRORS, USERS, Shop, spoil
from tests.e2e.test_flags import shop as shop  # noqa: PLC0414  the fixture
from tests.lab.apps import manifests

Make = Callable[..., World]
MIDDLE, MIDDLE_LATE = Store(every=15.0), Store(every=15.0, late=30.0)
BOTH = {
    "canary": {"canary": {"weight": [10, 50], "bake": "10s"}},
    "blue-green": {"blue-green": {"preview_bake": "5s", "bake": "30s", "hold": "10s"}},
}
pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.mark.stores(SELDOM, LATE, MIDDLE, MIDDLE_LATE)
@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("strategy", BOTH)
def test_a_bad_version_gets_past_no_step_that_users_are_on(world: Make, strategy: str, turn: int) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("2.0.0-errors", strategy=BOTH[strategy])
        view = ended(running.end(), 3, "ROLLED_BACK")
    users.lost_none()
    exposed = 0 if strategy == "canary" else 1
    assert not any(passed(exposed)(event) for event in running.events)
    assert users.reached("2.0.0-errors", unix(view["traffic_off"])) == 0
    shop.unchanged()


@pytest.mark.stores(SELDOM, LATE, MIDDLE, MIDDLE_LATE)
@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("strategy", BOTH)
def test_a_good_version_is_promoted_and_held_by_nothing(world: Make, strategy: str, turn: int) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        ended(shop.release("1.1.0", strategy=BOTH[strategy]).end(), 0, "PROMOTED")
    users.all_well()
    shop.runs_only("1.1.0")


def flags(store: Store) -> Any:
    return pytest.param(store, id=str(store), marks=[pytest.mark.timeout(900), *([] if store == Store() else [pytest.mark.store])])


@pytest.fixture(params=[flags(store) for store in (Store(), SELDOM, LATE, MIDDLE, MIDDLE_LATE)])
def flagged(request: pytest.FixtureRequest, shop: Shop, tmp_path: Path) -> Shop:
    if request.param != lab.STORE:
        pytest.skip(f"Prometheus is set to {lab.STORE}: tests/e2e/run sets it to {request.param} in its turn")
    shop.start(tmp_path, flagged_image("image", "flagd-python"))
    return shop


def flag_release(shop: Shop) -> Running:
    span = 4 * lab.STORE.every + lab.STORE.late
    analysis = {"metrics": [ERRORS | {"window": f"{20 + span:g}s"}], "max_staleness": f"{30 + span:g}s", "max_blind": f"{60 + span:g}s"}
    return shop.release({"flagd": {"configmap": manifests.CONFIGMAP, "users": 300}}, [25], "10s", analysis=analysis)


@pytest.mark.cluster
@pytest.mark.parametrize("turn", range(3))
def test_a_bad_treatment_passes_no_step(flagged: Shop, turn: int) -> None:
    before = flagged.document()
    with flagged.load() as load:
        running = flag_release(flagged)
        running.wait_for("25 %", baking(0))
        spoil(flagged)
        ended(running.end(600), 3, "ROLLED_BACK")
    load.traffic.lost_none()
    assert not any(passed(0)(event) for event in running.events)
    assert flagged.document() == before
    assert flagged.treated() == set()


@pytest.mark.cluster
@pytest.mark.parametrize("turn", range(3))
def test_a_good_treatment_reaches_everyone(flagged: Shop, turn: int) -> None:
    with flagged.load() as load:
        ended(flag_release(flagged).end(600), 0, "PROMOTED")
    load.traffic.lost_none()
    assert len(flagged.treated()) == USERS
