"""Which proxy leads to the API server: `proxy-url`, else the environment's, by kubectl's rules."""

from pathlib import Path

import pytest

from deliver.cluster import http_proxy
from deliver.cluster.connection import load
from deliver.model.errors import InputError
from tests.cluster.conftest import kubeconfig
from tests.cluster.test_kubeconfig_keys import written

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("server", "without", "direct"),
    [
        ("https://api.example", "", False),
        ("https://api.example", "*", True),
        ("https://api.example", "example", True),
        ("https://api.example", " .example ,other", True),
        ("https://api.example", "*.example", True),
        ("https://example", ".example", False),
        ("https://myexample", "example", False),
        ("https://api.example:6443", "api.example:6443", True),
        ("https://api.example:6443", "api.example:443", False),
        ("https://10.0.0.7", "10.0.0.0/8", True),
        ("https://10.0.0.7:6443", "10.0.0.7:6443", True),
        ("https://10.0.0.7", ".0.7", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://localhost:6443", "", True),
        ("https://127.0.0.2", "", True),
        ("https://[::1]", "", True),
    ],
)
def test_no_proxy(server: str, without: str, direct: bool) -> None:
    found = http_proxy.of_environment(server, {"HTTPS_PROXY": PROXY, "NO_PROXY": without})
    assert found == (("", "") if direct else (PROXY, "HTTPS_PROXY"))


def test_the_scheme_of_the_server_says_which_variable_counts() -> None:
    environ = {"http_proxy": "plain:1", "ALL_PROXY": "http://all:1"}
    assert http_proxy.of_environment("https://api", environ) == ("", "")
    assert http_proxy.of_environment("http://api", environ) == ("http://plain:1", "http_proxy")


def test_the_kubeconfigs_proxy_stands_above_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    monkeypatch.setenv("NO_PROXY", "*")
    named = load(written(tmp_path / "named", {}, {"proxy-url": "http://me:p%40w@proxy:3128"}), None).configuration
    assert (named.proxy, named.no_proxy) == ("http://me:p%40w@proxy:3128", "")
    assert named.proxy_headers == {"proxy-authorization": "Basic bWU6cEB3"}
    assert load(kubeconfig(tmp_path / "plain", "https://api"), None).configuration.proxy is None


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://x")
    with pytest.raises(InputError, match="HTTPS_PROXY in the environment"):
        load(kubeconfig(tmp_path / "config", "https://api"), None)


def test_socks_needs_a_package_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_proxy, "find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        http_proxy.checked("socks5://bastion:1080", "`proxy-url`", "")
    assert "PySocks" in caught.value.why
    monkeypatch.setattr(http_proxy, "find_spec", lambda name: name)
    assert http_proxy.checked("socks5://bastion:1080", "`proxy-url`", "") == "socks5h://bastion:1080"
