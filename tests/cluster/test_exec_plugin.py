"""A credential plugin is called as kubectl calls it, not too often, and its own words reach who has to act on them."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from deliver.cluster import exec_plugin
from deliver.cluster.client import KubernetesCluster, connect
from deliver.cluster.connection import load
from deliver.cluster.credentials import Credentials
from deliver.cluster.exec_plugin import Credential, ExecPlugin, PluginFailed
from deliver.cluster.plugin_calls import CredentialsFailed, PluginCalls
from deliver.cluster.timing import Timing
from deliver.model.errors import Forbidden, InputError
from tests.cluster.conftest import FakeTime, kubeconfig
from tests.cluster.stub import Stub, ok, status
from tests.cluster.test_kubeconfig_keys import written

Connect = Callable[..., KubernetesCluster]
V1 = "client.authentication.k8s.io/v1"


def program(code: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": sys.executable, "args": ["-c", code], "interactiveMode": "Never", **more}}


def answers(**status: Any) -> str:
    answer = {"apiVersion": V1, "kind": "ExecCredential", "status": status}
    return f"import json; print(json.dumps({answer!r}))"


def plugin(code: str, mode: str = "Never") -> ExecPlugin:
    return ExecPlugin(V1, sys.executable, ("-c", code), mode=mode)


# ---------------------------------------------------------------- one call


def test_it_is_told_of_the_cluster_where_it_asks_for_that(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = f"import os; open({str(told)!r}, 'w').write(os.environ['KUBERNETES_EXEC_INFO'] + os.environ['OWN']); {answers(token='t')}"
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "shop"}}
    cluster = {"tls-server-name": "api", "insecure-skip-tls-verify": True, "extensions": [extension, {"name": "x", "extension": 1}]}
    user = program(code, provideClusterInfo=True, env=[{"name": "OWN", "value": "!"}])
    connect(written(tmp_path / "config", user, cluster))
    text = told.read_text()
    assert text.endswith("!")
    assert json.loads(text[:-1]) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://api.example",
                "tls-server-name": "api",
                "insecure-skip-tls-verify": True,
                "config": {"audience": "shop"},
            },
        },
    }


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit('warning\\nsession expired, run `tool login`')", "failed: warning session expired, run `tool login`"),
        ("import sys; sys.stderr.write('x' * 2_000_000 + ' run this'); sys.exit(3)", "... run this"),
        ("import sys; sys.exit('token eyJhbGciOiJub25lIn0.c2VjcmV0.x expired')", "token *** expired"),
        ("raise SystemExit(3)", "with exit code 3 and says nothing"),
        ("print('eyJhbGciOiJub25lIn0.secret')", "did not answer with an ExecCredential"),
        (answers(), "neither a token nor a certificate"),
        (answers(token=5), "neither a token nor a certificate"),
        (answers(token="a\nb"), "a token that cannot be sent"),
        (answers(clientCertificateData="x"), "without its key"),
        (answers(token="t", expirationTimestamp="soon"), "no time"),
        (answers(token="t").replace("/v1'", "/v2'"), "answered in client.authentication.k8s.io/v2"),
    ],
)
def test_why_it_gave_nothing(code: str, why: str) -> None:
    with pytest.raises(PluginFailed) as caught:
        exec_plugin.run(plugin(code), 20)
    assert why in str(caught.value) and len(str(caught.value)) < 400
    assert "secret" not in str(caught.value)


def test_one_that_hangs_is_ended_with_its_children_and_its_words_are_told(tmp_path: Path) -> None:
    code = "import subprocess, sys, time; sys.stderr.write('open https://login'); sys.stderr.flush(); "
    code += "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with pytest.raises(PluginFailed, match=r"did not answer within 2 s: open https://login"):
        exec_plugin.run(plugin(code), 2)


def test_one_that_wants_a_person_is_not_run_without_a_terminal() -> None:
    with pytest.raises(PluginFailed, match="wants a terminal"):
        exec_plugin.run(plugin(answers(token="t"), "Always"), 5, person=False)


def test_a_person_sees_the_prompt_and_answers_it() -> None:
    """In a terminal of its own: the plugin is asked as kubectl asks it, by a process whose input is that terminal."""
    asking = "import json, os, sys; sys.stderr.write('\\x1b[31mPassword: '); sys.stderr.flush(); word = sys.stdin.readline().strip(); "
    code = asking + answers(token="t").replace("'t'", "word")
    ours = "from tests.cluster.test_exec_plugin import plugin, exec_plugin; "
    ours += f"print(exec_plugin.run(plugin({code!r}, 'Always'), 20, person=True))"
    terminal, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", ours], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as child:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while piece := os.read(terminal, 4096):
                seen += piece
                if piece.endswith(b"Password: "):
                    os.write(terminal, b"1234\n")
    os.close(terminal)
    assert child.returncode == 0, seen
    assert b"token='1234'" in seen
    assert b"\x1b" not in seen


def test_the_first_call_has_a_time_limit(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "http://h", program("import time; time.sleep(60)"))
    cluster = KubernetesCluster(load(file, None), lambda: load(file, None), timing=Timing(plugin=0.3))
    with pytest.raises(InputError, match="gave no credentials") as caught:
        cluster.sign_in()
    assert "did not answer within 0.3 s" in caught.value.why


def test_where_it_is_not_there_its_hint_is_told(tmp_path: Path) -> None:
    user = program("", installHint="get it\nat https://tool")
    user["exec"]["command"] = "no-such-tool"
    with pytest.raises(InputError) as caught:
        connect(kubeconfig(tmp_path / "config", "http://h", user))
    assert "credential plugin no-such-tool cannot be run" in caught.value.why
    assert caught.value.hint == "get it at https://tool"


# ---------------------------------------------------------------- when it is called


def refusing(calls: list[float], time: FakeTime) -> Callable[[], Credential]:
    def call() -> Credential:
        calls.append(time.now)
        raise PluginFailed("session expired, run X")

    return call


def test_the_gaps_between_calls_grow_to_half_a_minute(fake_time: FakeTime) -> None:
    calls: list[float] = []
    asking = PluginCalls(lambda: fake_time.now)
    for _ in range(1000):
        with pytest.raises(CredentialsFailed, match="session expired, run X"):
            asking.ask(refusing(calls, fake_time), 5)
        fake_time.now += 0.25
    assert [after - before for before, after in pairwise(calls)][:6] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_what_the_api_server_does_not_accept_is_no_success(fake_time: FakeTime) -> None:
    """A plugin that hands out a dead token from its cache is not called for every request."""
    calls: list[float] = []
    asking = PluginCalls(lambda: fake_time.now)

    def call() -> Credential:
        calls.append(fake_time.now)
        return Credential("dead")

    for _ in range(240):
        try:
            asking.ask(call, 5)
        except CredentialsFailed as error:
            assert "does not accept" in str(error)
        fake_time.now += 0.25
    assert len(calls) == 6
    asking.accepted()
    fake_time.now += 60
    for _ in range(8):
        asking.ask(call, 5)
        fake_time.now += 2.0
        asking.accepted()
    assert len(calls) == 14


def test_its_own_words_are_the_cause_and_it_is_called_twice_in_a_second(
    stub: Stub, connect_to: Connect, tmp_path: Path, fake_time: FakeTime
) -> None:
    count = tmp_path / "count"
    count.write_text("")
    code = f"p={str(count)!r}; open(p, 'a').write('x'); n = len(open(p).read())\nif n > 1: raise SystemExit('session expired, run X')\n"
    cluster = connect_to(stub.url, program(code + answers(token="t")))
    stub.script(ok(), status(401))
    cluster.get("services", "shop", "web")
    for _ in range(5):
        with pytest.raises(Forbidden) as caught:
            cluster.patch("configmaps", "shop", "deliver-web", {})
        assert "session expired, run X" in caught.value.why
        fake_time.now += 0.2
    assert len(count.read_text()) == 2


def test_a_token_is_renewed_when_its_time_is_over(tmp_path: Path, fake_time: FakeTime) -> None:
    file = kubeconfig(tmp_path / "config", "http://h", program(answers(token="t", expirationTimestamp="2026-01-01T00:00:00Z")))
    unix = [1767225599.0]
    credentials = Credentials(load(file, None), lambda: load(file, None), lambda: fake_time.now, wall=lambda: unix[0])
    assert (credentials.header(20), credentials.generation) == ("Bearer t", 1)
    assert (credentials.header(20), credentials.generation) == ("Bearer t", 1)
    unix[0] += 1
    fake_time.now += 5
    assert (credentials.header(20), credentials.generation) == ("Bearer t", 2)


def test_an_old_token_is_used_as_long_as_the_api_server_takes_it(stub: Stub, connect_to: Connect, tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("")
    code = f"p={str(count)!r}; open(p, 'a').write('x'); n = len(open(p).read())\nif n > 1: raise SystemExit('session expired, run X')\n"
    cluster = connect_to(stub.url, program(code + answers(token="t", expirationTimestamp="2020-01-01T00:00:00Z")))
    stub.script(ok(), ok(), status(401))
    cluster.get("services", "shop", "web")
    cluster.get("services", "shop", "web")
    with pytest.raises(Forbidden) as caught:
        cluster.get("services", "shop", "web")
    assert "session expired, run X" in caught.value.why
    assert len(count.read_text()) == 2


def test_a_call_that_takes_longer_than_who_asks_goes_on(fake_time: FakeTime) -> None:
    import threading

    release = threading.Event()

    def slow() -> Credential:
        release.wait(10)
        return Credential("t")

    asking = PluginCalls(lambda: fake_time.now)
    with pytest.raises(CredentialsFailed, match="does not answer"):
        asking.ask(slow, 0.01)
    release.set()
    assert asking.ask(slow, 5).token == "t"
