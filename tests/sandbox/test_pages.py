"""Lists and watches over time: pages of one moment, what compaction does to them, bookmarks, time-outs."""

import json
from collections.abc import Iterator

import httpx
import pytest

from deliver_sandbox.fixtures import world
from deliver_sandbox.http import watch
from deliver_sandbox.http.server import Door
from deliver_sandbox.world import World

LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"


@pytest.fixture
def made() -> World:
    made = world(replicas=1)
    for name in "abcd":
        made.api.create("leases", "shop", {"metadata": {"name": name}})
    return made


@pytest.fixture
def client(made: World) -> Iterator[httpx.Client]:
    with Door(made) as door, httpx.Client(base_url=door.url) as client:
        yield client


def names(answer: httpx.Response) -> str:
    return "".join(item["metadata"]["name"] for item in answer.json()["items"])


def test_the_second_page_is_of_the_moment_of_the_first(client: httpx.Client, made: World) -> None:
    first = client.get(LEASES, params={"limit": 2})
    made.api.delete("leases", "shop", "c")
    made.api.create("leases", "shop", {"metadata": {"name": "ca"}})
    second = client.get(LEASES, params={"limit": 2, "continue": first.json()["metadata"]["continue"]})
    assert (names(first), names(second)) == ("ab", "cd")
    assert first.json()["metadata"]["resourceVersion"] == second.json()["metadata"]["resourceVersion"]


def test_after_compaction_a_continue_token_has_expired_and_the_answer_has_one_that_goes_on(client: httpx.Client, made: World) -> None:
    first = client.get(LEASES, params={"limit": 2}).json()
    made.api.delete("leases", "shop", "c")
    made.store.compact()
    expired = client.get(LEASES, params={"limit": 2, "continue": first["metadata"]["continue"]})
    assert (expired.status_code, expired.json()["reason"]) == (410, "Expired")
    assert "too old to display a consistent list" in expired.json()["message"]
    rest = client.get(LEASES, params={"continue": expired.json()["metadata"]["continue"]})
    assert names(rest) == "d"


def test_a_version_of_the_future_is_a_time_out(client: httpx.Client) -> None:
    answer = client.get(LEASES, params={"resourceVersion": "999999"})
    assert (answer.status_code, answer.json()["reason"]) == (504, "Timeout")


def test_a_watch_ends_when_its_time_is_over(client: httpx.Client) -> None:
    answer = client.get(LEASES, params={"watch": "1", "timeoutSeconds": "1"})
    assert [json.loads(line)["type"] for line in answer.text.splitlines()] == ["ADDED"] * 4


def test_bookmarks_tell_the_version_of_a_quiet_watch(client: httpx.Client, made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BOOKMARK_EVERY", 0.1)
    version = made.store.version
    asked = {"watch": "1", "timeoutSeconds": "2", "allowWatchBookmarks": "true", "resourceVersion": str(version)}
    lines = [json.loads(line) for line in client.get(LEASES, params=asked).text.splitlines()]
    assert {line["type"] for line in lines} == {"BOOKMARK"}
    assert int(lines[-1]["object"]["metadata"]["resourceVersion"]) >= version
