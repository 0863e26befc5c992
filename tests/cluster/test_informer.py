"""Objects kept up to date whatever happens to the watch: each test ends with the feed showing the truth."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deliver.cluster.client import KubernetesCluster
from deliver.cluster.informer import Informer
from deliver.cluster.port import Watch
from deliver.model.errors import Forbidden
from tests.cluster.stub import Answer, Stub, answer, cut, event, hang, listing, obj, status, stream

Connect = Callable[..., KubernetesCluster]


class Woken:
    """Waits, without polling, until the feed shows something."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout=5)


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def follow(stub: Stub, connect_to: Connect, woken: Woken) -> Callable[..., "Following"]:
    return lambda *watches: Following(connect_to(stub.url, {"token": "t"}, real=True).follow("shop", watches or [Watch("pods")], woken))


class Following:
    def __init__(self, feed: Informer) -> None:
        self.feed = feed

    def __enter__(self) -> Informer:
        return self.feed

    def __exit__(self, *_: object) -> None:
        self.feed.close()


@contextmanager
def no_more_threads() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [one.name for one in threading.enumerate() if one not in before and one.name.startswith("deliver-watch-pods")]
    assert left == []


def names(feed: Informer, kind: str = "pods") -> set[str]:
    return {one["metadata"]["name"] for one in feed.list(kind)}


def test_the_first_list_is_done_at_once_and_events_follow(stub: Stub, follow: Callable[..., Following], woken: Woken) -> None:
    stub.script(listing(5, ("a", 3)))
    stub.watches.append(stream(event("ADDED", obj("b", 6)), event("DELETED", obj("a", 7)), end="hold"))
    with no_more_threads(), follow() as feed:
        woken.until(lambda: names(feed) == {"b"})
        got = feed.get("pods", "b")
        assert got and (got["kind"], got["apiVersion"]) == ("Pod", "v1")
        assert feed.get("pods", "a") is None
        assert feed.quiet() == 0


def test_a_watch_asks_for_what_it_needs_and_no_more(stub: Stub, follow: Callable[..., Following]) -> None:
    stub.script(listing(5))
    with follow(Watch("configmaps", name="deliver-web"), Watch("pods", selector="app=web")):
        stub.wait_for(lambda: len(stub.seen(watch=True)) == 2)
    for request in stub.requests:
        kind, narrowed = (
            ("pods", "labelSelector=app%3Dweb") if "pods" in request.path else ("configmaps", "fieldSelector=metadata.name%3Ddeliver-web")
        )
        assert request.path.startswith(f"/api/v1/namespaces/shop/{kind}?") and narrowed in request.path
        assert request.headers["authorization"] == "Bearer t"
        if request.watch:
            assert (
                "allowWatchBookmarks=true" in request.path and "resourceVersion=5" in request.path and "timeoutSeconds=240" in request.path
            )


def test_after_a_clean_end_it_continues_where_it_was(stub: Stub, follow: Callable[..., Following], woken: Woken) -> None:
    stub.script(listing(5))
    stub.watches.append(stream(event("ADDED", obj("a", 6)), event("BOOKMARK", {"metadata": {"resourceVersion": "90"}})))
    stub.watches.append(stream(event("ADDED", obj("b", 91)), end="hold"))
    with follow() as feed:
        woken.until(lambda: names(feed) == {"a", "b"})
    assert "resourceVersion=90" in stub.seen(watch=True)[1].path
    assert len(stub.seen(watch=False)) == 1


GONE = event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"})


@pytest.mark.parametrize(
    "trouble",
    [
        stream(GONE),
        status(410),
        status(500),
        status(403),
        status(429),
        cut,
        hang,
        answer(302, Location="/x"),
        stream(event("ADDED", obj("a", 6)), end="cut"),
        stream(event("ADDED", obj("a", 6)), event("ADDED", obj("b", 7))[:-9]),
        stream(event("ADDED", obj("a", 6)), event("ADDED", obj("b", 7))[:-9], end="cut"),
        stream(b'{"type": "ADDED", "object"\n'),
        stream(b"[]\n"),
        stream(b'{"type": "WHATEVER", "object": {}}\n'),
    ],
    ids=[
        "410 event",
        "410",
        "500",
        "403",
        "429",
        "cut",
        "hang",
        "redirect",
        "reset",
        "half line",
        "half line, reset",
        "bad JSON",
        "list",
        "word",
    ],
)
def test_after_anything_odd_it_lists_anew_and_misses_nothing(
    stub: Stub, follow: Callable[..., Following], woken: Woken, trouble: Answer
) -> None:
    stub.script(listing(5, ("a", 5)), listing(20, ("b", 15), ("c", 16)))
    stub.watches += [trouble, stream(event("ADDED", obj("d", 21)), end="hold")]
    with no_more_threads(), follow() as feed:
        woken.until(lambda: names(feed) == {"b", "c", "d"})
        assert feed.quiet() == 0
    assert "resourceVersion=20" in stub.seen(watch=True)[1].path


def test_it_goes_on_trying_and_says_for_how_long_it_has_heard_nothing(stub: Stub, follow: Callable[..., Following], woken: Woken) -> None:
    stub.script(listing(5), *[cut] * 40, listing(30, ("z", 29)))
    stub.watches += [cut]
    with follow() as feed:
        stub.wait_for(lambda: len(stub.seen(watch=False)) > 3)
        assert feed.quiet() > 0
        woken.until(lambda: names(feed) == {"z"})
        stub.wait_for(lambda: len(stub.seen(watch=True)) == 2)


def test_silence_with_a_living_server_is_not_death(stub: Stub, follow: Callable[..., Following]) -> None:
    stub.script(listing(5))
    with follow() as feed:
        stub.wait_for(
            lambda: len([one for one in stub.seen(watch=False) if "limit=1&" in one.path + "&"]) >= 6
        )  # longer than a plain answer may take
        assert feed.quiet() == 0
    assert len(stub.seen(watch=True)) == 1


def test_a_watch_that_ends_at_once_is_not_repeated_at_once(stub: Stub, connect_to: Connect, woken: Woken) -> None:
    stub.script(listing(5))
    stub.watches += [stream()] * 50
    cluster = connect_to(stub.url, real=True, stream_backoff=30, stream_cap=30)
    with Following(cluster.follow("shop", [Watch("pods")], woken)):
        stub.wait_for(lambda: len(stub.seen(watch=False)) >= 3)
    assert len(stub.seen(watch=True)) == 1


def test_silence_of_a_frozen_server_grows_until_it_thaws_and_watches_are_renewed(
    stub: Stub, follow: Callable[..., Following], woken: Woken
) -> None:
    stub.script(listing(5), hang, hang, listing(5))
    with follow() as feed:
        woken.until(lambda: feed.quiet() >= 0.06)
        woken.until(lambda: feed.quiet() == 0)
        stub.wait_for(lambda: len(stub.seen(watch=True)) == 2)
    assert "resourceVersion=5" in stub.seen(watch=True)[1].path


def test_a_watch_mute_for_too_long_is_replaced(stub: Stub, connect_to: Connect, woken: Woken) -> None:
    stub.script(listing(5), listing(9, ("a", 8)))
    cluster = connect_to(stub.url, real=True, mute=0.05, silence=30)
    with Following(cluster.follow("shop", [Watch("pods")], woken)) as feed:
        woken.until(lambda: names(feed) == {"a"})


def test_an_own_write_is_seen_at_once(stub: Stub, follow: Callable[..., Following]) -> None:
    stub.script(listing(5, ("a", 3)))
    with follow(Watch("pods"), Watch("pods", name="a"), Watch("services")) as feed:
        feed.apply("pods", obj("a", 8))
        assert [one["metadata"]["resourceVersion"] for one in feed.list("pods")] == ["8"]
        feed.apply("pods", obj("a", 4))
        assert (feed.get("pods", "a") or {})["metadata"]["resourceVersion"] == "8"


def test_relist_reads_now_and_raises_what_it_meets(stub: Stub, follow: Callable[..., Following]) -> None:
    stub.script(listing(5), listing(8, ("a", 7)), status(403))
    with follow() as feed:
        feed.relist()
        assert names(feed) == {"a"}
        with pytest.raises(Forbidden):
            feed.relist()


def test_following_without_permission_fails_at_once(stub: Stub, follow: Callable[..., Following]) -> None:
    stub.script(status(403, "pods is forbidden"))
    with pytest.raises(Forbidden):
        follow()


def test_many_changes_and_a_connection_that_breaks_all_the_time(stub: Stub, follow: Callable[..., Following], woken: Woken) -> None:
    for version in range(6, 60):
        stub.watches.append(stream(event("ADDED", obj(f"p{version}", version)), end="cut" if version % 3 == 0 else "clean"))
    for at in (5, *range(9, 60, 3)):
        stub.answers.append(listing(at, *((f"p{version}", version) for version in range(6, at + 1))))
    with follow() as feed:
        woken.until(lambda: len(names(feed)) == 54)
