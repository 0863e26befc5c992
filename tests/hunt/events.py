"""What happens in a story's world. Each runs between two moves of the processes."""

from typing import TYPE_CHECKING, Any

from deliver.model import errors as model
from deliver_sandbox.errors import ApiError
from deliver_sandbox.faults import Fault, conflict, forbidden, too_many, unreachable
from tests.hunt.worlds import Event

if TYPE_CHECKING:
    from tests.hunt.play import Play

STUCK = {
    "unreachable": unreachable(),
    "lost answer": unreachable("the answer was lost"),
    "busy": too_many,
    "conflict": conflict,
    "forbidden": forbidden,
}


def happen(play: "Play", event: Event) -> None:
    """A stranger whose object is not there does nothing."""
    try:
        globals()[f"_{event.kind.replace(' ', '_')}"](play, *event.args)
    except (ApiError, model.ClusterError):
        return


# ---------------------------------------------------------------- ours


def _kill(play: "Play", calls: int, after: bool, verb: str, delay: float, skew: float) -> None:
    play.kill(calls, after, verb, delay, skew)


def _operator(play: "Play", verb: str, skew: float) -> None:
    play.process(verb, 0.0, skew)


def _second(play: "Play", image: str, after: float) -> None:
    from tests.hunt.play import NEW, OTHER

    play.process("run", after, 0.0, NEW if image == "good" else OTHER)


def _in_finish(play: "Play", verb: str, after: float) -> None:
    """So long after the Deployment began to roll to the new version, somebody takes it back, or its driver dies and the next one does."""

    def begun(course: str, intent: str) -> None:
        if course == "finish" and intent == "update-stable" and begun in play.referee.on_intent:
            play.referee.on_intent.remove(begun)
            play.clock.after(after, lambda: play.kill(1, False, "rollback", 5.0, 0.0) if verb == "kill" else play.process(verb))

    play.referee.on_intent.append(begun)


def _verdict(play: "Play", verdict: str, seconds: float, delay: float) -> None:
    now = play.clock.now()
    play.verdicts.append((now, now + seconds, verdict, delay))


def _jump(play: "Play", seconds: float) -> None:
    """The machine's wall clock is set. A process counts on from where it began (engine/runtime/clock.py): only later ones see it."""
    play.wall += seconds


def _sleep(play: "Play", seconds: float) -> None:
    """The driver stands still, wherever it waits at that moment; its lock may lapse meanwhile."""
    victim = play.live()
    if victim is None or victim is play.stage.current:
        return
    victim.frozen, victim.due = True, max(victim.due, play.clock.now() + seconds)
    play.referee.blurred = max(play.referee.blurred, play.clock.now() + seconds + 1.0)
    play.clock.after(seconds, lambda: setattr(victim, "frozen", False))


# ---------------------------------------------------------------- the API server


def _fault(play: "Play", what: str, verb: str, kind: str, chance: float, seconds: float, slow: float) -> None:
    now = play.clock.now()
    lost = what == "lost answer"
    struck = Fault(STUCK[what], verb=verb, kind=kind, since=now, until=now + seconds, applied=lost, seconds=slow)
    struck.when = lambda call: play.random.random() < chance
    if what == "conflict":
        struck.verb = "write"
    play.script.add(struck)


def _freeze(play: "Play", seconds: float) -> None:
    feeds = [feed for cluster in play.clusters for feed in cluster.feeds]
    play.referee.blurred = play.clock.now() + seconds + 1.0
    for feed in feeds:
        feed.freeze()
        play.clock.after(seconds, feed.thaw)


def _lag(play: "Play", seconds: float) -> None:
    feeds = [feed for cluster in play.clusters for feed in cluster.feeds]
    play.referee.blurred = play.clock.now() + seconds + 1.0
    for feed in feeds:
        feed._lag = 0.8
        play.clock.after(seconds, lambda feed=feed: setattr(feed, "_lag", 0.005))  # type: ignore[misc]


# ---------------------------------------------------------------- pods and nodes


def _chosen(play: "Play", number: int) -> Any:
    pods = play.referee.pods()
    return pods[number % len(pods)] if pods else None


def _evict(play: "Play", number: int, count: int) -> None:
    for n in range(count):
        if pod := _chosen(play, number + n):
            play.world.api.delete("pods", "shop", pod["metadata"]["name"])


def _drain(play: "Play", number: int, seconds: float) -> None:
    name = f"node-{number + 1}"
    play.world.api.patch("nodes", "", name, {"spec": {"unschedulable": True}})
    for pod in [pod for pod in play.referee.pods() if pod["spec"].get("nodeName") == name]:
        play.world.api.delete("pods", "shop", pod["metadata"]["name"])
    play.clock.after(seconds, lambda: play.world.api.patch("nodes", "", name, {"spec": {"unschedulable": None}}))


def _no_room(play: "Play", seconds: float) -> None:
    """Every node is full for so long: pods that run stay, and no other one starts."""
    for name in ("node-1", "node-2"):
        play.world.api.patch("nodes", "", name, {"spec": {"unschedulable": True}})
        play.clock.after(seconds, lambda name=name: play.world.api.patch("nodes", "", name, {"spec": {"unschedulable": None}}))  # type: ignore[misc]


def _no_quota(play: "Play", seconds: float) -> None:
    """Somebody else uses the namespace's pods up for so long."""
    name = f"quota-{play.clock.now():.0f}"
    body = {"metadata": {"name": name}, "spec": {"hard": {"pods": str(len(play.referee.pods()))}}}
    play.world.api.create("resourcequotas", "shop", body)
    play.clock.after(seconds, lambda: play.world.api.delete("resourcequotas", "shop", name))


def _pod_crash(play: "Play", number: int, seconds: float) -> None:
    if pod := _chosen(play, number):
        name = pod["metadata"]["name"]
        play.world.kubelet.change(name, crash=0.05)
        play.clock.after(seconds, lambda: play.world.kubelet.change(name, crash=0.0))


def _pod_unready(play: "Play", number: int, seconds: float) -> None:
    if pod := _chosen(play, number):
        name = pod["metadata"]["name"]
        play.world.kubelet.change(name, ready=False)
        play.clock.after(seconds, lambda: play.world.kubelet.change(name, ready=True))


def _load(play: "Play", factor: float) -> None:
    if play.story.start.hpa:
        play.world.load["shop", "web"] = play.story.start.replicas * factor


# ---------------------------------------------------------------- the flag system


def _flag_down(play: "Play", seconds: float) -> None:
    play.flags.fails = model.Unreachable("the flag system does not answer")
    play.clock.after(seconds, lambda: setattr(play.flags, "fails", None))


def _flag_slow(play: "Play", seconds: float) -> None:
    """What is written does not get to the instances."""
    play.flags.arrives = lambda percent: False
    play.clock.after(seconds, lambda: setattr(play.flags, "arrives", lambda percent: True))


def _flag_lost(play: "Play") -> None:
    play.flags.loses_answers = True


def _flag_edit(play: "Play", percent: float | None) -> None:
    play.flags.edit(percent)


def _flag_switch(play: "Play", on: bool) -> None:
    play.flags.touch(on=on)


def _flag_rule(play: "Play", rules: str) -> None:
    play.flags.touch(rules=rules)


def _flag_note(play: "Play", note: str) -> None:
    play.flags.touch(note=note)


def _flag_removed(play: "Play") -> None:
    play.flags.touch(there=False)


# ---------------------------------------------------------------- strangers


def _touched(play: "Play", kind: str, name: str) -> None:
    play.referee.foreign[kind, name] = play.clock.now()


def _set_image(play: "Play", image: str) -> None:
    from tests.hunt.play import OLD, OTHER

    _touched(play, "deployments", "web")
    theirs = OTHER if image == "good2" else OLD
    play.referee.users.asked.add(theirs)
    play.rig.set_image("web", theirs)


def _scale(play: "Play", count: int) -> None:
    _touched(play, "deployments", "web")
    play.rig.edit("deployments", "web", {"spec": {"replicas": count}})


def _unpause(play: "Play") -> None:
    _touched(play, "deployments", "web")
    play.rig.edit("deployments", "web", {"spec": {"paused": None}})


def _restart(play: "Play") -> None:
    """`kubectl rollout restart`."""
    _touched(play, "deployments", "web")
    stamp = {"kubectl.kubernetes.io/restartedAt": str(play.clock.now())}
    play.rig.edit("deployments", "web", {"spec": {"template": {"metadata": {"annotations": stamp}}}})


def _edit_selector(play: "Play") -> None:
    _touched(play, "services", "web")
    play.rig.edit("services", "web", {"spec": {"selector": {"app": "web", "tier": "front"}}})


def _delete_service(play: "Play") -> None:
    _touched(play, "services", "web")
    play.rig.remove("services", "web")


def _delete_candidate(play: "Play") -> None:
    _touched(play, "deployments", "web-candidate")
    play.rig.remove("deployments", "web-candidate")


def _revert_selector(play: "Play", every: float, seconds: float) -> None:
    """A GitOps controller's replace: our pin goes."""

    def revert() -> None:
        service = play.world.store.get("services", "shop", "web")
        if service and service["spec"]["selector"] != {"app": "web"}:
            _touched(play, "services", "web")
            gone = dict.fromkeys(key for key in service["spec"]["selector"] if key != "app")
            play.rig.edit("services", "web", {"spec": {"selector": gone}}, "argocd")

    _repeat(play, every, seconds, revert)


def _revert_template(play: "Play", every: float, seconds: float) -> None:
    """A GitOps controller's replace: hold, size and template as in its manifest."""
    from tests.hunt.play import OLD

    def revert() -> None:
        deployment = play.world.store.get("deployments", "shop", "web")
        if deployment is None:
            return
        _touched(play, "deployments", "web")
        size = {} if play.story.start.hpa else {"replicas": play.story.start.replicas}
        play.rig.edit("deployments", "web", {"spec": {"paused": None, **size}}, "argocd")
        if deployment["spec"]["template"]["spec"]["containers"][0]["image"] != OLD:
            play.rig.set_image("web", OLD)

    _repeat(play, every, seconds, revert)


def _repeat(play: "Play", every: float, seconds: float, call: Any) -> None:
    end = play.clock.now() + seconds

    def again() -> None:
        call()
        if play.clock.now() + every <= end:
            play.clock.after(every, again)

    again()
