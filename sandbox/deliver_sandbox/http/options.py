"""The options in a query or a DeleteOptions body, and what the API server says of those it does not take."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from deliver_sandbox.errors import ApiError, bad_request
from deliver_sandbox.http.paths import Request

_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_POLICIES = ("Foreground", "Background", "Orphan")
_KINDS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions", "GET": "ListOptions"}


def _invalid(method: str, field: str, why: str, reason: str = "FieldValueNotSupported") -> ApiError:
    kind = _KINDS[method]
    details = {"group": "meta.k8s.io", "kind": kind, "causes": [{"reason": reason, "message": why, "field": field}]}
    return ApiError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {field}: {why}', details)


def _one_of(values: Sequence[str]) -> str:
    return "supported values: " + ", ".join(json.dumps(value) for value in values)


def check_write(request: Request, applying: bool) -> None:
    """POST, PUT, PATCH: dryRun, fieldValidation, force."""
    query = request.query
    if query.get("dryRun") not in (None, "", "All"):
        raise _invalid(request.method, "dryRun", f"Unsupported value: {json.dumps([query['dryRun']])}: {_one_of(['All'])}")
    if query.get("fieldValidation", "") not in _VALIDATIONS:
        text = f"Unsupported value: {json.dumps(query['fieldValidation'])}: {_one_of(_VALIDATIONS)}"
        raise _invalid(request.method, "fieldValidation", text)
    if request.method == "PATCH" and "force" in query and not applying:
        raise _invalid("PATCH", "force", "Forbidden: may not be specified for non-apply patch", "FieldValueForbidden")


def deletion(request: Request, body: Any) -> dict[str, Any]:
    """DeleteOptions of a body and a query together, checked."""
    options = dict(body if isinstance(body, Mapping) else {})
    if "propagationPolicy" in request.query:
        options["propagationPolicy"] = request.query["propagationPolicy"]
    if "gracePeriodSeconds" in request.query:
        options["gracePeriodSeconds"] = number(request.query["gracePeriodSeconds"])
    if request.query.get("dryRun"):
        options["dryRun"] = [request.query["dryRun"]]
    policy, dry = options.get("propagationPolicy"), options.get("dryRun")
    if policy and options.get("orphanDependents") is not None:
        text = f"Invalid value: {json.dumps(policy)}: orphanDependents and deletionPropagation cannot be both set"
        raise _invalid("DELETE", "propagationPolicy", text, "FieldValueInvalid")
    if policy and policy not in _POLICIES:
        raise _invalid("DELETE", "propagationPolicy", f"Unsupported value: {json.dumps(policy)}: {_one_of([*_POLICIES, 'nil'])}")
    if dry and list(dry) != ["All"]:
        raise _invalid("DELETE", "dryRun", f"Unsupported value: {json.dumps(list(dry))}: {_one_of(['All'])}")
    if options.get("orphanDependents") is not None:
        options["propagationPolicy"] = "Orphan" if options["orphanDependents"] else "Background"
    return options


def check_list(request: Request) -> None:
    """GET of many, and watches: which versions go together with what."""
    query, watching = request.query, request.flag("watch")
    match, version = query.get("resourceVersionMatch", ""), query.get("resourceVersion", "")
    initial = query.get("sendInitialEvents", "")
    if "limit" in query:
        number(query["limit"])
    if initial and not watching:
        raise _invalid("GET", "sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list", "FieldValueForbidden")
    if initial and match != "NotOlderThan":
        text = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise _invalid("GET", "resourceVersionMatch", text, "FieldValueForbidden")
    if watching:
        return
    if match and not version:
        text = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise _invalid("GET", "resourceVersionMatch", text, "FieldValueForbidden")
    if match not in ("", "Exact", "NotOlderThan"):
        text = f"Unsupported value: {json.dumps(match)}: {_one_of(['Exact', 'NotOlderThan', ''])}"
        raise _invalid("GET", "resourceVersionMatch", text)
    if version and not version.isdigit():
        text = f'Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
        raise bad_request(f"invalid resource version: resourceVersion: {text}")


def number(text: str) -> int:
    try:
        return int(text or 0)
    except ValueError as error:
        raise bad_request(f"strconv.ParseInt: parsing {json.dumps(text)}: invalid syntax") from error
