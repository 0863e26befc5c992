"""The sandbox answers as a Kubernetes API server does.

answers/ holds what Kubernetes 1.37 (tests/lab) answered to each case. Always: the sandbox must answer the same. With
DELIVER_CONFORMANCE=lab: the API server of KUBECONFIG must too (images from LAB_REGISTRY). With DELIVER_CONFORMANCE=record: its answers
are written down anew. differences.py lists where the sandbox is known to differ, each with its reason.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import (
    cases_access,
    cases_controllers,
    cases_deletes,
    cases_errors,
    cases_kinds,
    cases_objects,
    cases_patch,
    cases_watch,
)
from tests.conformance.calls import Case
from tests.conformance.differences import DIFFERENCES
from tests.conformance.running import run
from tests.conformance.targets import RealTarget, SandboxTarget

CASES: tuple[Case, ...] = (
    *cases_objects.CASES,
    *cases_kinds.CASES,
    *cases_deletes.CASES,
    *cases_errors.CASES,
    *cases_access.CASES,
    *cases_patch.CASES,
    *cases_watch.CASES,
    *cases_controllers.CASES,
)
ANSWERS = Path(__file__).parent / "answers"
MODE = os.environ.get("DELIVER_CONFORMANCE", "")


def _file(case: Case) -> Path:
    return ANSWERS / (case.name.replace("/", "-").replace(" ", "_") + ".json")


def _known(case: Case) -> list[Any]:
    answers: list[Any] = json.loads(_file(case).read_text())
    return answers


def _brief(answers: list[Any]) -> list[Any]:
    """Code and reason: what a known difference must still share."""
    return [[code, body.get("reason") if isinstance(body, dict) else None] for code, body in answers]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_sandbox_answers_as_the_api_server(case: Case) -> None:
    answers = run(SandboxTarget(), case)
    known = _known(case)
    if case.name in DIFFERENCES:
        assert answers != known, f"{case.name} no longer differs: take it out of differences.py"
        assert _brief(answers) == _brief(known)
    else:
        assert answers == known


@pytest.mark.cluster
@pytest.mark.skipif(MODE not in ("lab", "record"), reason="asks a real API server: DELIVER_CONFORMANCE=lab")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_api_server_answers_as_written_down(case: Case) -> None:
    answers = run(RealTarget(os.environ["LAB_REGISTRY"]), case)
    if MODE == "record":
        ANSWERS.mkdir(exist_ok=True)
        _file(case).write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")
    known = _known(case)
    assert _brief(answers) == _brief(known) if case.name in DIFFERENCES else answers == known


def test_every_answer_belongs_to_a_case() -> None:
    assert {path.name for path in ANSWERS.glob("*.json")} == {_file(case).name for case in CASES}


def test_there_are_at_least_three_hundred_calls(record_property: Callable[[str, object], None]) -> None:
    calls = [f"{case.name} {at}: {step.path}" for case in CASES for at, step in enumerate(case.steps) if step.shown]
    assert len(set(calls)) == len(calls)
    record_property("conformance calls", len(calls))
    print(f"{len(calls)} calls in {len(CASES)} cases, {len(DIFFERENCES)} differences")  # noqa: T201  (the figure that a run is asked for)
    assert len(calls) >= 300
    assert sum(len(_known(case)) for case in CASES) == len(calls)


def test_case_names_are_unique() -> None:
    assert len({_file(case).name for case in CASES}) == len(CASES)
