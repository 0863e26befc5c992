"""Who changed a field last, out of metadata.managedFields."""

from deliver.cluster.managed_fields import last_editor


def entry(**more: object) -> dict[str, object]:
    return {"fieldsV1": {"f:spec": {"f:selector": {}}}, **more}


def test_the_last_manager_of_the_field_is_told_and_what_is_not_known_of_it_is_a_question_mark():
    known = entry(manager="kubectl-edit", time="2026-01-05T09:00:00Z")
    assert last_editor({"metadata": {"managedFields": [known, entry(manager=None, time=None)]}}, "f:selector") == (
        " by kubectl-edit at 2026-01-05T09:00:00Z"
    )
    assert last_editor({"metadata": {"managedFields": [entry(manager=None, time=None)]}}, "f:selector") == " by ? at ?"
    assert last_editor({"metadata": {"managedFields": None}}, "f:selector") == ""
