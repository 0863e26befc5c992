"""What is said of a release that moves traffic from pods to pods, where one of a flag says something else."""

from typing import Any

from deliver.model.observation import Observation
from deliver.model.plan import Side
from deliver.model.release import Direction, Outcome, Phase, Release
from deliver.render.style import Style
from deliver.render.words import Words
from deliver.text.formats import NONE, clock, count, finite, image_change, percent, share_observed, short_image
from deliver.text.sanitize import clean, markdown

View = dict[str, Any]
MEANING = {
    Outcome.PROMOTED: "all traffic is on the new version",
    Outcome.ROLLED_BACK: "all traffic is back on the stable version",
    Outcome.HELD: "nothing more happens until a person decides",
    Outcome.ROLLBACK_FAILED: "traffic may still reach the candidate: page someone",
}


def meaning(release: Release, seen: Observation | None) -> str:
    assert release.outcome is not None  # an end has one
    if release.reverts and release.outcome is Outcome.ROLLED_BACK:
        return "the version of before runs again and has all the traffic"
    return MEANING[release.outcome]


def image_of(release: Release) -> dict[str, str]:
    old, new = release.snapshot.image, release.spec.image
    return {"from": new, "to": old} if release.reverts else {"from": old, "to": new}


def change(view: View, style: Style) -> str:
    old, new = image_change(view["image"]["from"], view["image"]["to"])
    return f"`{old}` {style.symbol('arrow')} `{new}`"


def waiting_for(release: Release, seen: Observation | None) -> str:
    candidate = seen.candidate if seen else None
    pods = f": {candidate.ready}/{candidate.desired} ready" if candidate else ""
    if release.course is Direction.ROLLING_BACK:
        return "the rollback to be verified and the candidate to be gone"
    if release.phase is Phase.PREPARING:
        return f"candidate pods{pods}"
    if release.phase is Phase.SHIFTING:
        detail = f": {clean(seen.route.detail)}" if seen and seen.route.detail else ""
        return f"traffic to move to {clean(release.current.name)}{detail or pods}"
    return ""


def traffic(view: View) -> str:
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
    doubt = "" if route["agreed"] else ", EndpointSlices do not agree yet"
    return f"traffic: new version has {percent(share['endpoints'])} of {count(sum(ends.values()), 'ready endpoint')}{requests}{doubt}"


def share(release: Release, seen: Observation) -> float | None:
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


def planned(number: int, step: View) -> tuple[str, ...]:
    return (
        str(number) if step["name"].endswith("%") else f"{number} {step['name']}",
        percent(step["weight"]),
        percent(step["endpoints"]),
        str(step["candidate_pods"]),
        str(step["stable_pods"]),
        f"{step['side']}, preview to candidate" if step["preview"] else step["side"],
    )


def by_weight(view: View) -> bool:
    return bool(view["route"]) and view["route"]["side"] == "both" and "weight" in view["route"]


PODS = Words(
    changed="image",
    measure="by endpoints",
    shifting="shifting to",
    exposed="candidate has {} of endpoints",
    never_exposed="the candidate never had traffic",
    undo_notes="the Services' annotations and the ReplicaSets",
    step_pods="{candidate_pods} + {stable_pods}",
    step_pods_title="candidate + stable",
    planned_titles=("step", "wanted", "real", "candidate pods", "stable pods", "traffic to"),
    planned_right=(1, 2, 3, 4, 6),
    planned=planned,
    services=lambda view: [f"  services: {', '.join(view['target']['services']) or NONE}"],
    released=lambda release, arrow: f" {arrow} ".join(image_change(*image_of(release).values())),
    released_short=lambda release: short_image(clean(release.spec.image), 48),
    released_markdown=lambda view: f"{markdown(view['image']['from'])} → {markdown(view['image']['to'])}",
    change=change,
    reverted=lambda release: f"back from {release.spec.image} to {release.snapshot.image}",
    meaning=meaning,
    waiting_for=waiting_for,
    arms=lambda release: {"stable": "stable"} if release.reverts else {"stable": "stable", "candidate": "candidate"},
    traffic=traffic,
    share=share,
    measured_by=lambda view: "by weight" if by_weight(view) else "by endpoints",
    traffic_off=lambda reason: "traffic is off the new version",
    off_since=lambda view, at: f"no new connection reaches the new version since {clock(at)} UTC, by the EndpointSlices",
)
