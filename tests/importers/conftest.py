"""Objects of other tools, in short: what a case is about and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from deliver.importers.convert import Converted, convert

ADDRESS = "http://prometheus.monitoring:9090"
Convert = Callable[..., Converted]


def template(metrics: list[dict[str, Any]], args: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    """An AnalysisTemplate. A metric's `query` and `address` go where Argo Rollouts has them."""
    whole = []
    for metric in metrics:
        kept = {key: value for key, value in metric.items() if key != "query"}
        provider = {"provider": {"prometheus": {"address": ADDRESS, "query": metric["query"]}}} if "query" in metric else {}
        whole.append({"name": "m", **kept, **provider})
    spec = {"args": args or [], "metrics": whole, **spec}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "t"}, "spec": spec}


def canary(analysis: dict[str, Any], **spec: Any) -> dict[str, Any]:
    spec = {"targetRef": {"kind": "Deployment", "name": "web"}, "analysis": analysis, **spec}
    return {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def query_template(query: str, **provider: Any) -> dict[str, Any]:
    spec = {"provider": {"type": "prometheus", "address": ADDRESS, **provider}, "query": query}
    return {"apiVersion": "flagger.app/v1beta1", "kind": "MetricTemplate", "metadata": {"name": "q", "namespace": "shop"}, "spec": spec}


@pytest.fixture
def converted() -> Convert:
    def run(*objects: dict[str, Any], **given: Any) -> Converted:
        return convert(objects, **given)

    return run


def data(found: Converted) -> dict[str, Any]:
    loaded = yaml.safe_load(found.text)
    assert isinstance(loaded, dict)
    return loaded


def metrics(found: Converted) -> list[dict[str, Any]]:
    listed = data(found)["analysis"]["metrics"]
    assert isinstance(listed, list)
    return listed


def told(found: Converted) -> str:
    return "\n".join(map(str, found.notes))
