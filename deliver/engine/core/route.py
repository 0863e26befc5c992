"""What the Services show of a route change (written, switched, verified), and which side has pods that can take traffic."""

from deliver.engine.core.decision import Decision, wait
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import ArmSeen, Observation
from deliver.model.plan import Side
from deliver.model.release import Direction, Release, RouteChange

SECOND_LOOK = 1.0  # a shift is verified when EndpointSlices agree twice, this many seconds apart (design.md section 5)


def follow_route_change(release: Release, seen: Observation, now: float, side: Side, hash: str) -> Release:
    """Keep the three facts of a route change that the Services show already: written, switched, verified."""
    shift = release.shift
    if shift is None or shift.side is not side or shift.hash != hash:
        shift = RouteChange(side=side, hash=hash, written=now)
    if not seen.route.agreed:
        return replace(release, shift=replace(shift, switched=0.0, verified=0.0) if not shift.verified else shift)
    if not shift.switched:
        return replace(release, shift=replace(shift, switched=now))
    if not shift.verified and now - shift.switched >= SECOND_LOOK:
        verified = replace(release, shift=replace(shift, verified=now))
        rolled = release.course is Direction.PROMOTING and side is Side.STABLE  # the named Deployment runs the new version by now
        event = Event.TAKEOVER_VERIFIED if rolled else Event.TRAFFIC_VERIFIED
        return verified.noted(now, event, subject=side.value, numbers=ready_endpoints(seen))
    return replace(release, shift=shift)


def ensure_verified(release: Release, seen: Observation, now: float, side: Side, hash: str) -> Decision | None:
    """None once the Services are seen to lead to that side, twice; until then, when to look again."""
    after = follow_route_change(release, seen, now, side, hash)
    shift = after.shift
    assert shift is not None  # shifted() has set it
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
    """The Services are pinned to a version without a ready pod, and there is one of another: of the candidate, or of the Deployment."""
    able = {pod.hash for arm in (stable, seen.candidate) if arm for pod in arm.pods if pod.ready}
    return bool(seen.route.pinned and able) and seen.route.pinned not in able


def verified_at(release: Release) -> float:
    """When the last shift was verified, unix seconds; 0 when it was not."""
    return release.shift.verified if release.shift else 0.0


def ready_endpoints(seen: Observation) -> dict[str, float]:
    """candidate: those of the new version, whoever made its pods. total: all of them."""
    route = seen.route
    return {"candidate": route.candidate, "total": route.stable + route.candidate + route.other}
