"""Before a release each health check is asked once: one that cannot be asked from here refuses it, in words that say why."""

from typing import Any

import pytest

from deliver.cluster.port import Access
from deliver.health.load import LoadCheck, LoadOptions
from deliver.metrics.check_preflight import try_checks
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Probe, Reach

READY = PodSeen("web-1", "u1", ready=True, ip="10.0.0.1")


class Once:
    def __init__(self, ok: bool | None, message: str = "because") -> None:
        self.probe_said = Probe(ok, message)
        self.asked: list[str] = []

    def try_once(self, namespace: str, pod: PodSeen, timeout: float) -> Probe:
        self.asked.append(pod.name)
        return self.probe_said


class Old:
    """A plugin that knows nothing of the preflight."""

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Probe:
        return Probe(None, "not yet")


class Broken:
    def try_once(self, *_: Any) -> Probe:
        raise RuntimeError("no such host")


@pytest.mark.parametrize(
    ("check", "level", "text"),
    [
        (Once(None, "the API server's proxy cannot be reached"), "refuse", "health check http cannot be asked: the API server's proxy"),
        (Once(False, "answered 404"), "warn", "health check http: the stable version fails it (web-1: answered 404)"),
        (Broken(), "refuse", "RuntimeError"),
        (Old(), "warn", "not yet"),
    ],
)
def test_what_is_found(check: Any, level: str, text: str) -> None:
    [found] = try_checks([("http", check)], "shop", [READY])
    assert found.level == level and text in found.message and found.hint


def test_a_check_that_passes_says_nothing_and_asks_one_ready_pod_once() -> None:
    check = Once(True)
    assert try_checks([("http", check)], "shop", [PodSeen("web-0", "u0"), READY, PodSeen("web-2", "u2", ready=True)]) == []
    assert check.asked == ["web-1"]


def test_without_a_ready_pod_nothing_is_known() -> None:
    [found] = try_checks([("http", Once(True))], "shop", [PodSeen("web-0", "u0")])
    assert found.level == "warn" and "not tried" in found.message
    assert try_checks([], "shop", []) == []


def test_a_load_sends_one_request_alone() -> None:
    reach = Reach(lambda name: Access("", dict), lambda *pod: Access("http://127.0.0.1:9", dict))
    [found] = try_checks([("load", LoadCheck(LoadOptions(port=80), reach))], "shop", [READY])
    assert found.level == "refuse" and "cannot be reached" in found.message
