"""Every command that a document shows works as shown: it is run, in order, on the lab, with users on the Service."""

import contextlib
import re
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.support import lab
from tests.e2e.support.flagged import lab as lab_says
from tests.e2e.support.load import Load
from tests.e2e.support.pace import eventually
from tests.e2e.support.process import SCRIPT, clean_environ

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("examples/*/README.md")), *sorted(ROOT.glob("docs/**/*.md"))]
SHOWN = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXITS = re.compile(r"# exits (\d+)")
CHECKOUT = "ghcr.io/acme/checkout:1.0.0"  # the application with a flag
MAKE = {"setup", "test", "demo", "check", "test-cluster", "bench"}  # what CI runs itself


@dataclass(frozen=True)
class Command:
    text: str
    code: int


def commands(document: Path) -> list[Command]:
    lines = [line[2:] for block in SHOWN.findall(document.read_text()) for line in block.splitlines() if line.startswith("$ ")]
    return [Command(line, int(found[1]) if (found := EXITS.search(line)) else 0) for line in lines]


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"docs-{uuid.uuid4().hex[:6]}"
    yield name
    subprocess.run(["kubectl", "delete", "namespace", name, "--wait=false", "--ignore-not-found"], check=False, capture_output=True)


def adapted(text: str, namespace: str) -> str:
    """The document's made-up registry and namespace, as they are here."""
    if CHECKOUT in text:
        text = text.replace(CHECKOUT, lab_says("image", "flagd-python"))
    text = text.replace("ghcr.io/acme", lab.REGISTRY)
    return re.sub(r"(-n |namespace |namespace: )shop\b", rf"\g<1>{namespace}", text)


def folder(tmp_path: Path, namespace: str) -> Path:
    for part in ("examples", "deploy"):
        shutil.copytree(ROOT / part, tmp_path / part)
    for file in list(tmp_path.rglob("*.yaml")):
        file.write_text(adapted(file.read_text(), namespace))
    return tmp_path


@pytest.mark.cluster
@pytest.mark.timeout(400)
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if commands(d)], ids=lambda d: str(d.relative_to(ROOT)))
def test_the_commands_of_a_document_work_as_shown(document: Path, namespace: str, tmp_path: Path):
    here = folder(tmp_path, namespace)
    path = f"{SCRIPT.parent}:{clean_environ()['PATH']}"
    environ = clean_environ() | {"HOME": str(tmp_path), "PATH": path} | installing(tmp_path / "site")
    with contextlib.ExitStack() as users:
        for command in commands(document):
            words = shlex.split(adapted(command.text, namespace), comments=True)
            if words[0] == "make":
                assert words[1] in MAKE
                assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
                continue
            done = subprocess.run(words, cwd=here, env=environ, capture_output=True, text=True, timeout=180, check=False)
            assert done.returncode == command.code, f"{command.text}\n{done.stdout}\n{done.stderr}"
            if words[:3] == ["kubectl", "rollout", "status"]:
                users.enter_context(Load(address(namespace)))
                scraped(namespace)


def installing(site: Path) -> dict[str, str]:
    """What a document installs goes to a folder of its own: the packages at hand, nothing from an index, and nobody else sees it."""
    return {"PIP_TARGET": str(site), "PYTHONPATH": str(site), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}


def kubectl(*args: str) -> str:
    return subprocess.run(["kubectl", *args], capture_output=True, text=True, check=False).stdout


def address(namespace: str) -> str:
    return f"http://{kubectl('-n', namespace, 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')}/"


def scraped(namespace: str) -> None:
    """The application has been there for a while, as a reader's has."""
    query = f"query?query=http_requests_total%7Bnamespace%3D%22{namespace}%22%7D"
    path = f"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/{query}"
    eventually("Prometheus to know the pods", lambda: namespace in kubectl("get", "--raw", path))


def test_every_example_is_a_valid_file():
    """With the examples' own plugins, which their READMEs install first."""
    from dark_launch import DarkLaunch
    from pod_scrape import PodScrape

    from deliver.cli.main import main
    from deliver.plugins import registry

    files = list(ROOT.glob("examples/*/deliver.yaml"))
    assert files
    with registry.override("deliver.strategies", DarkLaunch), registry.override("deliver.metrics", PodScrape):
        for file in files:
            assert main(["validate", "-f", str(file)]) == 0
