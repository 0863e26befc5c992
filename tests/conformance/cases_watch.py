"""Watches from a version: what is replayed, how selectors turn changes into ADDED and DELETED."""

from typing import Any

from tests.conformance.calls import LEASES, MERGE, Call, Case, made


def _lease(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def _seen(query: str = "") -> Call:
    return Call("GET", LEASES, query=lambda past: f"watch=1&resourceVersion={past[0]['metadata']['resourceVersion']}" + query, watch=True)


_STORY = (
    Call("GET", LEASES, shown=False),
    made(LEASES, _lease("a", app="web")),
    made(LEASES, _lease("b", app="api")),
    Call("PATCH", f"{LEASES}/a", {"metadata": {"labels": {"app": "api"}}}, MERGE, shown=False),
    Call("PATCH", f"{LEASES}/b", {"metadata": {"labels": {"app": "web"}}}, MERGE, shown=False),
    Call("PATCH", f"{LEASES}/b", {"metadata": {"labels": {"more": "1"}}}, MERGE, shown=False),
    Call("DELETE", f"{LEASES}/b", shown=False),
)
CASES = (
    Case("watch/all", (*_STORY, _seen())),
    Case("watch/labels", (*_STORY, _seen("&labelSelector=app%3Dweb"))),
    Case("watch/name", (*_STORY, _seen("&fieldSelector=metadata.name%3Da"))),
    Case("watch/from now", (made(LEASES, _lease("a", app="web")), Call("GET", LEASES, query="watch=1", watch=True))),
    Case(
        "watch/no change no event",
        (
            made(LEASES, _lease("a", app="web")),
            Call("PATCH", f"{LEASES}/a", {"metadata": {"labels": {"app": "web"}}}, MERGE, shown=False),
            _seen(),
        ),
    ),
    Case("watch/bad version", (Call("GET", LEASES, query="watch=1&resourceVersion=abc&timeoutSeconds=1"),)),
)
