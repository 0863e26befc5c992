"""The HTTP client that checks, flag back ends and notifiers share."""

import ssl
from pathlib import Path

import pytest

from deliver.http import client


def test_authorities_are_known_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("")
    paths = ssl.get_default_verify_paths()
    monkeypatch.setenv(paths.openssl_cafile_env, str(tmp_path / "none.pem"))
    monkeypatch.setenv(paths.openssl_capath_env, str(tmp_path))
    client.trust.cache_clear()
    assert len(client.trust(True, None).get_ca_certs()) > 50
    client.trust.cache_clear()


def test_a_file_of_authorities_stands_alone(tmp_path: Path) -> None:
    import certifi

    one = Path(certifi.where()).read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    (tmp_path / "ca.pem").write_text(one)
    assert len(client.trust(str(tmp_path / "ca.pem"), None).get_ca_certs()) == 1
