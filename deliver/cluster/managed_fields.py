"""Who changed a field of an object last, as the API server records it in metadata.managedFields."""

from deliver.model.objects import Object


def last_manager(obj: Object, field: str) -> str:
    """The last manager of that field of `spec`, "" when unknown."""
    last = _last(obj, field)
    return str(last.get("manager") or "") if last else ""


def last_editor(obj: Object, field: str) -> str:
    """` by kubectl-edit at 12:00:00Z` for the last manager of that field of `spec`, e.g. f:selector; "" when unknown."""
    last = _last(obj, field)
    return f" by {last.get('manager') or '?'} at {last.get('time') or '?'}" if last else ""


def _last(obj: Object, field: str) -> Object | None:
    touched = [
        entry
        for entry in obj["metadata"].get("managedFields") or []
        if field in ((entry.get("fieldsV1") or {}).get("f:spec") or {}) and not entry.get("subresource")
    ]
    return max(touched, key=lambda entry: entry.get("time") or "") if touched else None
