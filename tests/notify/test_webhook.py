"""A webhook over real HTTP: what is sent, and that its address and its token are told to nobody."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deliver.model.errors import InputError
from deliver.notify.webhook import Webhook, WebhookOptions
from deliver.plugins.notifiers import News, NotifyError

NEWS = News("rolled-back", "shop/web web-1: rolled back: errors 12 %", 1000.0, {"id": "web-1"})


class Hook(HTTPServer):
    answer = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.got: list[tuple[dict[str, str], dict[str, object]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/services/T0/very-secret"


class Receiver(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), json.loads(body)))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_news_and_the_release_are_posted_as_json(hook: Hook):
    options = WebhookOptions(url_env="HOOK", token_env="HOOK_TOKEN")
    Webhook(options, {"HOOK": hook.url, "HOOK_TOKEN": "t0ken"}).notify(NEWS, 5.0)
    headers, body = hook.got[0]
    head = {"apiVersion": "deliver.dev/v1alpha1", "kind": "News"}
    assert body == head | {"event": "rolled-back", "text": NEWS.text, "at": 1000.0, "release": {"id": "web-1"}}
    assert headers["Authorization"] == "Bearer t0ken"


def test_a_chat_gets_one_line_of_text(hook: Hook):
    Webhook(WebhookOptions(url_env="HOOK", format="slack"), {"HOOK": hook.url}).notify(NEWS, 5.0)
    assert hook.got[0][1] == {"text": ":rewind: shop/web web-1: rolled back: errors 12 %"}


@pytest.mark.parametrize(("status", "again"), [(500, True), (429, True), (404, False), (403, False)])
def test_a_refusal_says_the_status_and_whether_to_try_again_and_never_the_address(hook: Hook, status: int, again: bool):
    hook.answer = status
    with pytest.raises(NotifyError) as caught:
        Webhook(WebhookOptions(url_env="HOOK"), {"HOOK": hook.url}).notify(NEWS, 5.0)
    assert (str(caught.value), caught.value.again) == (f"answered {status}", again)


def test_nobody_there_is_worth_another_try():
    with pytest.raises(NotifyError, match="no connection") as caught:
        Webhook(WebhookOptions(url_env="HOOK"), {"HOOK": "http://127.0.0.1:9/very-secret"}).notify(NEWS, 1.0)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, {"HOOK": ""}, {"HOOK": "very-secret"}])
def test_an_address_that_cannot_work_is_bad_input_and_is_not_shown(environ: dict[str, str]):
    with pytest.raises(InputError) as caught:
        Webhook(WebhookOptions(url_env="HOOK"), environ)
    assert "HOOK" in caught.value.what
    assert "very-secret" not in f"{caught.value.what} {caught.value.why} {caught.value.hint}"
