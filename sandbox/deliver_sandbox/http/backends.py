"""What stands behind the API server's proxy: the pods' own HTTP endpoints and Prometheus; and the pods' logs."""

import json
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from deliver_sandbox import errors
from deliver_sandbox.controllers.kubelet import Run
from deliver_sandbox.counters import LE
from deliver_sandbox.errors import ApiError
from deliver_sandbox.evaluate import Evaluator, Result
from deliver_sandbox.http.paths import Request
from deliver_sandbox.prometheus import text
from deliver_sandbox.promql import QueryError, duration

if TYPE_CHECKING:
    from deliver_sandbox.world import World

Answer = tuple[int, bytes, str, tuple[tuple[str, str], ...]]
PROMETHEUS = ("monitoring", "prometheus")
LISTENS = 8080  # where the images of tests/lab do, and any pod that declares no port


def _plain(code: int, body: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return code, body.encode(), "text/plain; charset=utf-8", headers


def _refused(ip: str, port: int) -> ApiError:
    where = f"{ip or '0.0.0.0'}:{port}"  # noqa: S104  (text of an error)
    return ApiError(503, "ServiceUnavailable", f"error trying to reach service: dial tcp {where}: connect: connection refused")


def _listening(pod: dict[str, Any], wanted: str) -> int | None:
    """None where the pod listens on that port: one that it declares, by number or name; else the number that nobody listens on."""
    declared = [port for container in pod["spec"]["containers"] for port in container.get("ports") or []]
    numbers = [int(port["containerPort"]) for port in declared] or [LISTENS]
    if not wanted or wanted in [port.get("name") for port in declared]:
        return None
    number = int(wanted) if wanted.isdecimal() else 0
    return None if number in numbers else number


def _json(code: int, value: Any) -> Answer:
    return code, json.dumps(value).encode(), "application/json", ()


class Backends:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.random = Random(f"backends {world.seed}")

    def proxy(self, request: Request) -> Answer:
        """[scheme:]name[:port] of a pod or a Service, and the path behind it."""
        parts = request.name.split(":")
        name = parts[1] if len(parts) == 3 else parts[0]
        path = request.rest or "/"
        if request.kind == "services":
            if self.world.store.get("services", request.namespace, name) is None:
                raise _nobody(name)
            if (request.namespace, name) == PROMETHEUS:
                return self.prometheus(request, path)
            view = self.world.traffic.proxy.view(request.namespace, name)
            if not view:
                raise _nobody(name)
            return self.pod(self.world.kubelet.runs.get(self.random.choice(view)), request, path)
        if request.kind == "pods":
            pod = self.world.api.get("pods", request.namespace, name)
            wanted = (parts[2] if len(parts) == 3 else parts[1] if len(parts) == 2 else "") or ""
            if (port := _listening(pod, wanted)) is not None:
                raise _refused(pod.get("status", {}).get("podIP", ""), port)
            run = next((run for run in self.world.kubelet.named(name) if run.namespace == request.namespace), None)
            return self.pod(run, request, path)
        raise errors.no_resource()

    def pod(self, run: Run | None, request: Request, path: str) -> Answer:
        """What the images of tests/lab answer on port 8080."""
        if run is None or not run.serving:
            raise _refused(run.ip if run is not None else "", LISTENS)
        version = run.image.partition("@")[0].rpartition(":")[2]
        if path == "/healthz":
            return _plain(200, "ok\n") if run.behaviour.ready else _plain(503, "unhealthy\n")
        if path == "/metrics":
            return _plain(200, self._metrics(run, version))
        if path == "/chaos" and request.method == "POST":
            return self._chaos(run, request)
        failed = self.random.random() < run.behaviour.errors
        return _plain(500 if failed else 200, f"{version} {run.name}\n", (("X-Version", version),))

    def _metrics(self, run: Run, version: str) -> str:
        self.world.traffic.settle()
        row = self.world.traffic.counters[run.uid].row(0.0)
        lines = [f'http_requests_total{{code="{code}",version="{version}"}} {n}' for code, n in (("200", row.good), ("500", row.bad))]
        name = "http_request_duration_seconds"
        lines += [f'{name}_bucket{{version="{version}",le="{le}"}} {n}' for le, n in zip(LE, row.buckets, strict=True)]
        lines += [f'{name}_sum{{version="{version}"}} {row.total:g}', f'{name}_count{{version="{version}"}} {row.buckets[-1]}']
        return "\n".join(lines) + "\n"

    def _chaos(self, run: Run, request: Request) -> Answer:
        """?errors=PERCENT&latency=DURATION&healthy=BOOL, as the lab's images take it."""
        asked = {key: values[-1] for key, values in parse_qs(request.raw_query).items()}
        what: dict[str, object] = {}
        try:
            if "errors" in asked:
                what["errors"] = float(asked["errors"]) / 100
            if "latency" in asked:
                what["latency"] = max(duration(asked["latency"]), 0.001)
            if "healthy" in asked:
                what["ready"] = asked["healthy"].lower() in ("1", "t", "true")
        except ValueError as error:
            return _plain(400, f"{error}\n")
        self.world.kubelet.change(run.name, **what)
        return _plain(200, "")

    def log(self, request: Request) -> str:
        pod, container = self.world.api.get("pods", request.namespace, request.name), request.query.get("container", "")
        if container and container not in [item["name"] for item in pod["spec"]["containers"]]:
            raise errors.bad_request(f"container {container} is not valid for pod {request.name}")
        run = next(iter(self.world.kubelet.named(request.name)), None)
        if run is None:
            return ""
        lines = run.previous if request.flag("previous") else run.logs or run.previous
        tail = int(request.query.get("tailLines", len(lines)) or 0)
        return "".join(f"{line}\n" for line in lines[-tail:]) if tail else ""

    # -- Prometheus

    def prometheus(self, request: Request, path: str) -> Answer:
        """query and query_range of the HTTP API, in the form of Prometheus 3."""
        metrics = self.world.metrics
        if metrics.sick.down:
            raise ApiError(503, "ServiceUnavailable", f"error trying to reach service: {metrics.sick.down}")
        if path in ("/-/ready", "/-/healthy"):
            return _plain(200, "Prometheus Server is Ready.\n")
        asked = {key: values[-1] for key, values in parse_qs(request.raw_query).items()}
        if request.method == "POST":
            asked |= {key: values[-1] for key, values in parse_qs(request.body.decode(errors="replace")).items()}
        metrics.asked.append(asked.get("query", ""))
        try:
            if path == "/api/v1/query":
                return self._query(asked)
            if path == "/api/v1/query_range":
                return self._range(asked)
        except QueryError as error:
            kind, code = ("bad_data", 400) if error.bad else ("execution", 422)
            return _json(code, {"status": "error", "errorType": kind, "error": str(error)})
        except (KeyError, ValueError) as error:
            return _json(400, {"status": "error", "errorType": "bad_data", "error": f"invalid parameter: {error}"})
        return _plain(404, "404 page not found\n")

    def _now(self) -> float:
        return round(self.world.clock.now(), 3)

    def _query(self, asked: dict[str, str]) -> Answer:
        at = float(asked.get("time") or self._now())
        result = Evaluator(self.world.metrics.series, at).run(asked.get("query", ""))
        return _json(200, {"status": "success", "data": _shaped(result, at), **self._extras()})

    def _range(self, asked: dict[str, str]) -> Answer:
        start, end, step = float(asked["start"]), float(asked["end"]), _step(asked["step"])
        if step <= 0 or (end - start) / step > 11000:
            raise QueryError("exceeded maximum resolution of 11,000 points per timeseries")
        series: dict[str, dict[str, Any]] = {}
        at = start
        while at <= end:
            result = Evaluator(self.world.metrics.series, at).run(asked.get("query", ""))
            for entry in (
                _shaped(result, at)["result"] if isinstance(result, list) else [{"metric": {}, "value": [at, text(float(result))]}]
            ):
                known = series.setdefault(json.dumps(entry["metric"], sort_keys=True), {"metric": entry["metric"], "values": []})
                known["values"].append(entry["value"])
            at += step
        return _json(200, {"status": "success", "data": {"resultType": "matrix", "result": [*series.values()]}, **self._extras()})

    def _extras(self) -> dict[str, Any]:
        warnings = self.world.metrics.sick.warnings
        return {"warnings": list(warnings)} if warnings else {}


def _nobody(name: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", f'no endpoints available for service "{name}"')


def _step(value: str) -> float:
    return duration(value) if value[-1:].isalpha() else float(value)


def _shaped(result: Result, at: float) -> dict[str, Any]:
    if isinstance(result, str):
        return {"resultType": "string", "result": [at, result]}
    if isinstance(result, (int, float)):
        return {"resultType": "scalar", "result": [at, text(float(result))]}
    if result and isinstance(result[0][1], list):
        series = [{"metric": m, "values": [[t, text(v)] for t, v in points]} for m, points in result if isinstance(points, list)]
        return {"resultType": "matrix", "result": series}
    vector = [{"metric": m, "value": [at, text(v)]} for m, v in result if not isinstance(v, list)]
    return {"resultType": "vector", "result": vector}
