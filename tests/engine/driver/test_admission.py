"""What the API server answers to a write of ours is what we wrote: admission may add to a pod template, and a policy may refuse it."""

from collections.abc import Callable
from typing import Any

import pytest

from deliver.engine.preflight import rehearsal
from deliver.model.errors import GateRefused, Rejected
from deliver.model.release import Outcome
from deliver.model.spec import Limits, ReleaseSpec
from deliver.model.verdict import Verdict
from deliver_sandbox import defaults
from deliver_sandbox.errors import ApiError
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.interrupted import finishing
from tests.engine.invariants import watched
from tests.engine.rig import GOOD, TARGET, Rig, in_step, steps

Object = dict[str, Any]
DIGEST = "@sha256:" + "ab" * 32


def digest(spec: Object) -> None:
    for one in spec["containers"]:
        if "@" not in one["image"] and not one["image"].endswith(":1.0.0"):
            one["image"] += DIGEST


def annotation(spec: Object) -> None:
    """Of the pod template: see `mutating`."""


def environment(spec: Object) -> None:
    for one in spec["containers"]:
        if not one["image"].endswith(":1.0.0") and all(env["name"] != "REGION" for env in one.setdefault("env", [])):
            one["env"].append({"name": "REGION", "value": "eu"})


def sidecar(spec: Object) -> None:
    new = not spec["containers"][0]["image"].endswith(":1.0.0")
    if new and all(one["name"] != "mesh" for one in spec["containers"]):
        spec["containers"].append({"name": "mesh", "image": "registry/web:1.0.0"})


def mirror(spec: Object) -> None:
    for one in spec["containers"]:
        if one["image"] == GOOD:
            one["image"] = f"mirror.example/{GOOD}"


MUTATIONS = (digest, annotation, environment, sidecar, mirror)


def mutating(rig: Rig, change: Callable[[Object], None]) -> None:
    """A webhook of Deployments that adds to what a new version's template has, as it does to everybody's."""

    def admit(kind: str, new: Object, old: Object | None) -> None:
        if kind != "deployments":
            return
        template = new["spec"]["template"]
        change(template["spec"])
        if change is annotation and not template["spec"]["containers"][0]["image"].endswith(":1.0.0"):
            template["metadata"].setdefault("annotations", {})["policy.example/checked"] = "yes"
        defaults.fill(kind, new)  # as the API server does after admission

    rig.world.api.admission.append(admit)


@pytest.mark.parametrize("strategy", ["canary", "blue-green"])
@pytest.mark.parametrize("change", MUTATIONS)
def test_a_version_that_admission_adds_to_is_promoted_and_each_write_is_made_once(change: Callable[[Object], None], strategy: str):
    rig = Rig.make()
    mutating(rig, change)
    dog = None if change is mirror else watched(rig)  # the referee knows a version by its image
    green = ReleaseSpec(TARGET, GOOD, "blue-green", {"bake": "30s", "hold": "20s"}, limits=Limits(drain=10.0))
    release = rig.run(rig.spec() if strategy == "canary" else green)
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert steps(release).count("update-stable") == 1
    assert rig.world.traffic.tally.lost() == 0
    if dog:
        dog.check(release)


@pytest.mark.parametrize("change", MUTATIONS)
@pytest.mark.parametrize("where", [in_step(2), finishing], ids=["step 2", "finishing"])
def test_it_is_taken_back_to_what_stood_before(change: Callable[[Object], None], where: Any):
    rig = Rig.make()
    mutating(rig, change)
    before = rig.before()
    rig.when(where, lambda: rig.ask("abort"))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert rig.world.traffic.tally.lost() == 0


@pytest.mark.parametrize("verb", ["resume", "rollback"])
@pytest.mark.parametrize(("write", "kind"), [("create", "deployments"), ("patch", "deployments")])
def test_a_driver_that_died_before_it_saw_the_answer_leaves_nothing_that_is_taken_for_an_edit(write: str, kind: str, verb: str):
    rig = Rig.make()
    mutating(rig, digest)
    before = rig.before()
    wanted = (lambda call: True) if write == "create" else (lambda call: "template" in str(call.body))
    rig.world.cluster.script.add(Fault(killed, verb=write, kind=kind, applied=True, when=wanted))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    release = rig.verb(verb)
    if verb == "resume":
        assert release.outcome is Outcome.PROMOTED, release.reason
    else:
        assert release.outcome is Outcome.ROLLED_BACK
        assert rig.before() == before


def test_what_somebody_makes_of_the_candidate_afterwards_is_an_edit():
    rig = Rig.make()
    mutating(rig, digest)
    container = {"name": "web", "env": [{"name": "X", "value": "1"}]}

    def edit() -> None:
        found = rig.get("deployments", "web-candidate")["spec"]["template"]["spec"]["containers"][0]
        rig.edit("deployments", "web-candidate", {"spec": {"template": {"spec": {"containers": [{**found, **container}]}}}}, "kubectl-set")

    rig.when(in_step(1), edit)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason.startswith("the candidate's pod template was changed by kubectl-set at ")


def test_an_edit_that_our_next_write_comes_after_is_an_edit_all_the_same():
    """The API server says then that the template was changed last by us."""
    rig = Rig.make()

    def edit() -> None:
        found = rig.get("deployments", "web-candidate")["spec"]["template"]["spec"]["containers"][0]
        changed = {**found, "env": [{"name": "X", "value": "1"}]}
        rig.edit("deployments", "web-candidate", {"spec": {"template": {"spec": {"containers": [changed]}}}}, "deliver")

    rig.when(in_step(1), edit)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason == "the candidate's pod template was changed by somebody"


def test_a_rollback_after_the_promotion_writes_the_old_template_once():
    rig = Rig.make()
    mutating(rig, digest)
    rig.run()
    rig.world.clock.wait(30)
    rig.run(rig.spec("registry/web:1.2.0"))
    rig.world.clock.wait(30)
    release = rig.verb("rollback", to="1")
    assert release.outcome is Outcome.ROLLED_BACK
    assert steps(release).count("restore-stable") == 1
    assert rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"] == GOOD + DIGEST


# ---------------------------------------------------------------- refusals


def denying(rig: Rig, kinds: tuple[str, ...], words: str, when: Callable[[Object], bool] = lambda new: True) -> None:
    def admit(kind: str, new: Object, old: Object | None) -> None:
        if kind in kinds and when(new):
            raise ApiError(403, "Forbidden", words)

    rig.world.api.admission.append(admit)


WORDS = 'admission webhook "team.acme.dev" denied the request: every Deployment wants a label `team` (ask #platform)'


@pytest.mark.parametrize("kinds", [("deployments",), ("services",)])
def test_what_a_policy_refuses_is_refused_in_its_words_before_anything_is_written(kinds: tuple[str, ...]):
    rig = Rig.make()
    before, calls = rig.before(), len(rig.world.cluster.calls)
    denying(rig, kinds, WORDS)
    with pytest.raises(GateRefused) as refused:
        rig.run()
    assert WORDS in refused.value.what
    assert not [call for call in rig.world.cluster.calls[calls:] if call.changed]
    assert rig.before() == before


def test_the_candidate_has_the_labels_that_a_policy_wants_and_none_by_which_others_claim_it():
    rig = Rig.make()
    labels = {"team": "shop", "app.kubernetes.io/instance": "shop", "helm.sh/chart": "web-1.0"}
    rig.edit("deployments", "web", {"metadata": {"labels": labels}})
    denying(rig, ("deployments",), WORDS, lambda new: (new["metadata"].get("labels") or {}).get("team") != "shop")
    made: list[Object] = []
    rig.world.store.listen(lambda change: made.append(change.obj) if change.name == "web-candidate" else None)
    assert rig.run().outcome is Outcome.PROMOTED
    assert made[0]["metadata"]["labels"] == {
        "app": "web",
        "team": "shop",
        "app.kubernetes.io/managed-by": "deliver",
        "deliver.dev/release": "web-20260105-1",
    }


def test_admission_that_changes_what_stands_at_every_write_is_refused():
    """A rollback could not put back what stands: the pods of before would be others."""
    rig = Rig.make()

    def admit(kind: str, new: Object, old: Object | None) -> None:
        if kind == "deployments":
            new["spec"]["template"]["metadata"].setdefault("annotations", {})["policy.example/new"] = "yes"

    rig.world.api.admission.append(admit)
    before = rig.before()
    with pytest.raises(GateRefused) as refused:
        rig.run()
    assert "admission changes the pod template of web at every write" in refused.value.what
    assert "metadata.annotations.policy.example/new" in refused.value.what
    assert "kubectl rollout restart deployment/web -n shop" in refused.value.hint
    assert rig.before() == before


@pytest.mark.parametrize(("where", "ends"), [(in_step(2), Outcome.ROLLED_BACK), (finishing, Outcome.HELD)], ids=["step 2", "finishing"])
def test_a_policy_that_comes_while_the_release_runs_is_told_in_its_own_words(where: Any, ends: Outcome):
    """In the finish all users have the new version, and it is whole: it is held, not taken back."""
    rig = Rig.make()
    kinds = ("deployments",) if ends is Outcome.HELD else ("services",)
    forward = lambda new: rig.record().course != "back"  # noqa: E731
    rig.when(where, lambda: denying(rig, kinds, WORDS, forward))
    if ends is Outcome.ROLLED_BACK:
        rig.judge.verdict = lambda now: Verdict.PASS
    release = rig.run()
    assert release.outcome is ends, release.reason
    assert WORDS in release.reason
    assert "not permitted" not in release.reason


def test_a_webhook_without_dry_run_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch):
    rig = Rig.make()

    def refuse(*args: Any, **more: Any) -> Any:
        raise Rejected("cannot create", status=400, why='admission webhook "old.acme.dev" does not support dry run')

    monkeypatch.setattr(rehearsal.GuardedWriter, "create", refuse)
    proposal = rig.propose()
    assert [one.message for one in proposal.findings if one.rule == "rehearsal"] == [
        'not every write could be rehearsed: admission webhook "old.acme.dev" does not support dry run'
    ]
    assert not proposal.refusals("refuse")
