"""Who changed a field of an object last, as the API server records it in metadata.managedFields."""

from deliver.model.objects import Object


def last_editor(obj: Object, field: str) -> str:
    """` by kubectl-edit at 12:00:00Z` for the last manager of that field of `spec`, e.g. f:selector; "" when unknown."""
    touched = [
        entry
        for entry in obj["metadata"].get("managedFields") or []
        if field in ((entry.get("fieldsV1") or {}).get("f:spec") or {}) and not entry.get("subresource")
    ]
    if not touched:
        return ""
    last = max(touched, key=lambda entry: entry.get("time") or "")
    return f" by {last.get('manager') or '?'} at {last.get('time') or '?'}"
