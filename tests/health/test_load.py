"""The load check against real sockets: a steady pace, errors and latency judged on enough requests, and blind below."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from deliver.cluster.port import Access
from deliver.health.http import HttpOptions
from deliver.health.load import LoadCheck, LoadOptions, SentRequest, judge_requests, percentile
from deliver.health.service_requests import send_fresh_requests
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Reach

POD = PodSeen("web-1", "u", ip="127.0.0.1", ready=True)


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            server.asked.append(self.path)
            number = len(server.asked)
            time.sleep(server.delay)
            with contextlib.suppress(OSError):
                self.send_response(server.answer(number))
                self.send_header("Content-Length", "0")
                self.end_headers()

        def setup(self):
            server.connections += 1
            super().setup()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.asked, server.delay, server.answer, server.connections = [], 0.0, lambda number: 200, 0
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Clock:
    """Time that passes only while somebody sleeps: a busy machine makes no request late."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def check(server, clock=None, **options):
    """clock: time.monotonic and time.sleep where an answer's own time matters."""
    port = server.server_address[1]
    reach = Reach(lambda name: Access("", dict), lambda *pod: Access(f"http://127.0.0.1:{port}", dict))
    given = {"port": port, "via": "direct", "rate": 50, "min_requests": 20} | options
    clock = clock or Clock()
    return LoadCheck(LoadOptions.model_validate(given), reach, clock, clock.sleep)


class Real:
    sleep = staticmethod(time.sleep)

    def __call__(self):
        return time.monotonic()


def test_requests_come_at_the_rate_that_was_asked_for(server):
    clock = Clock()
    check(server, clock, path="/cart").probe("shop", POD, 5.0)
    assert len(server.asked) == 50
    assert clock.slept == pytest.approx([0.02] * 49)
    assert set(server.asked) == {"/cart"}


def test_a_healthy_pod_passes_with_its_numbers(server):
    probe = check(server).probe("shop", POD, 5.0)
    assert probe.ok is True
    assert "0 of 50 requests failed (0 %, limit 1 %); 95 % within" in probe.message
    assert "at 50/s (direct)" in probe.query


def test_too_few_requests_are_not_judged_and_the_next_look_adds_to_them(server):
    one = check(server, min_requests=60)
    first = one.probe("shop", POD, 5.0)
    assert first.ok is None
    assert "50 requests so far, 60 needed" in first.message
    assert one.probe("shop", POD, 5.0).ok is True


def test_a_share_of_errors_above_the_limit_fails(server):
    server.answer = lambda number: 500 if number % 5 == 0 else 200
    probe = check(server).probe("shop", POD, 5.0)
    assert probe.ok is False
    assert "10 of 50 requests failed (20 %, limit 1 %): 10 x answered 500" in probe.message


def test_one_unlucky_request_fails_nobody(server):
    server.answer = lambda number: 500 if number == 7 else 200
    assert check(server).probe("shop", POD, 5.0).ok is True


def test_slow_answers_fail_where_a_limit_is_set_and_only_there(server):
    server.delay = 0.08
    assert check(server, Real(), min_requests=1).probe("shop", POD, 5.0).ok is True
    probe = check(server, Real(), min_requests=1, max_latency="50ms").probe("shop", POD, 5.0)
    assert probe.ok is False
    assert "(limit 50 ms)" in probe.message


def test_a_pod_too_slow_for_the_rate_says_so_and_gets_no_heap_of_late_requests(server):
    server.delay = 0.5
    probe = check(server, Real(), min_requests=1).probe("shop", POD, 5.0)
    assert "were sent late" in probe.message
    assert len(server.asked) < 50


def test_nothing_is_sent_between_two_looks(server):
    check(server).probe("shop", POD, 5.0)
    sent = len(server.asked)
    time.sleep(0.2)  # nothing can be waited for: that nothing comes is the point
    assert len(server.asked) == sent


def test_a_pod_that_refuses_has_failed(server):
    server.shutdown()
    server.server_close()
    probe = check(server).probe("shop", POD, 3.0)
    assert probe.ok in (False, None)
    assert probe.ok is None or "refused" in probe.message


def test_the_api_server_away_is_nobodys_fault(server):
    known = [SentRequest(0.0, True, 0.01, "answered 200")] * 10 + [
        SentRequest(1.0, None, 0.0, "the API server's proxy cannot be reached")
    ] * 30
    ok, message = judge_requests(known, LoadOptions(port=1, min_requests=20))
    assert ok is None
    assert "10 requests so far, 20 needed; 30 got no answer from the API server" in message


def test_the_95th_of_a_hundred():
    assert percentile([float(i) for i in range(1, 101)]) == 95.0
    assert percentile([0.3]) == 0.3
    assert percentile([]) is None


@pytest.mark.parametrize(
    "options", [{"rate": 0}, {"rate": 5000}, {"max_errors": "200%"}, {"path": "cart"}, {"min_requests": 0}, {"port": 0}]
)
def test_options_that_make_no_sense(options):
    with pytest.raises(ValidationError):
        LoadOptions.model_validate({"port": 80} | options)


# ---------------------------------------------------------------- asking a Service


def through(server, **options):
    port = server.server_address[1]
    given = HttpOptions.model_validate({"port": 8080, "path": "/healthz"} | options)
    return send_fresh_requests(Access(f"http://127.0.0.1:{port}", dict), given, "web:80", 10, 5.0)


def test_each_request_through_a_service_has_a_connection_of_its_own(server):
    probe = through(server)
    assert probe.ok is True
    assert probe.message == "10 of 10 fresh requests came through"
    assert server.connections == 10


def test_one_bad_answer_of_ten_is_a_bad_answer(server):
    server.answer = lambda number: 503 if number == 4 else 200
    probe = through(server)
    assert probe.ok is False
    assert "9 of 10 fresh requests came through: answered 503" in probe.message


def test_what_is_healthy_is_what_the_check_says(server):
    server.answer = lambda number: 404
    assert through(server, status=(404,)).ok is True
