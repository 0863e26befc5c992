"""Tokens rotate, plugins fail or hang; nothing of them is ever shown."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deliver.cluster.client import KubernetesCluster, connect
from deliver.cluster.connection import Place, load
from deliver.cluster.credentials import Credentials
from deliver.model.errors import Forbidden, InputError
from tests.cluster.conftest import FakeTime, kubeconfig
from tests.cluster.stub import Stub, ok, status

Connect = Callable[..., KubernetesCluster]


def plugin(code: str) -> dict[str, Any]:
    """A user whose credentials come from a program."""
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": ["-c", code],
            "interactiveMode": "Never",
        }
    }


def credential(token: str) -> str:
    return f"""print('{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":{token}}}}}')"""


@pytest.mark.parametrize(
    "user", [{"token": "abc"}, {"username": "u", "password": "p"}, plugin(credential('"abc"'))], ids=["token", "basic", "exec"]
)
def test_the_authorization_header_is_sent(stub: Stub, connect_to: Connect, user: dict[str, Any]) -> None:
    """kubernetes-client/python#2584: client 36.0.0 loaded the token and did not send it."""
    stub.script(ok())
    connect_to(stub.url, user).get("services", "shop", "web")
    assert stub.requests[0].headers["authorization"] == ("Basic dTpw" if "username" in user else "Bearer abc")


def test_a_rotated_token_file_is_read_again_after_401(stub: Stub, connect_to: Connect, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    cluster = connect_to(stub.url, {"tokenFile": str(token)})
    stub.script(ok(), status(401), ok(), ok())
    cluster.get("services", "shop", "web")
    token.write_text("new\n")
    cluster.patch("services", "shop", "web", {})
    cluster.get("services", "shop", "web")
    assert [one.headers["authorization"] for one in stub.requests] == ["Bearer old", "Bearer old", "Bearer new", "Bearer new"]


def test_a_plugin_is_run_again_after_401(stub: Stub, connect_to: Connect, tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("")
    code = (
        f"p={str(count)!r}; open(p,'a').write('x'); n=len(open(p).read()); import json; "
        "print(json.dumps({'apiVersion':'client.authentication.k8s.io/v1','kind':'ExecCredential','status':{'token':'t%d' % n}}))"
    )
    cluster = connect_to(stub.url, plugin(code))
    stub.script(status(401), ok())
    cluster.get("services", "shop", "web")
    assert [one.headers["authorization"] for one in stub.requests] == ["Bearer t1", "Bearer t2"]


def test_a_second_401_is_the_end(stub: Stub, cluster: KubernetesCluster) -> None:
    stub.script(status(401, "Unauthorized"))
    with pytest.raises(Forbidden) as caught:
        cluster.get("services", "shop", "web")
    assert len(stub.requests) == 2
    assert "log in" in caught.value.hint


def test_a_kubeconfig_that_now_names_another_server_is_not_followed(stub: Stub, connect_to: Connect, tmp_path: Path) -> None:
    cluster = connect_to(stub.url, {"token": "old"})
    kubeconfig(tmp_path / "config", "http://127.0.0.1:1", {"token": "of another cluster"})
    stub.script(status(401))
    with pytest.raises(Forbidden, match="cannot read") as caught:
        cluster.get("services", "shop", "web")
    assert "another API server" in caught.value.why
    assert len(stub.requests) == 1


def test_a_failing_plugin_says_why_at_the_start_and_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = kubeconfig(tmp_path / "config", "http://127.0.0.1:1", plugin("import sys; sys.exit('please log in: Bearer abcdefgh')"))
    with pytest.raises(InputError) as caught:
        connect(file)
    assert "please log in: Bearer ***" in caught.value.why
    assert capfd.readouterr() == ("", "")


def test_ten_threads_that_meet_a_401_reload_once(tmp_path: Path, fake_time: FakeTime) -> None:
    file = kubeconfig(tmp_path / "config", "http://127.0.0.1:1", {"token": "t"})
    loads: list[int] = []

    def reload() -> Place:
        loads.append(1)
        return load(file, None)

    credentials = Credentials(load(file, None), reload, lambda: fake_time.now)
    threads = [threading.Thread(target=credentials.refresh, args=(0, 5)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1 and credentials.generation == 1
