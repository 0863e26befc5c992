"""Pods that run what is being taken back, whoever made them: while one of them lives, the original selectors would lead to it."""

from collections.abc import Sequence

from deliver.cluster.pods import is_leaving, is_ready
from deliver.engine.runtime.pod_facts import images, seconds
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.names import HASH, RELEASE_LABEL
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen
from deliver.model.release import Direction, Release

SLACK = 2.0  # seconds: its time is a whole second's, and the node needs a moment to say that it has gone


def remaining_pods(release: Release, stable: ArmSeen | None, pods: Sequence[Object], now: float) -> tuple[tuple[str, ...], int]:
    """(names of those that are there to stay, how many on their way out may still answer), of a release that goes back.

    Of the Deployment itself every pod of another template counts: after the rollback it has none. A candidate's that are there to stay
    are its arm's, or strays.
    """
    if release.course is not Direction.ROLLING_BACK or not release.snapshot.services:
        return (), 0
    own = {pod.uid for pod in stable.living if pod.hash != release.snapshot.hash} if stable else set()
    found = [pod for pod in pods if _matched(release, pod) and (pod["metadata"]["uid"] in own or _runs(release, pod))]
    asked = _asked_to_go(release)
    going = sum(is_ready(pod) or now < _gone_by(pod, asked) for pod in found if is_leaving(pod) and not _over(pod))
    staying = sorted(pod["metadata"]["name"] for pod in found if not is_leaving(pod) and not _labelled(pod) and not _over(pod))
    return tuple(staying), going


def _matched(release: Release, pod: Object) -> bool:
    """One of the original selectors would lead to it."""
    labels = pod["metadata"].get("labels") or {}
    return any(service.selector.items() <= labels.items() for service in release.snapshot.services)


def _runs(release: Release, pod: Object) -> bool:
    return _labelled(pod) or release.runs((pod["metadata"].get("labels") or {}).get(HASH, ""), images(pod))


def _labelled(pod: Object) -> bool:
    return RELEASE_LABEL in (pod["metadata"].get("labels") or {})


def _over(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _gone_by(pod: Object, asked: float) -> float:
    """Until when its node may let it end what it has begun, ready or not: on connections that are open. Unix seconds.

    By the API server's clock, and by ours since `asked`: of two that are apart, the one that gives it longer.
    """
    meta = pod["metadata"]
    return max(seconds(meta["deletionTimestamp"]), asked + (meta.get("deletionGracePeriodSeconds") or 0)) + SLACK


def _asked_to_go(release: Release) -> float:
    """When this release asked its pods to go, unix seconds: when it turned back, or deleted the candidate."""
    deleted = (entry.at for entry in journal.done(release.journal, Verb.DELETE_CANDIDATE))
    return max([release.since, *deleted])
