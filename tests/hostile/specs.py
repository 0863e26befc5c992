"""deliver.yaml: wrong types and names, numbers out of range, bytes that are no YAML, bombs. `validate` and `run` read them."""

from pathlib import Path
from random import Random
from typing import Any

import yaml

from deliver.config.build import build, check
from deliver.config.draft import Draft
from deliver.config.loader import parse
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode
from tests.hostile.mutate import mutated, spoilt
from tests.hostile.watch import Fault, checked, deliver

FILES = sorted(Path(__file__).parents[2].glob("examples/**/*.yaml"))
CANARY = """\
target: {deployment: web, service: web, namespace: shop, container: web}
image: ghcr.io/acme/web:1.4.2
router: service-selector
strategy:
  canary: {steps: [{weight: 10, bake: 5m, approval: true}, {weight: 50, bake: 10m}], surge: 2, max_overshoot: 15%}
analysis:
  prometheus: {service: monitoring/prometheus:9090}
  poll: 5s
  on_blind: rollback
  metrics:
    - {name: errors, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, max: 1%, compare: stable, window: 1m}
    - {name: slow, histogram: http_request_duration_seconds, slower_than: 250ms, max: 5%}
    - {name: free, query: 'sum(up{pod=~"$candidate"})', min: 1}
  health: [{http: {path: /healthz, port: 8080}}, {tcp: {port: 8080}}, {grpc: {port: 9000, service: x}}]
limits: {ready: 5m, total: 24h, pause: 1h, drain: 10s}
"""
BLUE_GREEN = (
    """\
target: {deployment: web, service: web}
image: ghcr.io/acme/web@sha256:"""
    + "a" * 64
    + """
strategy:
  blue-green: {preview_service: web-preview, preview_bake: 1m, bake: 5m, hold: 10m, load: {port: 8080, path: /, rate: 5, max_latency: 1s}}
analysis: {health: [{http: {path: /, port: 80}}]}
"""
)
FLAG = """\
target: {deployment: web}
strategy: {flag: {flag: checkout, steps: [{weight: 10, bake: 5m}], backend: {flagd: {configmap: flags, key: flags.json}}}}
"""
SEEDS: list[Any] = [yaml.safe_load(text) for text in (CANARY, CANARY, BLUE_GREEN, FLAG)]
SEEDS += [data for file in FILES for data in yaml.safe_load_all(file.read_text()) if isinstance(data, dict) and "target" in data]
LAUGHS = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9) if n else 'x'}]\n" for n in range(9))


def text_of(random: Random) -> bytes:
    tree = mutated(random, random.choice(SEEDS))
    style = random.choice((None, True, False))
    text = yaml.dump(
        tree, Dumper=yaml.SafeDumper, allow_unicode=random.random() < 0.5, default_flow_style=style, sort_keys=random.random() < 0.5
    )
    match random.randrange(20):
        case 0:
            return (LAUGHS + text).encode()
        case 1 | 2 | 3 | 4 | 5:
            return spoilt(random, text)
        case 6:  # a key twice
            lines = text.splitlines()
            return "\n".join([*lines, random.choice(lines)]).encode("utf-8", "surrogatepass")
    return text.encode("utf-8", "surrogatepass")


def case(seed: int) -> None:
    """Most go to the loader and the models, with the error told as the command tells it; one in twenty through the whole command."""
    random = Random(f"spec {seed}")
    raw = text_of(random)
    if seed % 20 == 0:
        Path("deliver.yaml").write_bytes(raw)
        for command in ("validate", "run"):
            code, _, _ = deliver(command)
            if code not in (ExitCode.USAGE, ExitCode.PROMOTED) or (command == "run" and code == ExitCode.PROMOTED):
                raise Fault(f"exit code {code} of {command}")
        return
    try:
        document = parse(raw, "deliver.yaml")
    except InputError as error:
        told(error)
        return
    for use in (check, build):
        try:
            use(Draft.of(document))
        except InputError as error:
            told(error)


def told(error: InputError) -> None:
    """What the person would read."""
    import io

    from deliver.render.reporters import report_error

    stream = io.StringIO()
    report_error(error, color="never", ci="none", stderr=stream, environ={})
    checked(int(error.exit_code), "", stream.getvalue())
