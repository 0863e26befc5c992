"""Prometheus' answers: wrong shapes, numbers and labels. Whatever comes, the analyzer gives a verdict of its own for each metric."""

import json
from random import Random
from typing import Any

from deliver.formatting.sanitize import clean
from deliver.metrics.analyzer import StepAnalyzer
from deliver.metrics.answers import parse_answer
from deliver.model.codec import encode
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, LatencyMetric, QueryMetric, RatioMetric
from deliver.model.verdict import CheckResult, Verdict
from deliver.plugins.interfaces import Answer, MetricsError
from tests.hostile.mutate import junk, mutated, spoilt
from tests.hostile.watch import Fault

NOW = 1_767_603_600.0
METRICS = (
    RatioMetric("errors", bad='http_requests_total{code=~"5.."}', total="http_requests_total", max=0.01, compare=True, min_samples=5),
    LatencyMetric("slow", histogram="http_seconds", bound=0.25, max=0.05, min_samples=5),
    QueryMetric("free", query="sum(up{$candidate})", max=1.0),
)


def pods(hash: str, names: str) -> list[PodSeen]:
    return [PodSeen(f"web-{hash}-{name}", f"uid-{hash}-{name}", "10.0.0.1", True, False, 0, hash, NOW - 600) for name in names]


def series(name: str, pod: str, step: float, more: dict[str, str]) -> dict[str, Any]:
    labels = {"__name__": name, "namespace": "shop", "pod": pod, **more}
    return {"metric": labels, "values": [[NOW - 90 + 5 * i, f"{i * step:g}"] for i in range(18)]}


def usual(query: str) -> dict[str, Any]:
    """What a Prometheus answers to that query."""
    if query == "time()":
        return {"status": "success", "data": {"resultType": "scalar", "result": [NOW, str(NOW)]}}
    if not query.endswith("s]"):
        return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [NOW, "0.5"]}]}}
    name = query.partition("{")[0]
    more = (
        [{"le": "0.25"}, {"le": "+Inf"}]
        if name.endswith("_bucket")
        else [{"code": "500"}]
        if "5.." in query
        else [{"code": "200"}, {"code": "500"}]
    )
    result = [series(name, f"web-{arm}-{pod}", 3.0, labels) for arm in ("aaa", "bbb") for pod in "xy" for labels in more]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


class Wire:
    """A provider on `parse_answer`, as the real one is; the body is what the case makes of the usual answer."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def _ask(self, query: str) -> Answer:
        random, usually = self.random, usual(query)
        if random.random() < 0.4:
            return parse_answer(200, json.dumps(usually).encode(), query)
        status = random.choice((200, 200, 200, 200, 204, 302, 400, 422, 500, 503, 0, 999))
        match random.randrange(8):
            case 0:
                return parse_answer(status, spoilt(random, json.dumps(usually)), query)
            case 1:
                return parse_answer(status, json.dumps(junk(random)).encode("utf-8", "surrogatepass"), query)
            case 2:
                error = {"status": "error", "errorType": junk(random), "error": junk(random)}
                return parse_answer(status, json.dumps(error).encode("utf-8", "surrogatepass"), query)
            case 3:
                body = {**usually, "warnings": junk(random), "infos": junk(random)}
                return parse_answer(200, json.dumps(body).encode("utf-8", "surrogatepass"), query)
        return parse_answer(200, json.dumps(mutated(random, usually)).encode("utf-8", "surrogatepass"), query)

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        return self._ask(f"{selector}[{round(window)}s]")

    def value(self, query: str, timeout: float) -> Answer:
        return self._ask(query)

    def now(self, timeout: float) -> float:
        answer = self._ask("time()")
        if len(answer.series) != 1 or not answer.series[0].points:
            raise MetricsError("did not tell the time")
        return answer.series[0].points[0][1]


def case(seed: int) -> None:
    analyzer = StepAnalyzer(Analysis(metrics=METRICS), Wire(Random(f"answer {seed}")), (), lambda: NOW, timer=lambda: 0.0)  # type: ignore[arg-type]  # three of its five hooks
    analyzer.reset(NOW - 80)
    judged(analyzer, [metric.name for metric in METRICS])


def judged(analyzer: StepAnalyzer, names: list[str]) -> None:
    """Each check has its one verdict, in words that can be printed and data that can be written down."""
    found = analyzer.analyze("shop", pods("aaa", "xy"), pods("bbb", "xy"))
    if sorted(result.name for result in found.results) != sorted(names):
        raise Fault(f"verdicts of {[result.name for result in found.results]}")
    if found.candidate_percent is not None and not 0 <= found.candidate_percent <= 100:
        raise Fault(f"a candidate's part of {found.candidate_percent}")
    for result in found.results:
        sound(result)
    json.dumps(encode(found.results), allow_nan=False)


def sound(result: CheckResult) -> None:
    if not isinstance(result, CheckResult) or result.verdict not in (*Verdict,) or not result.why:
        raise Fault(f"no verdict: {result}")
    if len(result.why) > 1500:
        raise Fault(f"{len(result.why)} characters of reason")
    clean(result.why)
