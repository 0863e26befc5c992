"""A release that is over is told, judged again and kept: report, replay, false alarms."""

from collections.abc import Callable

from tests.e2e.support.events import ended
from tests.e2e.support.world import World

Make = Callable[..., World]


def test_one_that_was_taken_back_is_kept_and_judged_again(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60):
        view = ended(shop.release("2.0.0-errors").end(), 3, "ROLLED_BACK")
    kept = shop.folder / "release.html"
    written = shop.on_target("report", "-o", str(kept))
    assert written.code == 0, written
    page = kept.read_text(encoding="utf-8")
    assert f"<h1>{view['id']}</h1>" in page and "ROLLED BACK" in page and "<svg" in page
    again = shop.on_target("replay", "--detailed-exitcode", "-o", "json")
    assert again.code == 3, again
    replayed = again.json
    assert replayed["ending"] == "ROLLED_BACK" and replayed["in_fact"].startswith("ROLLED_BACK")
    assert replayed["pods"]["candidate"] and len(replayed["pods"]["stable"]) == 4


def test_stable_pods_against_each_other_are_no_alarm(world: Make) -> None:
    shop = world(replicas=4)
    shop.file("1.1.0")
    with shop.users(60):
        shop.pace.sleep(40)
        found = shop.on_target("replay", "--aa", "4", "--since", "30s", "-o", "json", "-f", str(shop.folder / "deliver.yaml"))
    assert found.code == 0, found
    counted = found.json
    assert (counted["runs"], counted["alarms"], counted["possible"]) == (4, 0, 4)
