"""Every write that a release plans, sent to the API server as a dry run: what admission would refuse or make of it is known before.

A policy's words come before the first write, and not when users are pinned already. Pods cannot be rehearsed: their Deployment makes them.
"""

from collections.abc import Callable, Iterator
from types import NoneType
from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.runtime import preview_service
from deliver.engine.runtime.admitted import adopted
from deliver.engine.runtime.clock import SystemClock
from deliver.engine.runtime.executor import candidate_deployment
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lease
from deliver.model.errors import ClusterError, Conflict, Rejected, Superseded
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen
from deliver.model.plan import Exposure, Side
from deliver.model.release import Release
from deliver.plugins.checked_router import CheckedRouter
from deliver.plugins.interfaces import Finding

FENCE = 10**9  # newer than any that stands: what is rehearsed overtakes nobody
MOST = 4  # differences that are named
HINT = "these are the words of an admission policy, a webhook or a quota: meet it, or ask its owner for an exception"

Send = Callable[[], Object | None]


def rehearse(cluster: Cluster, release: Release, router: CheckedRouter) -> list[Finding]:
    """What the API server says to the writes of this release, each thing once. Changes nothing and raises nothing."""
    dry = cluster.rehearsing()
    write = GuardedWriter(
        dry, release.spec.target.namespace, Lease(dry, release.spec.target, "", SystemClock()), FENCE, urgent=lambda: None
    )
    said: dict[str, Finding] = {}
    for send, judge in _writes(dry, release, router, write):
        found = list(_sent(send, judge))
        said.update({finding.message: finding for finding in found if finding.message not in said})
        if any(finding.level == "warn" for finding in found):
            break  # an API server that does not answer is not waited for once more
    return list(said.values())


Judge = Callable[[Object], Iterator[Finding]]


def _writes(cluster: Cluster, release: Release, router: CheckedRouter, write: GuardedWriter) -> Iterator[tuple[Send, Judge]]:
    target, before, candidate = release.spec.target.deployment, release.snapshot, candidate_deployment(release)

    def change(spec: Object) -> Send:
        return lambda: write.change("deployments", target, lambda now: {"spec": spec}, uid=before.uid)

    def route() -> None:
        router.set_route(write, release, Exposure(Side.STABLE, before.hash))

    yield change({"paused": True}), lambda answer: _held(release, answer)
    yield lambda: write.create("deployments", candidate), lambda answer: _made(candidate["spec"]["template"], answer)
    yield change({"paused": True, "template": release.new_template}), _nothing
    yield route, _nothing
    if (scaler := before.autoscaler) is not None:
        floor = {"spec": {"minReplicas": min(scaler.maximum, max(before.replicas, scaler.minimum or 1))}}
        yield lambda: write.change("horizontalpodautoscalers", scaler.name, lambda now: floor, uid=scaler.uid), _nothing
    if release.plan.preview_made and before.services:  # without one it has no ports to copy, and a finding of its own
        owner = ArmSeen(release.candidate, before.uid)
        yield (
            lambda: write.create("services", preview_service.new_service(release, preview_service.port_source(cluster, release), owner)),
            _nothing,
        )


def _nothing(answer: Object) -> Iterator[Finding]:
    yield from ()


def _held(release: Release, answer: Object) -> Iterator[Finding]:
    if adopted(release, "old", answer) is release:
        return
    name, where = release.spec.target.deployment, release.spec.target.namespace
    text = (
        f"admission changes the pod template of {name} at every write, also when it is only paused "
        f"({differences(release.snapshot.template, answer['spec']['template'])}): a rollback could not put back what stands"
    )
    yield Finding("admission", "refuse", text, f"`kubectl rollout restart deployment/{name} -n {where}` rolls it out")


def _made(sent: Object, answer: Object) -> Iterator[Finding]:
    if found := differences(sent, answer["spec"]["template"]):
        yield Finding("admission", "info", f"admission adds to the pods of the new version: {found}")


def _sent(send: Send, judge: Judge) -> Iterator[Finding]:
    try:
        answer = send()
    except Rejected as error:
        if error.status == 400 and "dry run" in error.why:
            yield Finding("rehearsal", "info", f"not every write could be rehearsed: {error.why}")
        else:
            yield Finding("admission", "refuse", f"the API server would refuse a write of this release: {error.told}", HINT)
    except (Conflict, Superseded):
        return  # what stands in the way has a finding of its own
    except ClusterError as error:
        if "failed calling webhook" in error.why:  # a write would meet the same
            yield Finding("admission", "refuse", f"the API server would refuse a write of this release: {error.told}", HINT)
            return
        yield Finding("rehearsal", "warn", f"not every write could be rehearsed: {error.told}")
    else:
        yield from judge(answer) if answer is not None else ()


def differences(sent: Any, answered: Any) -> str:
    """The fields that are not as they were sent, with what they are: `spec.containers[web].image web:1.1.0@sha256:...`."""
    found = list(_differences("", sent, answered))
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return ", ".join(found[:MOST]) + more


def _differences(path: str, sent: Any, answered: Any) -> Iterator[str]:
    if sent == answered:
        return
    if isinstance(answered, dict) and isinstance(sent, (dict, NoneType)):
        old = sent or {}
        for key in sorted({*old, *answered}):
            yield from _differences(f"{path}.{key}" if path else key, old.get(key), answered.get(key))
    elif _named(answered) and (sent is None or _named(sent)):
        before, after = ({one["name"]: one for one in side or ()} for side in (sent, answered))
        for name in sorted({*before, *after}):
            if name in before and name in after:
                yield from _differences(f"{path}[{name}]", before[name], after[name])
            else:
                yield f"{path}[{name}] {'added' if name in after else 'removed'}"
    elif answered is None:
        yield f"{path} removed"
    else:
        yield f"{path} {answered}" if isinstance(answered, (str, int, float)) else f"{path} {'added' if sent is None else 'changed'}"


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "name" in one for one in value)
