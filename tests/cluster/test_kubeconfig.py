"""Which cluster and as whom; each wrong answer to that is the user's to correct (exit code 2), with a hint and without a traceback."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from deliver.cluster.client import connect
from deliver.cluster.connection import load, locate
from deliver.model.errors import InputError
from tests.cluster.conftest import kubeconfig


def test_the_context_gives_namespace_and_server(tmp_path: Path) -> None:
    cluster = connect(kubeconfig(tmp_path / "config", "https://api.example:6443/", namespace="shop"))
    assert (cluster.context, cluster.namespace, cluster.server) == ("here", "shop", "https://api.example:6443")
    assert connect(kubeconfig(tmp_path / "config", "http://h")).namespace == "default"


def test_a_password_in_the_servers_url_is_not_shown(tmp_path: Path) -> None:
    assert connect(kubeconfig(tmp_path / "config", "https://me:pw@api.example")).server == "https://***@api.example"


def test_files_are_looked_for_in_kubectls_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("t")
    given, named = tmp_path / "given", tmp_path / "named"
    given.touch()
    named.touch()
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    with pytest.raises(InputError, match="no cluster is configured"):
        locate(None, {}, str(account))
    assert locate(None, pod, str(account)) == ""
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").touch()
    assert locate(None, pod, str(account)) == str(tmp_path / ".kube" / "config")
    several = os.pathsep.join([str(tmp_path / "missing"), str(named)])
    assert locate(None, pod | {"KUBECONFIG": several}, str(account)) == several
    assert locate(str(given), {"KUBECONFIG": several}) == str(given)


def test_several_files_are_merged_and_the_first_word_counts(tmp_path: Path) -> None:
    one = kubeconfig(tmp_path / "one", "http://one", namespace="first")
    two = kubeconfig(tmp_path / "two", "http://two", namespace="second")
    place = load(os.pathsep.join([one, two]), None)
    assert (place.configuration.host, place.namespace) == ("http://one", "first")


@pytest.mark.parametrize("variable", [None, "KUBECONFIG"])
def test_a_file_that_does_not_exist(tmp_path: Path, variable: str | None) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(InputError, match="missing") as caught:
        locate(None if variable else missing, {variable: missing} if variable else {})
    assert caught.value.hint


def test_an_unknown_context_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no context prod") as caught:
        connect(kubeconfig(tmp_path / "config", "http://h"), "prod")
    assert caught.value.hint == "contexts there: here"


NOWHERE = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/nowhere/tool"}


def broken(change: dict[str, Any]) -> bytes:
    base = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://h"}}],
        "users": [{"name": "u", "user": {}}],
    }
    return json.dumps(base | change).encode()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "cannot be used"),
        (b"a: [1", "not valid YAML at line 1"),
        (b"\xff\xfe\x00", "cannot be|not valid YAML"),
        (b"[1, 2]", "cannot be used"),
        (b"just text", "cannot be used"),
        (b"[" * 5000, "cannot be used|not valid YAML"),
        (broken({"current-context": ""}), "no current context"),
        (broken({"contexts": None}), "there is no context here"),
        (broken({"clusters": []}), "cannot be used"),
        (broken({"contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": ["shop"]}}]}), "cannot be used"),
        (broken({"clusters": [{"name": "c", "cluster": {}}]}), "cannot be used"),
        (broken({"clusters": [{"name": "c", "cluster": {"server": "https://h", "certificate-authority": "/nowhere"}}]}), "cannot be used"),
        (broken({"clusters": [{"name": "c", "cluster": {"server": "https://h", "certificate-authority-data": "abc"}}]}), "cannot be used"),
        (broken({"users": [{"name": "u", "user": {"exec": {"apiVersion": "v1"}}}]}), "`apiVersion` of user u, exec, in kubeconfig"),
        (broken({"users": [{"name": "u", "user": {"exec": NOWHERE}}]}), "gave no credentials"),
        (broken({"users": [{"name": "u", "user": {"tokenFile": "/nowhere/token"}}]}), "cannot be read"),
    ],
)
def test_a_damaged_kubeconfig(tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes, what: str) -> None:
    file = tmp_path / "config"
    file.write_bytes(content)
    with pytest.raises(InputError, match=what) as caught:
        connect(str(file))
    assert caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read") as caught:
        load(str(tmp_path), None)
    assert caught.value.why == "Is a directory"


def test_a_context_inside_a_pod() -> None:
    with pytest.raises(InputError, match="there is no context prod"):
        load("", "prod")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_one(name: str) -> None:
    with pytest.raises(InputError, match="does not exist"):
        locate(name, {})


def test_brackets_without_end_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a: " + "[" * 20_000)
    with pytest.raises(InputError) as caught:
        load(str(tmp_path / "config"), None)
    assert caught.value.why == "it is nested too deep"
