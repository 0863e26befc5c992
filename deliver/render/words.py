"""How a release is spoken of where pods and a flag differ. The words of pods are the defaults; flag.py has those of a flag."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.formatting.formats import NONE, clock, count, finite, image_change, percent, share_observed, short_image
from deliver.formatting.sanitize import clean, markdown
from deliver.model import journal
from deliver.model.journal import Event
from deliver.model.observation import Observation
from deliver.model.places import Place, named
from deliver.model.plan import Side
from deliver.model.release import Direction, Outcome, Phase, Release
from deliver.model.verdict import Verdict
from deliver.render.style import Style

View = dict[str, Any]
_MEANING = {
    Outcome.PROMOTED: "all traffic is on the new version",
    Outcome.ROLLED_BACK: "all traffic is back on the stable version",
    Outcome.HELD: "nothing more happens until a person decides",
    Outcome.ROLLBACK_FAILED: "traffic may still reach the candidate: page someone",
}


def _meaning(release: Release, seen: Observation | None) -> str:
    assert release.outcome is not None  # an end has one
    if release.reverts and release.outcome is Outcome.ROLLED_BACK:
        return "all pods of the Deployment run the version of before again"
    if release.outcome is Outcome.ROLLED_BACK and journal.happened(release.journal, Event.UNSERVED, release.resumed):
        return "the version of before runs as it did, but its Services are gone: who came by them reaches nobody"
    return _MEANING[release.outcome]


def image_of(release: Release) -> dict[str, str]:
    old, new = release.snapshot.image, release.spec.image
    return {"from": new, "to": old} if release.reverts else {"from": old, "to": new}


def places_of(release: Release) -> list[View]:
    """Each container that gets the new image, with the image it has before and after the release."""
    before, new = release.snapshot, release.spec.image
    those = before.places or (Place(before.container, before.image),)
    found = [{"container": one.container, "init": one.init, "from": one.image, "to": new} for one in those]
    return [one | {"from": one["to"], "to": one["from"]} for one in found] if release.reverts else found


def in_places(places: Sequence[View]) -> str:
    """` in web and migrate (init)`; nothing where it is one container that serves, which is the usual case."""
    those = [Place(one["container"], "", one["init"]) for one in places]
    return f" in {named(those)}" if len(those) > 1 or any(one.init for one in those) else ""


def _change(view: View, style: Style) -> str:
    old, new = image_change(view["image"]["from"], view["image"]["to"])
    return f"`{old}` {style.symbol('arrow')} `{new}`{in_places(view['places'])}"


def _released(release: Release, arrow: str) -> str:
    return f" {arrow} ".join(image_change(*image_of(release).values())) + in_places(places_of(release))


def _waiting_for(release: Release, seen: Observation | None) -> str:
    candidate = seen.candidate if seen else None
    pods = f": {candidate.ready}/{candidate.desired} ready" if candidate else ""
    if release.course is Direction.ROLLING_BACK:
        return "the rollback to be verified and the candidate to be gone"
    if release.phase is Phase.PREPARING:
        return _missing(release, seen) or f"candidate pods{pods}"
    if release.phase is Phase.SHIFTING:
        detail = f": {clean(seen.route.detail)}" if seen and seen.route.detail else ""
        return f"traffic to move to {clean(release.current.name)}{detail or pods}"
    return ""


def _missing(release: Release, seen: Observation | None) -> str:
    """What else than candidate pods is waited for, once these are there; "" where it is them, or not known."""
    candidate = seen.candidate if seen else None
    if seen is None or candidate is None or not candidate.desired or candidate.ready < candidate.desired:
        return ""
    if seen.stable and seen.stable.ready < seen.stable.desired:
        return f"stable pods: {seen.stable.ready}/{seen.stable.desired} ready"
    checks = [check for check in seen.checks if check.kind == "health"]
    if open_ := next((check for check in checks if check.verdict is not Verdict.PASS), None):
        return f"health check {clean(open_.name)} to pass: {clean(open_.why)}"
    if release.spec.analysis.health and not release.exposed and not checks:
        return f"a first answer to the health checks of the {count(candidate.ready, 'candidate pod')}"
    return ""


def _traffic(view: View) -> str:
    route = view["route"]
    if route is None:
        return "traffic: not read; `deliver status` reads it"
    if route["foreign"]:
        return f"traffic: changed by somebody else, {route['foreign']}"
    if view["strategy"] == "rollback":
        left = percent(view["exposure"]["endpoints"])
        return f"traffic: by the Services' own selectors, {left} of the ready pods run the version withdrawn"
    ends = route["endpoints"]
    if not sum(ends.values()):
        return "traffic: no ready endpoint"
    share = view["exposure"]
    requests = f", {share_observed(share)}" if share["observed"] is not None else ""
    if "weight" in route and route["side"] == "both":
        return f"traffic: the router gives the new version {percent(share['endpoints'])} of the requests{requests}"
    strange = len(route["strangers"])
    among = f", {strange} of them no part of the release" if strange else ""
    doubt = among if route["agreed"] or among else ", EndpointSlices do not agree yet"
    return f"traffic: new version has {percent(share['endpoints'])} of {count(sum(ends.values()), 'ready endpoint')}{requests}{doubt}"


def _share(release: Release, seen: Observation) -> float | None:
    """The new version's share of ready endpoints, from EndpointSlices; of a router that splits by weight: that weight."""
    if release.reverts:
        return _by_pods(release, seen)
    route = seen.route
    if route.side is Side.BOTH and route.weight is not None:
        return finite(route.weight)
    total = route.stable + route.candidate + route.other
    return finite(100.0 * route.candidate / total) if total else None


def _by_pods(release: Release, seen: Observation) -> float | None:
    """A rollback of something promoted leaves the Services alone: they lead to every ready pod of the Deployment."""
    total = sum(pod.ready for pod in seen.stable.pods) if seen.stable else 0
    if seen.stable is None or not total:
        return None
    back = seen.stable.ready if seen.stable.template == release.snapshot.digest else 0
    return finite(100.0 * max(total - back, 0) / total)


def _planned(number: int, step: View) -> tuple[str, ...]:
    return (
        str(number) if step["name"].endswith("%") else f"{number} {step['name']}",
        percent(step["weight"]),
        percent(step["endpoints"]),
        str(step["candidate_pods"]),
        str(step["stable_pods"]),
        f"{step['side']}, preview to candidate" if step["preview"] else step["side"],
    )


def _by_weight(view: View) -> bool:
    return bool(view["route"]) and view["route"]["side"] == "both" and "weight" in view["route"]


def _services(view: View) -> list[str]:
    return [f"  services: {', '.join(view['target']['services']) or NONE}"]


def _released_markdown(view: View) -> str:
    return f"{markdown(view['image']['from'])} → {markdown(view['image']['to'])}{in_places(view['places'])}"


def _arms(release: Release) -> dict[str, str]:
    return {"stable": "stable"} if release.reverts else {"stable": "stable", "candidate": "candidate"}


def _off_since(view: View, at: float) -> str:
    found = view["route"]["strangers"] if view["route"] else []
    besides = ", besides what the pods of others answer" if found else ""
    return f"no new connection reaches the new version since {clock(at)} UTC, by the EndpointSlices{besides}"


@dataclass(frozen=True)
class Words:
    """`{}` in a text is for a share. What takes a view gives clean text, what takes a release alone does not."""

    changed: str = "image"  # what is released
    measure: str = "by endpoints"  # what the real exposure of a step is made of
    shifting: str = "shifting to"
    exposed: str = "candidate has {} of endpoints"
    never_exposed: str = "the candidate never had traffic"
    undo_notes: str = "the Services' annotations and the ReplicaSets"  # what a release is recovered from
    step_pods: str = "{candidate_pods} + {stable_pods}"  # of a step
    step_pods_title: str = "candidate + stable"
    planned_titles: tuple[str, ...] = ("step", "wanted", "real", "candidate pods", "stable pods", "traffic to")
    planned_right: tuple[int, ...] = (1, 2, 3, 4, 6)  # columns of a planned step that are aligned to the right
    planned: Callable[[int, View], tuple[str, ...]] = _planned  # cells of the step of that number
    services: Callable[[View], list[str]] = _services  # lines of a plan
    released: Callable[[Release, str], str] = _released
    released_short: Callable[[Release], str] = lambda release: short_image(clean(release.spec.image), 48)
    released_markdown: Callable[[View], str] = _released_markdown
    change: Callable[[View, Style], str] = _change
    reverted: Callable[[Release], str] = lambda release: f"back from {release.spec.image} to {release.snapshot.image}"
    meaning: Callable[[Release, Observation | None], str] = _meaning  # of its end, to users
    waiting_for: Callable[[Release, Observation | None], str] = _waiting_for  # "" where any release says the same
    arms: Callable[[Release], dict[str, str]] = _arms  # key of the view -> what that arm is called
    traffic: Callable[[View], str] = _traffic
    share: Callable[[Release, Observation], float | None] = _share  # percent that is exposed, as read back; None: not read
    measured_by: Callable[[View], str] = lambda view: "by weight" if _by_weight(view) else "by endpoints"
    traffic_off: Callable[[str], str] = lambda reason: f"traffic is off the new version{f', besides {reason}' if reason else ''}"
    off_since: Callable[[View, float], str] = _off_since


PODS = Words()
