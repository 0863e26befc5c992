"""The three kinds of metric of deliver.yaml: bad of total, slower than a histogram bound, free PromQL."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from deliver.model.spec import LatencyMetric, QueryMetric, RatioMetric
from deliver.plugins.types import Duration, Share

NAME = r"^[a-z0-9]([-a-z0-9_]{0,61}[a-z0-9])?$"


class Strict(BaseModel):
    """Unknown keys are errors, and text is not turned into numbers behind the user's back."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


class _Counted(Strict):
    name: str = Field(pattern=NAME, description="what the metric is called in every output")
    max: Share = Field(description="highest share of requests that may be bad, e.g. 1%")
    min_samples: int = Field(default=50, ge=1, le=10_000_000, description="candidate requests in the window below which nothing is judged")
    window: Duration = Field(default=60.0, description="trailing time that is looked at")
    consecutive: int = Field(default=1, ge=1, le=1000, description="polls in a row that must breach")
    compare: Literal["stable"] | None = Field(default=None, description="fail only when the candidate is above the stable side too")


class RatioModel(_Counted):
    """Bad requests of all requests, from counters."""

    bad: str = Field(min_length=1, description='selector of the bad ones, e.g. http_requests_total{code=~"5.."}')
    total: str = Field(min_length=1, description="selector of all, e.g. http_requests_total")

    def spec(self) -> RatioMetric:
        return RatioMetric(
            self.name, self.bad, self.total, self.max, self.min_samples, self.window, self.consecutive, self.compare == "stable"
        )


class LatencyModel(_Counted):
    """Requests slower than a bound, from a classic histogram."""

    histogram: str = Field(min_length=1, description="selector of the histogram's base name, e.g. http_request_duration_seconds")
    slower_than: Duration = Field(description="bound; one of the histogram's `le` values, e.g. 250ms")

    def spec(self) -> LatencyMetric:
        return LatencyMetric(
            self.name,
            self.histogram,
            self.slower_than,
            self.max,
            self.min_samples,
            self.window,
            self.consecutive,
            self.compare == "stable",
        )


class QueryModel(Strict):
    """Free PromQL that gives one number; `{candidate}` and `{stable}` become matchers of that side's pods."""

    name: str = Field(pattern=NAME, description="what the metric is called in every output")
    query: str = Field(min_length=1, description="PromQL that gives one number")
    max: float | None = Field(default=None, allow_inf_nan=False, description="highest value that passes")
    min: float | None = Field(default=None, allow_inf_nan=False, description="lowest value that passes")
    consecutive: int = Field(default=1, ge=1, le=1000, description="polls in a row that must breach")

    @model_validator(mode="after")
    def _bounded(self) -> "QueryModel":
        if self.max is None and self.min is None:
            raise ValueError("a query needs `max` or `min`, else it can never fail")
        if self.max is not None and self.min is not None and self.min > self.max:
            raise ValueError("`min` is above `max`: no value could pass")
        return self

    def spec(self) -> QueryMetric:
        return QueryMetric(self.name, self.query, self.max, self.min, self.consecutive)


KINDS = {"bad": "ratio", "total": "ratio", "histogram": "latency", "slower_than": "latency", "query": "query"}


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((kind for key, kind in KINDS.items() if key in value), None)
    return None


MetricModel = Annotated[
    Annotated[RatioModel, Tag("ratio")] | Annotated[LatencyModel, Tag("latency")] | Annotated[QueryModel, Tag("query")],
    Discriminator(
        _kind,
        custom_error_type="metric_kind",
        custom_error_message="a metric has `bad` and `total`, or `histogram` and `slower_than`, or `query`",
    ),
]
