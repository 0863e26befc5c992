"""What the Services show of a route change (written, switched, verified), and which side has pods that can take traffic."""

from deliver.engine.core.decision import Decision, wait
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import ArmSeen, Observation
from deliver.model.plan import Exposure, Side
from deliver.model.release import Direction, Release, RouteChange

SECOND_LOOK = 1.0  # a shift is verified when EndpointSlices agree twice, this many seconds apart (design.md section 5)


def follow_route_change(release: Release, seen: Observation, now: float, wanted: Exposure) -> Release:
    """Keep the three facts of a route change that the Services show already: written, switched, verified."""
    shift = release.shift
    if shift is None or shift.exposure != wanted:
        shift = RouteChange(wanted.side, wanted.hash, written=now, weight=wanted.weight)
    if not (seen.route.agreed and seen.route.shows(wanted)):
        return replace(release, shift=replace(shift, switched=0.0, verified=0.0) if not shift.verified else shift)
    if not shift.switched:
        return replace(release, shift=replace(shift, switched=now))
    if not shift.verified and now - shift.switched >= SECOND_LOOK:
        verified = replace(release, shift=replace(shift, verified=now))
        rolled = release.course is Direction.PROMOTING and wanted.side is Side.STABLE  # the named Deployment runs the new version by now
        event = Event.TAKEOVER_VERIFIED if rolled else Event.TRAFFIC_VERIFIED
        numbers = ready_endpoints(seen) | ({} if wanted.weight is None else {"weight": wanted.weight})
        return verified.noted(now, event, subject=wanted.side.value, numbers=numbers)
    return replace(release, shift=shift)


def ensure_verified(release: Release, seen: Observation, now: float, wanted: Exposure) -> Decision | None:
    """None once the traffic is seen to go where it is wanted, twice; until then, when to look again."""
    after = follow_route_change(release, seen, now, wanted)
    shift = after.shift
    assert shift is not None  # follow_route_change() has set it
    if after is not release and after != release:
        return Decision(after, None, now if shift.verified else (shift.switched or now) + SECOND_LOOK)
    if not shift.verified:
        return wait(after, now, (shift.switched or now) + SECOND_LOOK)
    return None


def has_capacity(ready: int, release: Release, seen: Observation) -> bool:
    """Half of its size is enough to take users from a bad version; any pod at all when the candidate has none.

    Waiting for the last pods of a side that lost some would break rule 3; an empty side would break rule 1. The Deployment's own pods
    of the new version are another side too.
    """
    if ready == 0:
        return False
    return release.is_enough_for(ready) or not ready_elsewhere(release, seen)


def ready_elsewhere(release: Release, seen: Observation) -> int:
    """Ready pods that are not of the version of before."""
    return sum(pod.ready for arm in (seen.stable, seen.candidate) if arm for pod in arm.pods if pod.hash != release.snapshot.hash)


def serves_nobody(stable: ArmSeen, seen: Observation) -> bool:
    """The traffic, or a weight's part of it, goes to a version without a ready pod, and there is one of another."""
    able = {pod.hash for arm in (stable, seen.candidate) if arm for pod in arm.pods if pod.ready}
    if seen.route.side is Side.BOTH and seen.route.weight is not None:
        return bool(able) and empty_behind_weight(seen) != ""
    return bool(seen.route.pinned and able) and seen.route.pinned not in able


def empty_behind_weight(seen: Observation) -> str:
    """The side without a ready pod that a router's weight would send requests to, "" for none: no router falls back to the other one."""
    sides = {"stable side": seen.stable, "candidate": seen.candidate}
    return next((name for name, arm in sides.items() if arm is None or not any(pod.ready for pod in arm.pods)), "")


def verified_at(release: Release) -> float:
    """When the last shift was verified, unix seconds; 0 when it was not."""
    return release.shift.verified if release.shift else 0.0


def moves_to(release: Release, wanted: Exposure, since: float) -> int:
    """How often the traffic was led there, whichever pods were meant, at that time or later."""
    return len(journal.done(release.journal, Verb.ROUTE, since, side=wanted.side, weight=wanted.weight))


def ready_endpoints(seen: Observation) -> dict[str, float]:
    """candidate: those of the new version, whoever made its pods. total: all of them."""
    route = seen.route
    return {"candidate": route.candidate, "total": route.stable + route.candidate + route.other}
