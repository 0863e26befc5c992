"""Golden files: the JSON and the texts of typical releases, byte for byte."""

import json
from dataclasses import replace

from deliver.doctor.line import DoctorLine
from deliver.doctor.text import doctor_text
from deliver.model.journal import Event
from deliver.model.release import Release
from deliver.plugins.interfaces import Finding
from deliver.render.explain import explain_text
from deliver.render.lists import explanation_view, list_view, plan_view, to_json, to_yaml
from deliver.render.plugins import plugins_text
from deliver.render.summary import summary_lines
from deliver.render.text import history_text, plan_text, status_text
from deliver.render.view import release_view
from tests.journalled import intent


class Proposal:
    """As deliver.engine.commands.run.propose answers."""

    def __init__(self, release: Release, findings: tuple[Finding, ...]) -> None:
        self.release, self.findings = release, findings
        self.patches = ("Deployment web: spec.paused true", "create Deployment web-candidate with 1 pod", "Service web: spec.selector ...")
        self.duration = 963.0
        self.worst_exposure = "50 % of requests for 5m, then 100 % for 5m"


FINDINGS = (
    Finding("quota", "refuse", "quota `small` has room for 2 more pods, 4 are needed", "raise the quota"),
    Finding("autoscaler", "warn", "HPA web is held at 4 or more during the release"),
    Finding("metrics", "info", "no metrics are configured: judged by pods alone"),
)


def test_release_json(named_scene, golden):
    name, scene = named_scene
    golden(f"{name}.json", to_json(release_view(scene.release, scene.seen, scene.now)))


def test_summary(named_scene, golden):
    name, scene = named_scene
    golden(f"{name}.summary.txt", "\n".join(summary_lines(scene.release, scene.seen, scene.now)))


def test_status(named_scene, golden):
    name, scene = named_scene
    golden(f"{name}.status.txt", status_text(scene.release, scene.seen, scene.now))


def test_explain(named_scene, golden):
    name, scene = named_scene
    golden(f"{name}.explain.txt", explain_text(scene.release, scene.now))


def test_explain_of_one_step_has_that_step_alone(scene):
    shown = scene("mid-bake")
    release = intent(replace(shown.release, step=1).noted(shown.now, Event.STEP_BEGAN), shown.now, "scale-candidate 4")
    second = explain_text(release, shown.now, step=1)
    assert "scale the candidate to 4 pods: no outcome recorded" in second
    assert "baking 10 %" not in second
    entries = explanation_view(release, shown.now, step=1)["entries"]
    assert [entry["text"] for entry in entries] == ["step 2/3: preparing 50 %", "scale-candidate 4"]


def test_explanation_has_query_numbers_and_samples_of_each_verdict(scene, golden):
    shown = scene("rolled-back")
    golden("explanation.json", to_json(explanation_view(shown.release, shown.now)))


def test_plan(scene, golden):
    proposal = Proposal(replace(scene("mid-bake").release, journal=()), FINDINGS)
    golden("plan.txt", plan_text(proposal))
    golden("plan.json", to_json(plan_view(proposal)))
    golden("plan.yaml", to_yaml(plan_view(proposal)).rstrip())


def test_plan_without_a_refusal_says_that_nothing_was_changed(scene):
    text = plan_text(Proposal(scene("mid-bake").release, FINDINGS[1:]))
    assert text.endswith("Result: plan only, nothing was changed")
    assert plan_view(Proposal(scene("mid-bake").release, FINDINGS[1:]))["refused"] is False


def test_history(scene, golden):
    releases = tuple(scene(name).release for name in ("rolled-back", "promoted", "crashed", "held-blind", "rollback-failed"))
    now = scene("promoted").now
    golden("history.txt", history_text(releases, now))
    view = list_view(releases, now)
    assert view["kind"] == "ReleaseList" and [item["outcome"] for item in view["items"]] == [str(r.outcome) for r in releases]
    assert history_text((), now) == "No release is recorded for this target"


def test_doctor_and_plugins(golden):
    from deliver.plugins.registry import Plugin

    lines = (
        DoctorLine("cluster", "done", "v1.37.2 answers in 12ms"),
        DoctorLine("permissions", "fail", "may not patch services in shop", "bind the operator Role"),
        DoctorLine("clock", "warn", "2.1s apart from the API server", "start a time service"),
    )
    plugins = (
        Plugin("deliver.strategies", "canary", "deliver", "0.1.0", "m:C", summary="Shift traffic step by step"),
        Plugin("deliver.metrics", "broken", "acme-metrics", "2.0", "m:B", error="ImportError: no module named \x1b[31macme"),
    )
    golden("doctor.txt", doctor_text(lines))
    golden("plugins.txt", plugins_text(plugins))
    assert doctor_text(lines[:1]).endswith("Result: everything that a release needs is there")


def test_every_view_is_strict_json_with_stable_names(named_scene):
    _, scene = named_scene
    view = json.loads(to_json(release_view(scene.release, scene.seen, scene.now)))
    assert view["apiVersion"] == "deliver.dev/v1alpha1" and view["kind"] == "Release"
    assert {"id", "target", "strategy", "phase", "outcome", "reason", "exposure", "stable", "candidate", "steps", "checks"} <= set(view)
    assert {"actor", "started", "ended"} <= set(view)
    assert set(view["target"]) == {"namespace", "deployment", "services"}
    assert set(view["exposure"]) == {"wanted", "endpoints", "observed", "window"}
    for arm in (view["stable"], view["candidate"]):
        assert {"image", "hash", "desired", "ready", "restarts"} <= set(arm)
    for check in view["checks"]:
        assert {"name", "verdict", "candidate", "stable", "limit", "samples"} <= set(check)


def test_what_a_terminal_would_obey_is_an_escape_in_json_and_gone_in_yaml():
    """A namespace given as "\\u202egnp.exe" reads as "exe.png" (hostile run, arguments 20005832)."""
    view = {"namespace": "\u202egnp.exe", "by": "Ren\u00e9\x7f\U000e0041"}
    text = to_json(view)
    assert not {"\u202e", "\x7f", "\U000e0041"} & set(text)
    assert "Ren\u00e9" in text
    assert json.loads(text) == view
    assert to_yaml(view) == "namespace: gnp.exe\nby: Ren\u00e9\n"
