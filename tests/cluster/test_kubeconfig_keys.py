"""Each key of a kubeconfig is honoured, by every call of ours alike, or refused: by its name, its file and what to do."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deliver.cluster.client import KubernetesCluster, connect
from deliver.cluster.connection import load
from deliver.health.client import Request, send
from deliver.metrics.transport import Transport
from deliver.model.errors import InputError, Unreachable
from tests.cluster.certificates import authority
from tests.cluster.stub import Stub, listing, ok

Connect = Callable[..., KubernetesCluster]
ACTING = {"as": "jäne", "as-uid": "u-1", "as-groups": ["a", "b, c"], "as-user-extra": {"example.com/x y": ["1", "2"]}}
AS_WHOM = {"impersonate-user", "impersonate-uid", "impersonate-group", "impersonate-extra-example.com%2fx%20y"}
V1 = "client.authentication.k8s.io/v1"


def written(
    path: Path, user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, context: dict[str, Any] | None = None
) -> str:
    content = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", **(context or {})}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(json.dumps(content))
    return str(path)


# ---------------------------------------------------------------- as whom


def every_way(cluster: KubernetesCluster) -> None:
    """An API call, a review, a watch, Prometheus and a health check behind the API server's proxy."""
    cluster.get("services", "shop", "web")
    cluster.allowed("get", "pods", "shop")
    cluster.list("pods", "shop")
    access = cluster.proxy("shop", "pods", "web-1", 8080)
    send(access, Request("/healthz"), 5.0, proxied=True)
    Transport(access.url, lambda: dict(access.headers()), send=access.send).query("up", 5.0)


def test_every_call_says_whom_it_acts_as(stub: Stub, connect_to: Connect) -> None:
    prometheus = {"status": "success", "data": {"resultType": "vector", "result": []}}
    stub.script(ok(), ok({"status": {"allowed": True}}), listing(1), ok({}), ok(prometheus))
    cluster = connect_to(stub.url, {"token": "t", **ACTING}, real=True)
    every_way(cluster)
    feed = cluster.follow("shop", [], lambda: None)
    feed.close()
    assert len(stub.requests) == 5
    assert [one.headers["authorization"] for one in stub.requests] == ["Bearer t"] * 5
    assert all({name for name in one.headers if name.startswith("impersonate")} == AS_WHOM for one in stub.requests)
    assert cluster.acts_as == "jäne in a, b, c"


def test_each_group_is_a_header_of_its_own(stub: Stub, connect_to: Connect) -> None:
    """The API server takes `a, b` for one group of that name."""
    acting = list(load_login(connect_to(stub.url, dict(ACTING))).acting.headers())
    assert [value for name, value in acting if name == "Impersonate-Group"] == ["a", "b, c"]
    assert [value for name, value in acting if "Extra" in name] == ["1", "2"]


def load_login(cluster: KubernetesCluster) -> Any:
    return cluster._credentials.place.login


def test_a_watch_says_whom_it_acts_as(stub: Stub, connect_to: Connect) -> None:
    from deliver.cluster.port import Watch

    stub.script(listing(1))
    feed = connect_to(stub.url, dict(ACTING), real=True).follow("shop", [Watch("pods")], lambda: None)
    stub.wait_for(lambda: bool(stub.seen(watch=True)))
    feed.close()
    assert stub.seen(watch=True)[0].headers["impersonate-uid"] == "u-1"


def test_the_headers_of_a_health_check_cannot_change_who_acts(stub: Stub, connect_to: Connect) -> None:
    stub.script(ok({}))
    access = connect_to(stub.url, {"token": "t"}).proxy("shop", "pods", "web-1", 8080)
    send(access, Request("/", headers={"Impersonate-User": "admin", "X-Own": "1"}), 5.0, proxied=True)
    assert "impersonate-user" not in stub.requests[0].headers and stub.requests[0].headers["x-own"] == "1"


def test_a_kubeconfig_that_now_acts_as_another_is_not_followed(stub: Stub, connect_to: Connect, tmp_path: Path) -> None:
    from tests.cluster.conftest import kubeconfig
    from tests.cluster.stub import status

    cluster = connect_to(stub.url, {"token": "t", "as": "ci"})
    kubeconfig(tmp_path / "config", stub.url, {"token": "t"})
    stub.script(status(401))
    with pytest.raises(Exception, match="cannot read") as caught:
        cluster.get("services", "shop", "web")
    assert "acts as somebody else" in caught.value.why  # type: ignore[attr-defined]


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("user", "cluster", "context", "key"),
    [
        ({"as-groups": ["a"]}, {}, {}, "as-groups"),
        ({"as-uid": "1"}, {}, {}, "as-uid"),
        ({"as": 5}, {}, {}, "as"),
        ({"as": "a\nb"}, {}, {}, "as"),
        ({"as": "ci", "as-groups": "a"}, {}, {}, "as-groups"),
        ({"as": "ci", "as-user-extra": {"k": "v"}}, {}, {}, "as-user-extra"),
        ({"impersonate": "ci"}, {}, {}, "impersonate"),
        ({"auth-provider": {"name": "oidc", "config": {"refresh-token": "s3cret"}}}, {}, {}, "auth-provider"),
        ({"token": "t", "username": "u", "password": "p"}, {}, {}, "username"),
        ({"client-certificate": "cert.pem"}, {}, {}, "client-key"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "x"}}, {}, {}, "apiVersion"),
        ({"exec": {"apiVersion": V1}}, {}, {}, "command"),
        ({"exec": {"apiVersion": V1, "command": "x", "interactiveMode": "never"}}, {}, {}, "interactiveMode"),
        ({"exec": {"apiVersion": V1, "command": "x", "env": [{"value": "v"}]}}, {}, {}, "env"),
        ({"exec": {"apiVersion": V1, "command": "x", "args": [1]}}, {}, {}, "args"),
        ({"exec": {"apiVersion": V1, "command": "x", "timeout": 3}}, {}, {}, "timeout"),
        ({}, {"server": "api.example:6443"}, {}, "server"),
        ({}, {"server": "https://api.example:port"}, {}, "server"),
        ({}, {"insecure-skip-tls-verify": "true"}, {}, "insecure-skip-tls-verify"),
        ({}, {"insecure-skip-tls-verify": True, "certificate-authority": "ca.pem"}, {}, "insecure-skip-tls-verify"),
        ({}, {"certificate-authority": "a", "certificate-authority-data": "YQ=="}, {}, "certificate-authority-data"),
        ({}, {"certificate-authority-data": "YWJj"}, {}, "certificate-authority"),
        ({}, {"proxy-url": "ftp://proxy:1"}, {}, "proxy-url"),
        ({}, {"proxy-url": "proxy:3128"}, {}, "proxy-url"),
        ({}, {"proxy": "http://proxy:3128"}, {}, "proxy"),
        ({}, {}, {"namespaces": "shop"}, "namespaces"),
    ],
)
def test_a_key_that_cannot_be_honoured_is_refused_by_its_name(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], context: dict[str, Any], key: str
) -> None:
    file = written(tmp_path / "config", user, cluster, context)
    with pytest.raises(InputError) as caught:
        connect(file)
    assert f"`{key}` of " in caught.value.what and file in caught.value.what
    assert caught.value.why and caught.value.hint
    assert "s3cret" not in f"{caught.value.what}{caught.value.why}{caught.value.hint}"


def test_what_kubectl_ignores_is_ignored(tmp_path: Path) -> None:
    extensions = [{"name": "minikube.sigs.k8s.io", "extension": {"version": "1"}}]
    cluster = {"extensions": extensions, "disable-compression": True, "certificate-authority": None}
    place = load(written(tmp_path / "config", {"extensions": extensions, "as": None}, cluster, {"extensions": extensions}), None)
    assert (place.configuration.host, place.login.acting.user) == ("https://api.example", "")


def test_the_current_context_of_the_first_file_counts(tmp_path: Path) -> None:
    one, two = Path(written(tmp_path / "one")), Path(written(tmp_path / "two"))
    two.write_text(two.read_text().replace('"here"', '"there"'))
    assert load(f"{one}:{two}", None).context == "here"


def test_a_relative_path_starts_at_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "token").write_text("t\n")
    place = load(written(tmp_path / "keys" / "config", {"tokenFile": "token"}), None)
    assert place.login.token_file == str(tmp_path / "keys" / "token")


# ---------------------------------------------------------------- which server, and what is trusted


def test_the_servers_name_and_authority_are_those_of_the_kubeconfig(tmp_path: Path) -> None:
    pem = authority(tmp_path)
    cluster = {"certificate-authority-data": base64.b64encode(pem.read_bytes()).decode(), "tls-server-name": "api.example"}
    files = {"client-certificate": "cert.pem", "client-key": "key.pem"}
    named = load(written(tmp_path / "config", files, cluster), None).configuration
    assert named.tls_server_name == "api.example"
    assert named.verify_ssl
    assert named.ca_cert_data == pem.read_text()
    assert (named.cert_file, named.key_file) == (str(pem), str(tmp_path / "key.pem"))
    data = {f"{key}-data": base64.b64encode((tmp_path / file).read_bytes()).decode() for key, file in files.items()}
    given = load(written(tmp_path / "config", data, cluster), None).configuration
    for file, content in ((given.cert_file, pem), (given.key_file, tmp_path / "key.pem")):
        assert Path(str(file)).read_text() == content.read_text()
        assert Path(str(file)).stat().st_mode & 0o077 == 0


def test_a_certificate_whose_key_is_another_is_the_kubeconfigs_fault(tmp_path: Path) -> None:
    authority(tmp_path)
    (tmp_path / "other").mkdir()
    authority(tmp_path / "other")
    with pytest.raises(InputError, match="`client-certificate` of user u"):
        load(written(tmp_path / "config", {"client-certificate": "cert.pem", "client-key": "other/key.pem"}), None)


def test_a_proxy_that_is_away_is_named(tmp_path: Path) -> None:
    cluster = connect(written(tmp_path / "config", {}, {"proxy-url": "http://127.0.0.1:9"}), deadline=0.1)
    with pytest.raises(Unreachable) as caught:
        cluster.version()
    assert "the proxy on the way (proxy-url, HTTPS_PROXY) cannot be used" in caught.value.why
