"""Real SIGKILLs: `deliver` as a process over the sandbox's HTTP door dies at a random moment, another takes up its release (rule 8).

`python -m tests.hunt.sigkill --count 100`. Each case has a sandbox of its own; they run side by side, because they mostly wait.
"""

# ruff: noqa: T201

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from deliver.demo.child import environment
from deliver.engine.runtime.record_store import parse
from deliver.model.exitcodes import ExitCode
from deliver.model.journal import open_intents
from deliver.model.release import Outcome, Release
from deliver_sandbox.http.server import Door
from deliver_sandbox.live import live
from deliver_sandbox.rbac import ADMIN
from deliver_sandbox.world import World

LONGEST = 240.0
OPTIONS = "--weight 50 --bake 1s --drain 500ms --poll 1s --ready-timeout 60s"
IMAGES = {"registry/web:1.1.0": Outcome.PROMOTED, "registry/web:2.0.0-crash": Outcome.ROLLED_BACK}
CODES = {Outcome.PROMOTED: ExitCode.PROMOTED, Outcome.ROLLED_BACK: ExitCode.ROLLED_BACK}


@dataclass(frozen=True)
class Case:
    """after: seconds from the first driver's lock to its death. again: seconds after which the heir dies too, 0 = it lives."""

    seed: int
    image: str
    after: float
    again: float = 0.0

    @classmethod
    def of(cls, seed: int) -> "Case":
        random = Random(f"sigkill {seed}")
        image = random.choice((*IMAGES, "registry/web:1.1.0"))
        return cls(seed, image, random.uniform(0.0, 9.0), random.uniform(15.0, 22.0) if random.random() < 0.2 else 0.0)


@dataclass(frozen=True)
class Process:
    """A `deliver`. out: the file with its stdout and stderr."""

    popen: subprocess.Popen[bytes]
    out: Path


class Place:
    """One sandbox and the processes on it. said: all that they wrote and were called with."""

    def __init__(self, world: World, folder: Path, door: Door) -> None:
        file = folder / "kubeconfig"
        self.token = door._server.routes.access.give(ADMIN)  # one that is like no other word, to be looked for
        file.write_text(door.kubeconfig().replace('"token": "sandbox"', f'"token": "{self.token}"'))
        assert self.token in file.read_text()
        self.world, self.folder, self.environ = world, folder, environment(os.environ, file)
        self.said: list[str] = []

    def start(self, command: str, actor: str) -> Process:
        self.said.append(command)
        out = self.folder / f"{actor}.txt"
        with out.open("w") as stream:
            words = [sys.executable, "-m", "deliver", *shlex.split(command)]
            environ = self.environ | {"DELIVER_ACTOR": actor}
            popen = subprocess.Popen(words, env=environ, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
            return Process(popen, out)

    def end(self, process: Process, kill_after: float = LONGEST) -> int:
        """Its exit code; below 0 when it was killed."""
        try:
            code = process.popen.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.popen.send_signal(signal.SIGKILL)
            code = process.popen.wait()
        self.said.append(process.out.read_text())
        return code

    def release(self) -> Release | None:
        with self.world.api.lock:
            return parse(self.world.store.get("configmaps", "shop", "deliver-web")).release

    def users(self) -> dict[str, Any]:
        kinds = ("deployments", "services")
        with self.world.api.lock:
            return {f"{kind}/{obj['metadata']['name']}": obj["spec"] for kind in kinds for obj in self.world.store.every(kind, "shop")}

    def written(self) -> str:
        with self.world.api.lock:
            kinds = ("configmaps", "leases", "events", "services", "deployments", "pods")
            return json.dumps([obj for kind in kinds for obj in self.world.store.every(kind, "shop")])


def play(case: Case) -> list[str]:
    """What went wrong."""
    with tempfile.TemporaryDirectory() as name, live(seed=case.seed, speed=5.0) as (world, door):
        place = Place(world, Path(name), door)
        before, calls = place.users(), threading.Event()
        world.store.listen(lambda change: calls.set() if change.kind == "leases" else None)
        first = place.start(f"canary web --image {case.image} {OPTIONS}", "first")
        while first.popen.poll() is None and not calls.wait(0.05):
            pass
        code = place.end(first, case.after)
        if case.again and code < 0:
            code = place.end(place.start("resume web", "second"), case.again)
        if code < 0 or (code == ExitCode.LOCKED and case.again):
            code = place.end(place.start("resume web", "last"))
        return list(faults(case, place, before, code))


def faults(case: Case, place: Place, before: dict[str, Any], code: int) -> Iterator[str]:
    wanted, release, after = IMAGES[case.image], place.release(), place.users()
    if release is None:  # killed before there was anything to take up
        if after != before or code != ExitCode.USAGE:
            yield f"no record, exit code {code}, users' objects {'as before' if after == before else 'changed'}: {place.said[-1]}"
        return
    if release.outcome is not wanted:
        yield f"it ends {release.outcome}, not {wanted}: {release.reason}; exit code {code}"
    elif code not in (CODES[wanted], ExitCode.USAGE):  # 2: it had ended before it was killed, so there was nothing to resume
        yield f"exit code {code} of a release that is {wanted}"
    if wanted is Outcome.ROLLED_BACK and after != before:
        yield "the users' objects are not as they were"
    if wanted is Outcome.PROMOTED and after.keys() != before.keys():
        yield f"left behind: {sorted(after.keys() - before.keys())}"
    if open_intents(release.journal):
        yield f"intents without an outcome: {open_intents(release.journal)}"
    if case.image == "registry/web:1.1.0" and (lost := place.world.traffic.tally.lost()):
        yield f"{lost} requests lost"
    if place.token in place.written() or any(place.token in text for text in place.said):
        yield "rule 11: the token is told"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hunt.sigkill")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--together", type=int, default=8)
    options = parser.parse_args()
    began, failing = time.monotonic(), 0
    cases = [Case.of(seed) for seed in range(options.first, options.first + options.count)]
    with ThreadPoolExecutor(options.together) as pool:
        for case, found in zip(cases, pool.map(play, cases), strict=True):
            failing += bool(found)
            for text in found:
                print(f"{case}: {text}", flush=True)
    kills = sum(1 + bool(case.again) for case in cases)
    print(f"{len(cases)} releases with up to {kills} SIGKILLs in {time.monotonic() - began:.0f} s, {failing} that did not end as they must")
    return 1 if failing else 0


if __name__ == "__main__":
    raise SystemExit(main())
