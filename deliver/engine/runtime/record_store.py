"""The release record: one ConfigMap a target, written by compare-and-swap, with schema version and checksum.

    data.release   the newest release, live or ended      data.checksum   sha256 of it
    data.history   ended releases, newest first           data.requests   what operators ask of the driver
    data.schema    "2"; one of "1" is read by record_schema1 and written as "2"

A record that is lost, corrupt or from a newer deliver forbids going forward, never going back.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from deliver.cluster.port import Cluster
from deliver.engine.runtime import record_schema1
from deliver.model.codec import IncrementalEncoder, decode, encode
from deliver.model.errors import Conflict, NotFound, Superseded
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.names import FENCE, record_name
from deliver.model.objects import Object
from deliver.model.observation import OperatorRequest
from deliver.model.release import Release, digest_of
from deliver.model.spec import Target
from deliver.model.verdict import CheckResult

T = TypeVar("T")

SCHEMA = "2"
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
END_OF_TIME = 250_000_000_000.0  # unix seconds: the end of the year 9891, and of what a datetime can say
WRITE_TRIES = 10
MAX_NAME = 48  # characters of the Deployment in a release's id: as a label it may have 63
LARGEST = 2**20  # bytes of a ConfigMap's data
JOURNAL = 2**16  # of them for what a release writes down as it goes
MAX_BYTES = 900_000  # of a record: an object may have 1 MiB; older history goes first


@dataclass(frozen=True)
class Record:
    """What stands in the ConfigMap. version: resourceVersion, "" when there is none yet. problem: why `release` could not be read.

    lost: why some of the history could not be read, "" when all could. The newest may be among it.
    """

    release: Release | None = None
    history: tuple[Release, ...] = ()
    requests: tuple[OperatorRequest, ...] = ()
    version: str = ""
    problem: str = ""
    lost: str = ""

    @property
    def releases(self) -> tuple[Release, ...]:
        """Newest first: the live one, then the ended ones."""
        known = {one.id for one in self.history}
        return (*([self.release] if self.release and self.release.id not in known else []), *self.history)


def parse(configmap: Object | None) -> Record:
    """Never raises: a bad record says so in `problem`."""
    if configmap is None:
        return Record()
    data, version, name = configmap.get("data") or {}, configmap["metadata"].get("resourceVersion", ""), configmap["metadata"].get("name")
    requests, _ = readable(partial(decode, OperatorRequest), data.get("requests", "[]"))
    schema = data.get("schema")
    read = _read_schema1 if schema == record_schema1.SCHEMA else partial(decode, Release)
    history, lost = readable(lambda one: check_sane(read(one)), data.get("history", "[]"))
    found = Record(history=history, requests=requests, version=version, lost=lost)
    text = data.get("release")
    if not text:
        return found
    if schema not in (SCHEMA, record_schema1.SCHEMA):
        return replace(found, problem=f"it has schema {schema}, this deliver knows {SCHEMA}")
    if data.get("checksum") != checksum(text):
        return replace(found, problem="its checksum does not fit: it was edited or cut off")
    try:
        release = check_sane(read(json.loads(text)))
        if name and record_name(release.spec.target.deployment) != name:
            raise ValueError(f"it is about {release.spec.target}")
        return replace(found, release=release)
    except UNREADABLE as error:
        return replace(found, problem=f"it cannot be read: {error}")


def _read_schema1(data: Any) -> Release:
    return decode(Release, record_schema1.upgraded(data))


def readable(read: Callable[[Any], T], text: str) -> tuple[tuple[T, ...], str]:
    """Of a list as JSON: (those that can be read, what is said of the others)."""
    try:
        items = list(json.loads(text))
    except UNREADABLE as error:
        return (), f"it cannot be read: {error}"
    found, problems = [], []
    for item in items:
        try:
            found.append(read(item))
        except UNREADABLE as error:
            problems.append(f"{type(error).__name__}: {error}")
    return tuple(found), f"{len(problems)} of {len(items)} cannot be read: {problems[0]}" if problems else ""


def check_sane(release: Release) -> Release:
    """Raises ValueError or KeyError for one that no deliver has written, whatever its checksum says."""
    if not 0 <= release.step < len(release.plan.steps):
        raise ValueError(f"step {release.step} of {len(release.plan.steps)}")
    times = (release.started, release.since, release.bake_since, release.blind_since, release.ended, release.resumed, release.traffic_off)
    if not all(0 <= at < END_OF_TIME for at in (*times, *(entry.at for entry in release.journal))):
        raise ValueError("a time in it is none")
    if digest_of(release.snapshot.template) != release.snapshot.digest:
        raise ValueError("its snapshot of the stable side is not the one that was taken")
    assert release.new_template  # KeyError where the template is none
    return release


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def abridged(release: Release) -> Release:
    """For the history: verdicts with their numbers, without the raw samples of those that only say PASS again, and no open evidence."""
    kept = [
        replace(entry, checks=tuple(map(_bare, entry.checks))) if entry.event is Event.STEP_PASSED else entry for entry in release.journal
    ]
    return replace(release, journal=tuple(kept[-200:]), measures={})


def _bare(check: CheckResult) -> CheckResult:
    return replace(check, evidence=replace(check.evidence, samples=()))


def new_id(deployment: str, record: Record, now: float) -> str:
    """deployment-yyyymmdd-n: unique for the target, sortable, and short enough for a label."""
    day = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d")
    name = deployment if len(deployment) <= MAX_NAME else f"{deployment[: MAX_NAME - 7].rstrip('-.')}-{checksum(deployment)[:6]}"
    prefix = f"{name}-{day}-"
    known = [release.id for release in (*record.history, *([record.release] if record.release else []))]
    counts = [int(id.removeprefix(prefix)) for id in known if id.startswith(prefix) and id.removeprefix(prefix).isdigit()]
    return f"{prefix}{max(counts, default=0) + 1}"


def with_number(release: Release, record: Record, now: float) -> Release:
    """With a number and an id of its own, now that nobody else can take them: another release may have ended since it was proposed."""
    taken = [*record.history, *([record.release] if record.release else [])]
    number = max((one.number for one in taken), default=0) + 1
    return replace(release, number=number, id=new_id(release.spec.target.deployment, record, now))


class Store:
    """The record of one target. A write with an old fence changes nothing."""

    def __init__(self, cluster: Cluster, target: Target) -> None:
        self.cluster, self.target, self.name = cluster, target, record_name(target.deployment)
        self.record = self._read = Record()
        self._texts: dict[str, tuple[Release, str]] = {}  # of the history, which changes once a release
        self._live = IncrementalEncoder()

    def load(self, deadline: float | None = None) -> Record:
        """Who waits for a driver asks twice a second: the same version is not read again."""
        try:
            found = self.cluster.get("configmaps", self.target.namespace, self.name, deadline=deadline)
        except NotFound:
            self.record = Record()
            return self.record
        if found["metadata"].get("resourceVersion", "") != self._read.version or not self._read.version:
            self._read = parse(found)
        self.record = self._read
        return self.record

    def save(self, release: Release, *, answered: tuple[str, ...] = (), finished: bool = False, exact: bool = False) -> None:
        """Write the live release; `answered`: ids of requests that are done with; `finished`: it goes into the history too;
        `exact`: only over the record that was loaded, else Conflict.

        Raises Superseded when the record carries a higher fence, ClusterError when it cannot be written.
        """
        for _ in range(WRITE_TRIES):
            record = self.record
            self._check_fence(record, release)
            requests = tuple(request for request in record.requests if request.id not in answered)
            history = record.history
            if finished:
                history = (abridged(release), *(old for old in history if old.id != release.id))[: release.spec.history]
            text = self._live.of(release)
            data = {
                "schema": SCHEMA,
                "release": text,
                "checksum": checksum(text),
                "requests": json.dumps(encode(requests)),
                "history": self._fitting(history, len(text)),
            }
            try:
                written = self._write(data, record.version, {FENCE: str(release.fence)})
            except (Conflict, NotFound):
                if exact:
                    raise
                self.load()
                continue
            self.record = Record(release, history, requests, written["metadata"]["resourceVersion"])
            return
        raise Conflict(
            f"ConfigMap {self.name} keeps changing under our writes",
            hint=f"who else writes to it? `kubectl get configmap {self.name} -o yaml --show-managed-fields`",
        )

    def _fitting(self, history: tuple[Release, ...], used: int) -> str:
        """As much of the history as an object has room for beside the live release."""
        known, self._texts = self._texts, {}
        for release in history:
            old, text = known.get(release.id, (None, ""))
            if old is not release:
                text = json.dumps(encode(release), separators=(",", ":"))
            used += len(text)
            if used > MAX_BYTES:
                break
            self._texts[release.id] = release, text
        return f"[{','.join(text for _, text in self._texts.values())}]"

    def _check_fence(self, record: Record, release: Release) -> None:
        other = record.release
        if other is not None and other.fence > release.fence:
            raise Superseded(f"release {other.id} was taken over", why=_who_took(other, release.fence))

    def ask(self, request: OperatorRequest) -> None:
        """Put a request before the driver."""
        self._requests(lambda there: (*there, request))

    def withdraw(self, id: str) -> None:
        """Take it back: nobody has read it."""
        self._requests(lambda there: tuple(one for one in there if one.id != id))

    def _requests(self, change: Callable[[tuple[OperatorRequest, ...]], tuple[OperatorRequest, ...]]) -> None:
        for _ in range(WRITE_TRIES):
            requests = json.dumps(encode(change(self.record.requests)))
            try:
                self.record = parse(self._write({"requests": requests}, self.record.version))
            except (Conflict, NotFound):
                self.load()
                continue
            return
        raise Conflict(f"ConfigMap {self.name} keeps changing under our writes")

    def _write(self, data: dict[str, str], version: str, annotations: dict[str, str] | None = None) -> Object:
        namespace = self.target.namespace
        if not version:
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": self.name,
                    "namespace": namespace,
                    "labels": {"app.kubernetes.io/managed-by": "deliver"},
                    "annotations": annotations or {},
                },
                "data": data,
            }
            return self.cluster.create("configmaps", namespace, body)
        return self.cluster.patch(
            "configmaps", namespace, self.name, {"metadata": {"resourceVersion": version, "annotations": annotations or {}}, "data": data}
        )


def _who_took(release: Release, fence: int) -> str:
    takers = [entry.actor for entry in release.journal if entry.fence > fence and entry.actor]
    return f"by {takers[0] if takers else 'another driver'}"
