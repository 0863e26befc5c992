"""A version that is taken back gets nobody any more, whichever Deployment's pods run it, and what is said of traffic is so."""

from collections.abc import Callable

import pytest

from tests.e2e.support.events import Event, ended, says, unix
from tests.e2e.support.world import World, image

Make = Callable[..., World]
BAD = "2.0.0-errors"


def new_pods(shop: World) -> int:
    """The Deployment's own, of the bad version, alive and ready."""
    pods = [pod for pod in shop.hands.items("pods") if pod["spec"]["containers"][0]["image"] == image(BAD)]
    own = [pod for pod in pods if "deliver.dev/release" not in pod["metadata"]["labels"] and not pod["metadata"].get("deletionTimestamp")]
    return sum(one["type"] == "Ready" and one["status"] == "True" for pod in own for one in pod["status"].get("conditions", []))


def share(event: Event) -> float | None:
    told = event.get("exposure") or {}
    return None if told.get("endpoints") is None else float(told["endpoints"])


@pytest.mark.parametrize("strategy", [pytest.param("canary", marks=pytest.mark.slow), "blue-green"])
def test_the_deployments_own_pods_of_a_version_taken_back_in_the_finish_get_nobody(world: Make, strategy: str) -> None:
    """They are ready 8 s after their start, those of the version of before too: the Deployment takes its time to roll back."""
    shop = world(replicas=4, delay=8)
    steps = ("--weight", "50", "--bake", "4s") if strategy == "canary" else ("--bake", "4s", "--preview-bake", "2s", "--hold", "0s")
    common = ("-n", shop.namespace, "--image", image(BAD), "--no-discover", "--drain", "3s", "-o", "jsonl")
    with shop.users(60) as users:
        running = shop.deliver.start(strategy, "web", *common, *steps)
        running.wait_for("the Deployment to roll", says("update-stable"), 120)
        shop.eventually("half of its pods are new and ready", lambda: new_pods(shop) >= 2, 60)
        back = shop.deliver.start("rollback", "web", "-n", shop.namespace, "-o", "jsonl")
        view = ended(back.end(240), 0, "ROLLED_BACK")
        running.end()
        shop.pace.sleep(3)
    off, over = unix(view["traffic_off"]), unix(view["ended"])
    assert over - off > 5, "the Deployment was not whole yet when traffic was off"
    users.kept_away(BAD, off, over)
    users.lost_none()
    events = [event for event in back.events if event["arrived"] > off + 1 and share(event) is not None]
    assert events and {share(event) for event in events} == {0.0}
    shop.unchanged()
    shop.runs_only("1.0.0")
