"""Refusals of the API in the API server's words (seen on Kubernetes 1.37), and what the port makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deliver.model import errors as model
from deliver_sandbox.kinds import KINDS


@dataclass(frozen=True)
class Cause:
    """One field that is wrong. reason: FieldValueInvalid or FieldValueRequired."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


class ApiError(Exception):
    """A Status answer that is not success."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details
        self.metadata: dict[str, Any] = {}

    def status(self) -> dict[str, Any]:
        head = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata}
        body: dict[str, Any] = {**head, "status": "Failure", "message": self.message}
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return {**body, "code": self.code}


def _details(kind: str, name: str, as_kind: bool = False) -> dict[str, Any]:
    known = KINDS[kind]
    details = {"name": name, "group": known.group, "kind": known.kind if as_kind else kind}
    return {key: value for key, value in details.items() if value}


def not_found(kind: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{KINDS[kind].qualified} "{name}" not found', _details(kind, name))


def no_resource() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def exists(kind: str, name: str, going: bool = False) -> ApiError:
    head = "object is being deleted: " if going else ""
    return ApiError(409, "AlreadyExists", f'{head}{KINDS[kind].qualified} "{name}" already exists', _details(kind, name))


def modified(kind: str, name: str) -> ApiError:
    text = "the object has been modified; please apply your changes to the latest version and try again"
    return ApiError(409, "Conflict", f'Operation cannot be fulfilled on {KINDS[kind].qualified} "{name}": {text}', _details(kind, name))


def precondition(kind: str, name: str, what: str, wanted: str, real: str) -> ApiError:
    tail = "deleted and then recreated" if what == "UID" else "modified"
    text = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({real}). The object might have been {tail}"
    known = KINDS[kind].qualified_kind
    return ApiError(409, "Conflict", f'Operation cannot be fulfilled on {known} "{name}": {text}', _details(kind, name, as_kind=True))


def other_uid(kind: str, old: dict[str, Any], wanted: str) -> ApiError:
    """Of a PUT."""
    meta = old["metadata"]
    where = "/".join(part for part in (kind, meta.get("namespace", ""), meta["name"]) if part)
    text = f"StorageError: invalid object, Code: 4, Key: /registry/{where}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
    text += f"UID in precondition: {wanted}, UID in object meta: {meta['uid']}"
    head = f'Operation cannot be fulfilled on {KINDS[kind].qualified} "{meta["name"]}"'
    return ApiError(409, "Conflict", f"{head}: {text}", _details(kind, meta["name"]))


def no_version(kind: str, name: str) -> ApiError:
    why = "Invalid value: 0: must be specified for an update"
    details = {**_details(kind, name), "causes": [{"reason": "FieldValueInvalid", "message": why, "field": "metadata.resourceVersion"}]}
    return ApiError(422, "Invalid", f'{KINDS[kind].qualified} "{name}" is invalid: metadata.resourceVersion: {why}', details)


def invalid(kind: str, name: str, causes: Sequence[Cause]) -> ApiError:
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    text = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
    details = _details(kind, name, as_kind=True)
    details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return ApiError(422, "Invalid", f'{KINDS[kind].qualified_kind} "{name}" is invalid: {text}', details)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def forbidden(kind: str, name: str, why: str) -> ApiError:
    return ApiError(403, "Forbidden", f'{KINDS[kind].qualified} "{name}" is forbidden: {why}', _details(kind, name))


def denied(kind: str, name: str, policy: str, why: str) -> ApiError:
    """Of a ValidatingAdmissionPolicy and its binding of the same name; its reason is not set."""
    text = f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: {why}"
    return ApiError(422, "Invalid", forbidden(kind, name, text).message, _details(kind, name))


def too_old(wanted: int, oldest: int) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {wanted} ({oldest})")


def as_model(error: ApiError) -> model.ClusterError:
    """The error that deliver.cluster.port promises for this answer."""
    if error.code == 403 and str(error) and 'User "' not in str(error):  # admission: the authorizer always says who may not
        known: type[model.ClusterError] = model.Rejected
    elif error.code in (401, 403):
        known = model.Forbidden
    elif error.code == 404:
        known = model.NotFound
    elif error.code == 409:
        known = model.Conflict
    elif error.code == 410:
        known = model.Gone
    elif error.code == 429 or error.code >= 500:
        known = model.Unreachable
    else:
        known = model.Rejected
    return known(error.message, status=error.code)
