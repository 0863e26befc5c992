"""What a watch knows, whatever the order in which lists, events and own writes arrive."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.cluster.label_selector import matches
from deliver.cluster.object_store import ObjectStore
from deliver.cluster.port import Watch


def obj(name: str, version: int, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version), "labels": labels}}


def shown(mirror: ObjectStore) -> dict[str, int]:
    return {one["metadata"]["name"]: int(one["metadata"]["resourceVersion"]) for one in mirror.all()}


@pytest.fixture
def mirror() -> ObjectStore:
    mirror = ObjectStore(Watch("pods"))
    mirror.replace([obj("a", 5)], "10", -1)
    return mirror


def test_an_older_event_never_undoes_an_own_write(mirror: ObjectStore) -> None:
    mirror.apply(obj("a", 14))
    assert not mirror.event("MODIFIED", obj("a", 12))
    assert shown(mirror) == {"a": 14}
    assert mirror.event("MODIFIED", obj("a", 15))


def test_the_answer_to_an_own_write_does_not_bring_a_deleted_object_back(mirror: ObjectStore) -> None:
    assert mirror.event("DELETED", obj("a", 20))
    mirror.apply(obj("a", 18))
    assert shown(mirror) == {}


def test_the_deletion_of_a_predecessor_leaves_the_new_object(mirror: ObjectStore) -> None:
    mirror.apply(obj("a", 14))
    assert not mirror.event("DELETED", obj("a", 12))
    assert shown(mirror) == {"a": 14}


def test_whatever_comes_changes_or_goes_is_counted_and_old_news_is_not(mirror: ObjectStore) -> None:
    counts = [mirror.changes]
    mirror.event("MODIFIED", obj("a", 11))
    counts.append(mirror.changes)
    mirror.apply(obj("b", 12))
    counts.append(mirror.changes)
    mirror.event("DELETED", obj("a", 13))
    counts.append(mirror.changes)
    mirror.replace([], "14", 13)
    counts.append(mirror.changes)
    assert len(set(counts)) == len(counts)
    mirror.event("MODIFIED", obj("a", 11))
    mirror.event("BOOKMARK", obj("", 15))
    assert mirror.changes == counts[-1]


def test_a_list_removes_what_is_gone_and_keeps_what_is_newer(mirror: ObjectStore) -> None:
    mirror.apply(obj("new", 31))
    mirror.replace([obj("b", 25)], "30", 10)
    assert shown(mirror) == {"b": 25, "new": 31}


def test_an_event_that_the_list_has_told_changes_nothing(mirror: ObjectStore) -> None:
    mirror.replace([], "30", 10)
    assert not mirror.event("MODIFIED", obj("a", 25))
    assert shown(mirror) == {}


def test_a_list_that_events_have_overtaken_is_ignored(mirror: ObjectStore) -> None:
    mirror.event("DELETED", obj("a", 40))
    mirror.replace([obj("a", 5)], "30", asked_at=10)
    assert shown(mirror) == {}


def test_a_restored_backup_replaces_everything(mirror: ObjectStore) -> None:
    mirror.replace([obj("old", 2)], "3", asked_at=10)
    assert shown(mirror) == {"old": 2}
    assert mirror.version == "3"


def test_a_bookmark_moves_the_position_only(mirror: ObjectStore) -> None:
    assert not mirror.event("BOOKMARK", {"metadata": {"resourceVersion": "50"}})
    assert mirror.version == "50"
    assert shown(mirror) == {"a": 5}


def test_an_own_write_that_the_watch_would_not_show_is_left_out() -> None:
    named, selected = ObjectStore(Watch("pods", name="a")), ObjectStore(Watch("pods", selector="app in (x, y),!gone"))
    for mirror in (named, selected):
        mirror.replace([], "1", -1)
        mirror.apply(obj("b", 2, app="z"))
    assert shown(named) == {} and shown(selected) == {}
    selected.apply(obj("b", 3, app="x"))
    assert shown(selected) == {"b": 3}
    selected.apply(obj("b", 4, app="x", gone="1"))
    assert shown(selected) == {}


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("", True),
        ("a=1", True),
        ("a==1", True),
        ("a!=1", False),
        ("a", True),
        ("!a", False),
        ("b", False),
        ("!b", True),
        ("a in (1,2)", True),
        ("a notin (1, 2)", False),
        ("b notin (1)", True),
        ("b in (1)", False),
        ("a=1,b=2", False),
        ("x.y/z!=q", True),
    ],
)
def test_label_selectors(selector: str, holds: bool) -> None:
    assert matches(selector, {"a": "1"}) is holds


@given(st.data())
def test_own_writes_in_any_order_and_lists_at_any_time_end_in_the_truth(data: st.DataObject) -> None:
    """The watch tells the history of three names in order; answers to own writes and lists come in between, late or early."""
    history = [(data.draw(st.sampled_from("abc")), data.draw(st.booleans())) for _ in range(data.draw(st.integers(1, 12)))]
    states: list[dict[str, int]] = [{}]
    for version, (name, there) in enumerate(history, 1):
        states.append({key: at for key, at in states[-1].items() if key != name} | ({name: version} if there else {}))
    mirror = ObjectStore(Watch("pods"))
    mirror.replace([], "0", -1)
    for version, (name, there) in enumerate(history, 1):
        for other in data.draw(st.lists(st.integers(1, len(history)), max_size=2)):
            if history[other - 1][1]:
                mirror.apply(obj(history[other - 1][0], other))
        if data.draw(st.booleans()):
            # no asked_at below the position: a quorum list is never older than what was known when it was asked for
            at = data.draw(st.integers(max(mirror.position, 0), len(history)))
            mirror.replace([obj(key, seen) for key, seen in states[at].items()], str(at), mirror.position)
        mirror.event("ADDED" if there else "DELETED", obj(name, version))
    assert shown(mirror) == states[-1]
