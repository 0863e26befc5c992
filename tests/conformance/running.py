"""Runs a case on a target and gives what it answered, made plain."""

import json
from typing import Any

from tests.conformance.calls import Case, Until
from tests.conformance.plain import plain
from tests.conformance.targets import Target


def run(target: Target, case: Case) -> list[Any]:
    """One [code, body] a compared step. The namespace is made before and deleted after."""
    namespace = ("conformance-" + case.name.lower().replace("/", "-").replace(" ", "-"))[:63]
    head = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    target.wait(
        60.0, lambda: target.call("POST", "/api/v1/namespaces", head, "application/json")[0] == 201
    )  # an older run's may just be going
    try:
        target.wait(30.0, lambda: _settled(target, namespace))
        return _steps(target, case, namespace)
    finally:
        target.call("DELETE", f"/api/v1/namespaces/{namespace}", None, "application/json")


def _settled(target: Target, namespace: str) -> bool:
    """A real namespace gets its default service account a moment after it was made; no pod starts before."""
    if type(target).__name__ == "SandboxTarget":
        return True
    return target.call("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default", None, "application/json")[0] == 200


def _steps(target: Target, case: Case, namespace: str) -> list[Any]:
    answers: list[Any] = []
    shown: list[Any] = []
    for step in case.steps:
        path = step.path.replace("{ns}", namespace)
        query = step.query(answers) if callable(step.query) else step.query
        url = path + (f"?{query}" if query else "")
        headers = {key: value.replace("{ns}", namespace) for key, value in step.headers().items()}
        if isinstance(step, Until):
            code, answer = _until(target, step, url, headers)
        elif step.watch:
            code, answer = 200, target.watch(url)
        else:
            body = step.body(answers) if callable(step.body) else step.body
            code, answer = target.call(step.method, url, _filled(body, target.registry, namespace), step.type, headers)
        answers.append(answer)
        if step.shown:
            shown.append([code, plain(answer, namespace, target.registry)])
        elif not isinstance(step, Until):
            assert code < 300, (case.name, url, answer)
    return shown


def _until(target: Target, step: Until, url: str, headers: dict[str, str]) -> tuple[int, Any]:
    last: list[Any] = [0, None]

    def held() -> bool:
        last[0], last[1] = target.call("GET", url, None, "application/json", headers)
        return step.holds(last[1])

    assert target.wait(step.seconds, held), f"{url} never came to what was waited for: {json.dumps(last[1])[:2000]}"
    return last[0], last[1]


def _filled(body: Any, registry: str, namespace: str) -> Any:
    if body is None:
        return body
    if isinstance(body, str):
        return body.replace("$registry", registry).replace("{ns}", namespace)
    return json.loads(json.dumps(body).replace("$registry", registry).replace("{ns}", namespace))
