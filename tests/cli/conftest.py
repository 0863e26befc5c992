"""`deliver` run in this process, in a folder and an environment of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from deliver.cli.main import main

FILE = """\
target: {deployment: web, service: web, namespace: shop}
image: ghcr.io/acme/web:1.4.2
strategy:
  canary:
    steps: [{weight: 10, bake: 5m}, {weight: 50, bake: 10m}]
analysis:
  prometheus: {service: monitoring/prometheus:9090}
  metrics:
    - {name: errors, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, max: 1%, compare: stable}
  health: [{http: {path: /healthz, port: 8080}}]
"""


class Run(NamedTuple):
    code: int
    out: str
    err: str


Deliver = Callable[..., Run]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "work"
    home.mkdir()
    (home / ".git").mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KUBECONFIG", str(home / "no-such-kubeconfig"))
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "DELIVER_DEBUG", "DELIVER_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def deliver(folder: Path, capsys: pytest.CaptureFixture[str]) -> Deliver:
    def run(*args: str) -> Run:
        code = main(list(args))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Run(code, out, err)

    return run
