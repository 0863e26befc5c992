"""For anything that can be seen, on any course: no decision sends users to a side without a ready pod (design.md rule 1)."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from deliver.engine.core.decide import decide
from deliver.model.action import Verb
from deliver.model.observation import ArmSeen, Observation, PodSeen, RouteSeen
from deliver.model.plan import Side
from deliver.model.release import Direction, Phase, Release, RouteChange
from tests.engine.rig import Rig

BEGUN: Release = Rig.make().propose().release
HOME, NEW, CANDIDATE = BEGUN.snapshot.hash, "newhash", "candhash"


@st.composite
def arms(draw: st.DrawFn, hash: str, uid: str, name: str) -> ArmSeen:
    pods = tuple(
        PodSeen(f"{name}-{n}", f"{name}-{n}", ready=draw(st.booleans()), hash=draw(st.sampled_from([hash, hash, NEW])))
        for n in range(draw(st.integers(0, 4)))
    )
    template = draw(st.sampled_from([BEGUN.snapshot.digest, "other"]))
    return ArmSeen(
        name,
        uid,
        image=BEGUN.spec.image,
        hash=draw(st.sampled_from([hash, NEW, ""])),
        template=template,
        desired=draw(st.integers(0, 5)),
        paused=draw(st.booleans()),
        settled=draw(st.booleans()),
        pods=pods,
    )


@st.composite
def seen(draw: st.DrawFn) -> Observation:
    route = RouteSeen(
        side=draw(st.sampled_from([*Side, None])),
        pinned=draw(st.sampled_from(["", HOME, CANDIDATE, NEW])),
        agreed=draw(st.booleans()),
        marked=draw(st.booleans()),
    )
    candidate = draw(st.none() | arms(CANDIDATE, "c", "web-candidate"))
    return Observation(
        at=1000.0, stable=draw(arms(HOME, BEGUN.snapshot.uid, "web")), candidate=candidate, route=route, strays=draw(st.integers(0, 1))
    )


@st.composite
def releases(draw: st.DrawFn) -> Release:
    course = draw(st.sampled_from(list(Direction)))
    phase = {Direction.PROGRESSING: Phase.BAKING, Direction.PROMOTING: Phase.FINISHING, Direction.ROLLING_BACK: Phase.ROLLING_BACK}[course]
    shift = draw(
        st.none()
        | st.builds(
            RouteChange,
            side=st.sampled_from(list(Side)),
            hash=st.sampled_from(["", HOME, CANDIDATE]),
            written=st.just(900.0),
            switched=st.just(900.0),
            verified=st.sampled_from([0.0, 901.0]),
        )
    )
    return replace(
        BEGUN,
        course=course,
        phase=phase,
        step=draw(st.integers(0, 2)),
        started=800.0,
        since=draw(st.sampled_from([500.0, 990.0])),
        shift=shift,
        candidate_hash=draw(st.sampled_from(["", CANDIDATE])),
        new_hash=draw(st.sampled_from(["", NEW])),
        exposed=draw(st.booleans()),
        reason="x",
    )


@settings(max_examples=600, deadline=None)
@given(releases(), seen())
def test_no_route_leads_to_a_side_without_a_ready_pod(release: Release, look: Observation):
    decision = decide(release, look, 1000.0)
    action = decision.action
    if action is None or action.verb is not Verb.ROUTE or look.stable is None:
        return
    pods = [*look.stable.pods, *(look.candidate.pods if look.candidate else ())]
    hash = action.exposure.hash if action.exposure else ""
    chosen = [pod for pod in pods if not hash or pod.hash == hash]
    if any(pod.ready for pod in pods):
        assert any(pod.ready for pod in chosen), f"{action} with {pods}"


@settings(max_examples=300, deadline=None)
@given(releases(), seen())
def test_whatever_is_decided_there_is_another_look_within_five_seconds(release: Release, look: Observation):
    """Watches may be silent; nothing waits for longer than this."""
    assert 1000.0 <= decide(release, look, 1000.0).wake_at <= 1005.0
