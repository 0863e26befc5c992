"""The other kinds of `-o json`: Plan, ReleaseList, Explanation; and the JSON and YAML printers."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deliver.formatting.formats import finite, rfc3339
from deliver.formatting.sanitize import clean_data, escaped
from deliver.model.journal import Entry
from deliver.model.release import Release
from deliver.model.verdict import CheckResult
from deliver.render.sentences import sentence
from deliver.render.view import API_VERSION, View, check_view, facts, release_view

if TYPE_CHECKING:
    from deliver.engine.preflight.deployment import Proposal


def plan_view(proposal: "Proposal") -> View:
    """kind Plan. `duration`: seconds at the least. `refused`: a run would end at once and change nothing, see `findings`."""
    release = proposal.release
    whole = release_view(release, None, release.started)
    keys = ("number", "target", "strategy", "image", "preview", "judged_by", "actor")
    steps = [{key: step[key] for key in step if key not in ("elapsed", "state")} for step in whole["steps"]]
    findings = [{"level": f.level, "rule": f.rule, "message": f.message, "hint": f.hint} for f in proposal.findings]
    view = {
        "steps": steps,
        "hold": release.plan.hold,
        "notes": list(release.plan.notes),
        "patches": list(proposal.patches),
        "duration": proposal.duration,
        "worst_exposure": proposal.worst_exposure,
        "findings": findings,
        "refused": any(f.level not in ("warn", "info") for f in proposal.findings),
    }
    return {"apiVersion": API_VERSION, "kind": "Plan", **{key: whole[key] for key in keys}, **clean_data(view)}


def items_view(kind: str, items: Sequence[View]) -> View:
    """Of a kind that is a list."""
    return {"apiVersion": API_VERSION, "kind": kind, "items": list(items)}


def list_view(releases: Sequence[Release], now: float) -> View:
    """kind ReleaseList, in the order given (newest first)."""
    return items_view("ReleaseList", [release_view(release, None, now) for release in releases])


def explanation_view(release: Release, now: float, step: int | None = None) -> View:
    """kind Explanation: the release, each journal line, and under each verdict what it stands on. step: index from 0, None = all."""
    entries = entries_of(release, step)
    whole = release_view(release, None, now)
    return {"apiVersion": API_VERSION, "kind": "Explanation", "release": whole, "entries": [_entry(entry, release) for entry in entries]}


def entries_of(release: Release, step: int | None) -> list[Entry]:
    """Journal lines that were written while this step was the present one."""
    if step is None:
        return list(release.journal)
    return [entry for entry in release.journal if entry.step == step]


def _entry(entry: Entry, release: Release) -> View:
    view: View = {"seq": entry.seq, "at": rfc3339(entry.at), "type": str(entry.kind), "text": sentence(entry, release)}
    view |= {"step": entry.step, **facts(entry)}
    view |= {
        key: value for key, value in (("reason", entry.reason), ("actor", entry.actor), ("of", entry.of), ("result", entry.result)) if value
    }
    if entry.checks:
        view["checks"] = [_judged(check) for check in entry.checks]
    return dict(clean_data(view))


def _judged(check: CheckResult) -> View:
    found = check.evidence
    numbers = {key: finite(value) for key, value in found.numbers.items()}
    return {**check_view(check), "query": found.query, "at": rfc3339(found.at), "numbers": numbers, "evidence": list(found.samples)}


def to_json(view: Any, *, indent: int | None = 2) -> str:
    """indent None: one line, for jsonl. NaN and infinity, which JSON has not, are an error here: the views have none.

    What a terminal would obey or not show (a bidirectional override in a name) is written as JSON's own escape.
    """
    return escaped(json.dumps(view, indent=indent, ensure_ascii=False, allow_nan=False))


def to_yaml(view: Any) -> str:
    import yaml

    return yaml.safe_dump(clean_data(view), sort_keys=False, allow_unicode=True, width=120)
