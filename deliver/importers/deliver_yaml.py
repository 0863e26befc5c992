"""What was made of the objects, and the deliver.yaml that it becomes."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from deliver.formatting.durations import show_duration
from deliver.formatting.sanitize import one_line
from deliver.model import defaults
from deliver.model.errors import DeliverError
from deliver.plugins.types import parse_duration

YEAR = 365 * 86400.0
POLLS = 1000  # in a row, at most
DEPLOYMENT, PROMETHEUS = "change-me", "monitoring/prometheus:9090"
_SERVICE = re.compile(r"http://(?P<name>[a-z0-9-]+)\.(?P<space>[a-z0-9-]+)(?P<svc>\.svc(?:\.cluster\.local)?)?(?::(?P<port>[0-9]+))?/?")


class NotTaken(DeliverError):
    """Cannot be taken over. why: the reason, a sentence for the user."""


@dataclass(frozen=True)
class Note:
    """about: the object and what in it. lost: it is not in the file; else it is, and works differently."""

    about: str
    text: str
    lost: bool = False

    def __str__(self) -> str:
        return f"{self.about}: {'not converted: ' if self.lost else ''}{self.text}"


@dataclass
class Pieces:
    """Collected from all objects of a file. sources: titles of the objects that something was taken from."""

    target: dict[str, Any] = field(default_factory=dict)
    strategy: dict[str, Any] = field(default_factory=dict)
    address: str = ""
    metrics: list[dict[str, Any]] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)
    warmups: list[float] = field(default_factory=list)
    blind: list[float] = field(default_factory=list)
    ready: str = ""
    notes: list[Note] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def lost(self, about: str, reason: str) -> None:
        self.notes.append(Note(about, reason, lost=True))

    def note(self, about: str, text: str) -> None:
        self.notes.append(Note(about, text))

    def add(self, source: str, metric: Mapping[str, Any]) -> None:
        """Under a name of its own."""
        names = {one["name"] for one in self.metrics}
        name = base = named(str(metric["name"]))
        count = 1
        while name in names:
            count += 1
            name = f"{base[:58]}-{count}"
        self.metrics.append({**metric, "name": name})
        self.took(source)

    def asks(self, address: str) -> None:
        """The first address counts."""
        if address and self.address and address != self.address:
            self.lost("prometheus", f"a second address, {address}: one release asks one Prometheus")
        self.address = self.address or address

    def took(self, source: str) -> None:
        if source not in self.sources:
            self.sources.append(source)


def named(text: str) -> str:
    """A metric's name as deliver.yaml takes it."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")[:63].strip("-_") or "metric"


def number(value: Any) -> float | None:
    """A finite one, also as text; None for what is none."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and not isinstance(value, bool) else None


def seconds(value: Any) -> float | None:
    """`5m`, `1m30s`, a bare number of seconds; None for what is neither, and for more than a year."""
    found = number(value)
    try:
        return found if found is not None and 0 <= found <= YEAR else parse_duration(str(value))
    except ValueError:
        return None


def document(pieces: Pieces, deployment: str, namespace: str, prometheus: str) -> dict[str, Any]:
    """The file's data. deployment, namespace, prometheus: as the user gave them, before what the objects say."""
    target = dict(pieces.target)
    target |= {key: value for key, value in (("deployment", deployment), ("namespace", namespace)) if value}
    if not target.get("deployment"):
        target["deployment"] = DEPLOYMENT
        pieces.note("target", f"no Deployment is named: `{DEPLOYMENT}` stands for it; give --deployment")
    data: dict[str, Any] = {"target": {key: target[key] for key in ("deployment", "namespace") if target.get(key)}}
    if pieces.strategy:
        data["strategy"] = pieces.strategy
    if pieces.metrics:
        data["analysis"] = _analysis(pieces, prometheus)
    if pieces.ready:
        data["limits"] = {"ready": pieces.ready}
    return data


def _analysis(pieces: Pieces, prometheus: str) -> dict[str, Any]:
    address = prometheus or pieces.address
    if not address:
        address = PROMETHEUS
        pieces.note("prometheus", f"no address is named: `{PROMETHEUS}` stands for it; give --prometheus")
    analysis: dict[str, Any] = {"prometheus": provider(address), "metrics": pieces.metrics}
    for key, values, pick in (("poll", pieces.polls, min), ("warmup", pieces.warmups, max), ("max_blind", pieces.blind, min)):
        if values:
            analysis[key] = show_duration(max(pick(values), 1.0))
    if pieces.blind:
        analysis["on_blind"] = "rollback"
    _breached(analysis, pieces)
    return analysis


def _breached(analysis: dict[str, Any], pieces: Pieces) -> None:
    """Polls that breach are blind until there are enough of them in a row: so much time there has to be."""
    polls = max((metric.get("consecutive", 1) for metric in pieces.metrics), default=1)
    needed = (polls + 1) * (seconds(analysis.get("poll")) or 0.0)
    if needed > (seconds(analysis.get("max_blind")) or defaults.MAX_BLIND):
        analysis["max_blind"] = show_duration(needed)
        pieces.note("analysis", f"`max_blind` is {show_duration(needed)}, so that {polls} polls in a row can fail before it acts")


def provider(address: str) -> dict[str, str]:
    """A Service's name inside the cluster is reached through the API server, so that a laptop reaches it too."""
    found = _SERVICE.fullmatch(address)
    if found and (found["port"] or found["svc"]):
        return {"service": f"{found['space']}/{found['name']}:{found['port'] or 80}"}
    return {"url": address} if "://" in address else {"service": address}


def written(data: Mapping[str, Any], sources: Sequence[str], notes: Sequence[Note]) -> str:
    """The file's text, with what a reader should know above it."""
    head = [f"# {one_line('From ' + ', '.join(sources), 2000)}, by `deliver import`."]
    if any("max" in metric and "query" not in metric for metric in data.get("analysis", {}).get("metrics", ())):
        head.append(
            "# Without `max` and `consecutive` a metric that is counted is judged by evidence against the stable side: docs/migration.md."
        )
    head += [f"# {one_line(note, 2000)}" for note in notes]
    return "\n".join(head) + "\n" + str(yaml.dump(data, Dumper=_Plain, sort_keys=False, width=140, allow_unicode=True))


class _Plain(yaml.SafeDumper):
    """A query of several lines stays one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Plain, text: str) -> Any:
    style = "|" if "\n" in text else "'" if number(text) is not None else None  # 1e9 is a number in YAML 1.2
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _text)
