"""What is drawn: exposure as it was verified, moments that matter, limits; and words for those who do not see it."""

from dataclasses import replace
from math import log10

import pytest

from deliver.model.evidence import MetricEvidence, Track
from deliver.model.journal import Event
from deliver.model.plan import FlagPlan
from deliver.model.release import Outcome, Release
from deliver.model.spec import EvidenceMetric, PluginSpec, QueryMetric
from deliver.report.chart import DRAWN, chart, exposure, marks
from deliver.report.panels import panels
from tests.report.conftest import BACK_AT, points


def test_exposure_is_what_was_verified_and_not_what_was_wanted(bare: Release):
    found = exposure(bare)
    assert [share for _, share in found] == [0.0, 0.0, 20.0, 50.0, 0.0, 0.0, 0.0]  # the steps wanted 10 and 50
    assert found[0][0] == bare.started
    assert found[-1][0] == bare.traffic_off


def test_a_promoted_release_ends_with_everything(bare: Release):
    release = replace(bare, journal=bare.journal[:20], outcome=Outcome.PROMOTED)
    assert exposure(release)[-1] == (release.ended, 100.0)
    after = release.noted(release.ended, Event.TAKEOVER_VERIFIED, numbers={"candidate": 4, "total": 4})
    assert exposure(replace(after, outcome=None))[-1][1] == 100.0


def test_exposure_of_a_flag_is_what_it_was_seen_to_serve(bare: Release):
    flag = FlagPlan("new-checkout", PluginSpec("flagd"))
    release = replace(bare, journal=(), plan=replace(bare.plan, flag=flag))
    release = release.noted(bare.started + 9, Event.FLAG_SERVED, numbers={"percent": 2.5}, reason="confirmed by 4 of 4")
    release = release.noted(bare.started + 99, Event.TRAFFIC_OFF)
    assert [share for _, share in exposure(release)] == [0.0, 2.5, 0.0]


def test_a_release_of_which_nothing_was_verified_has_no_exposure(bare: Release):
    assert exposure(replace(bare, journal=bare.journal[:3])) == ()


def test_steps_turns_and_ends_are_marked(bare: Release):
    asked = bare.noted(bare.ended, Event.REQUESTED, subject="pause", reason="lunch", actor="sam")
    assert [(mark.kind, mark.text) for mark in marks(asked)] == [
        ("step", "10 %"),
        ("step", "50 %"),
        ("back", "taken back"),
        ("end", "rolled back"),
        ("person", "pause"),
    ]


def test_limits_and_the_threshold_are_those_of_the_release(released: Release):
    found = chart(released, released.ended)
    assert [(one.metric, one.limit) for one in found.shares] == [("errors", None), ("latency", 5.0)]
    assert found.threshold == pytest.approx(log10(1 / released.spec.analysis.alpha))
    assert found.shares[1].label == "slower than 250ms, %"


def test_an_objective_is_a_limit_too(released: Release):
    metrics = (EvidenceMetric("errors", bad="b", total="t", slo=0.02), EvidenceMetric("latency", histogram="h"))
    release = replace(released, spec=replace(released.spec, analysis=replace(released.spec.analysis, metrics=metrics)))
    assert [(one.limit, one.label) for one in chart(release, release.ended).shares] == [
        (2.0, "bad requests, %"),
        (None, "slow requests, %"),
    ]


def test_slow_requests_at_every_bound_are_those_above_the_bound_that_was_counted(released: Release):
    metrics = (EvidenceMetric("errors", bad="b", total="t"), EvidenceMetric("latency", histogram="h_milliseconds{a='1'}"))
    spec = replace(released.spec, analysis=replace(released.spec.analysis, metrics=metrics))
    release = replace(released, spec=spec, measures={"latency": MetricEvidence((Track(bound=50.0), Track(bound=250.0)))})
    assert chart(release, release.ended).shares[1].label == "slower than 50ms, %"


def test_the_axis_of_a_live_release_ends_now(released: Release):
    live = replace(released, ended=0.0, outcome=None)
    assert chart(live, released.ended + 500).end == released.ended + 500


def test_each_panel_says_in_words_what_it_shows(released: Release):
    found = {panel.name: panel.alt for panel in panels(chart(released, released.ended))}
    assert list(found) == ["exposure", "share-0", "share-1", "evidence"]
    assert "20 % after 3.4s, 50 % after 10m06s, 0 % after 13m4" in found["exposure"]
    assert "candidate" in found["share-0"] and "candidate 10 % (10 of 100, between 5.52 % and 17.4 %)" in found["share-0"]
    assert "The limit is 5 %." in found["share-1"]
    assert "A release is taken back at 20 : 1." in found["evidence"]


def test_evidence_beyond_all_numbers_is_said_in_words(released: Release):
    trail = tuple(replace(point, against=point.against * 1000) for point in released.trail)
    assert "errors reached over a billion : 1" in panels(chart(replace(released, trail=trail), released.ended))[-1].alt


def test_metrics_without_counts_are_named(released: Release):
    metrics = (*released.spec.analysis.metrics, QueryMetric("queue", "max(x)", max=1))
    found = chart(replace(released, spec=replace(released.spec, analysis=replace(released.spec.analysis, metrics=metrics))), released.ended)
    assert found.uncounted == ("queue",)


def test_more_metrics_than_there_is_room_for_are_named(released: Release):
    many = tuple(f"metric-{n}" for n in range(DRAWN + 2))
    found = chart(replace(released, trail=points(released.started, BACK_AT, many)), released.ended)
    assert len(found.shares) == DRAWN
    assert found.omitted == many[DRAWN:]
