"""Blue-green's plan out of its options, and what is refused with a reason."""

import json

import pytest
from pydantic import ValidationError

from deliver.health.load import LoadOptions
from deliver.model.errors import InputError
from deliver.model.plan import Plan, Side
from deliver.model.spec import Facts, Target
from deliver.plugins.options import lines
from deliver.plugins.types import WRITTEN
from deliver_strategies.blue_green import BlueGreen, BlueGreenOptions

FACTS = Facts(Target("shop", "web"), 7)


def plan(**options: object) -> Plan:
    return BlueGreen().plan(BlueGreenOptions.model_validate(options, context=WRITTEN), FACTS)


def test_a_preview_at_full_size_and_then_all_users():
    before, after = plan(bake="5m", preview_bake="1m").steps
    assert (before.side, before.candidate_pods, before.bake, before.preview, before.weight) == (Side.STABLE, 7, 60.0, True, 0.0)
    assert (after.side, after.candidate_pods, after.bake, after.preview, after.weight) == (Side.CANDIDATE, 7, 300.0, False, 100.0)
    assert before.stable_pods == after.stable_pods == 7


def test_the_old_side_is_kept_warm_for_ten_minutes_unless_told_otherwise():
    assert plan().hold == 600.0
    assert plan(hold="1h").hold == 3600.0


def test_after_the_switch_it_is_compared_with_the_stable_sides_last_hour_and_the_services_are_asked():
    after = plan().steps[1]
    assert after.baseline == 3600.0
    assert after.probe


@pytest.mark.parametrize("path", ["healthz", "/a b", "/a#b", ""])
@pytest.mark.parametrize("written", [{"load": {"port": 8080, "path": "/"}, "load_path": ...}, {"load": {"port": 8080, "path": ...}}])
def test_a_path_that_cannot_be_asked_for_is_refused_with_the_options(written: dict[str, object], path: str):
    text = json.dumps(written, default=lambda _: path)
    with pytest.raises(ValidationError):
        plan(**json.loads(text))


def test_the_made_preview_has_a_name_that_a_service_may_have():
    planned = BlueGreen().plan(BlueGreenOptions(), Facts(Target("shop", "web.v1.2"), 1))
    assert planned.preview == "web-v1-2-preview"


def test_a_preview_service_is_made_unless_one_is_named():
    assert (plan().preview, plan().preview_made) == ("web-preview", True)
    assert (plan(preview_service="green").preview, plan(preview_service="green").preview_made) == ("green", False)


def test_metrics_are_for_the_preview_only_where_it_has_users_of_its_own():
    assert not plan().steps[0].metrics
    assert plan(preview_metrics=True).steps[0].metrics


def test_a_person_is_asked_before_the_switch():
    before, after = plan(approve=True, approve_timeout="30m", on_unanswered="rollback").steps
    assert (before.approval, before.approval_timeout, before.unanswered) == (True, 1800.0, "rollback")
    assert not after.approval


# ---------------------------------------------------------------- load


@pytest.mark.parametrize(
    "options",
    [
        {"load": {"port": 8080, "rate": 25, "path": "/cart", "max_errors": "2%", "max_latency": "300ms"}},
        {"load_port": 8080, "load_rate": 25, "load_path": "/cart", "load_max_errors": "2%", "load_max_latency": "300ms"},
        {
            "load": {"port": 1, "rate": 1, "path": "/cart"},
            "load_port": 8080,
            "load_rate": 25,
            "load_max_errors": "2",
            "load_max_latency": "300ms",
        },
    ],
    ids=["nested", "flat", "flat over nested"],
)
def test_a_load_is_a_check_of_the_preview_alone(options: dict[str, object]):
    before, after = plan(**options).steps
    assert after.checks == ()
    [check] = before.checks
    assert check.kind == "load"
    read = LoadOptions.model_validate(dict(check.options))
    assert (read.port, read.rate, read.path, read.max_errors, read.max_latency) == (8080, 25.0, "/cart", 0.02, 0.3)


def test_without_one_nothing_is_sent():
    assert plan().steps[0].checks == ()


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("options", [{"weight": [10, 50]}, {"weight": "10,50"}, {"steps": [{"weight": 10}]}])
def test_a_list_of_weights_is_refused_with_the_strategy_that_has_them(options: dict[str, object]):
    with pytest.raises(InputError, match="all users are moved in one switch") as error:
        plan(**options)
    assert "deliver canary web --weight 10,50" in error.value.hint


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"approve_timeout": "5m"}, "need `approve`"),
        ({"on_unanswered": "rollback"}, "need `approve`"),
        ({"approve": True, "approve_timeout": "0s"}, "leaves nobody time"),
        ({"approve": True, "on_unanswered": "ignore"}, "hold"),
        ({"load_rate": 5}, "needs `load_port`"),
        ({"load_port": 80, "load_rate": 0}, "greater than 0"),
        ({"load_port": 70000}, "65535"),
        ({"load": {"path": "/"}}, "port"),
        ({"bake": "5"}, "no unit"),
        ({"holdd": "5m"}, "holdd"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], said: str):
    with pytest.raises((ValidationError, InputError), match=said):
        plan(**options)


def test_what_is_taken_in_order_to_be_refused_is_told_to_nobody():
    """`deliver plugins show blue-green`, as its help and its schema."""
    told = {line.key for line in lines(BlueGreenOptions)}
    assert not {"weight", "steps"} & told
    assert told <= set(BlueGreenOptions.model_json_schema()["properties"])
