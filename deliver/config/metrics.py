"""The kinds of metric of deliver.yaml: bad of total, a histogram, free PromQL. Without `max` the first two are judged by evidence."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from deliver.model import defaults
from deliver.model.spec import EvidenceMetric, LatencyMetric, QueryMetric, RatioMetric
from deliver.plugins.types import Duration, Ratio, Share

NAME = r"^[a-z0-9]([-a-z0-9_]{0,61}[a-z0-9])?$"


class Strict(BaseModel):
    """Unknown keys are errors, and text is not turned into numbers behind the user's back."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


class _Counted(Strict):
    name: str = Field(pattern=NAME, description="what the metric is called in every output")
    max: Share | None = Field(default=None, description="fixed limit: highest share of requests that may be bad, e.g. 1%")
    slo: Share | None = Field(
        default=None, description="share of bad requests that the candidate is shown to exceed before it fails, e.g. 1%"
    )
    margin: Ratio | None = Field(
        default=None, description=f"times the stable side's share that is tolerated (default: {defaults.MARGIN:g}x)"
    )
    weight: float | None = Field(
        default=None, gt=0, le=1000, description=f"its part in the evidence of the release (default: {defaults.WEIGHT:g})"
    )
    min_samples: int = Field(
        default=defaults.MIN_SAMPLES, ge=1, le=10_000_000, description="candidate requests below which nothing is judged"
    )
    window: Duration = Field(default=defaults.WINDOW, description="trailing time that is looked at")
    consecutive: int = Field(default=defaults.CONSECUTIVE, ge=1, le=1000, description="with `max`: polls in a row that must breach")
    compare: Literal["stable"] | None = Field(default=None, description="with `max`: fail only when the candidate is above stable too")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        set_ = self.model_fields_set
        if self.max is not None and (also := sorted(set_ & {"slo", "margin", "weight"})):
            raise ValueError(f"`max` is a fixed limit, `{also[0]}` belongs to evidence: keep one of them")
        if self.max is None and (also := sorted(set_ & {"consecutive", "compare"})):
            raise ValueError(f"`{also[0]}` needs a fixed limit, `max`; without it the metric is judged by evidence against stable")
        if self.slo is not None and self.margin is not None:
            raise ValueError("`slo` is an absolute limit and `margin` one against stable: keep one of them")
        if self.slo is not None and not 0 < self.slo < 1:
            raise ValueError("`slo` must be above 0 % and below 100 %")
        return self

    def _evidence(self) -> dict[str, Any]:
        return {
            "margin": self.margin or defaults.MARGIN,
            "slo": self.slo or 0.0,
            "weight": self.weight or defaults.WEIGHT,
            "min_samples": self.min_samples,
            "window": self.window,
        }


class RatioModel(_Counted):
    """Bad requests of all requests, from counters."""

    bad: str = Field(min_length=1, description='selector of the bad ones, e.g. http_requests_total{code=~"5.."}')
    total: str = Field(min_length=1, description="selector of all, e.g. http_requests_total")

    def spec(self) -> RatioMetric | EvidenceMetric:
        if self.max is None:
            return EvidenceMetric(self.name, bad=self.bad, total=self.total, **self._evidence())
        return RatioMetric(
            self.name, self.bad, self.total, self.max, self.min_samples, self.window, self.consecutive, self.compare == "stable"
        )


class LatencyModel(_Counted):
    """Requests slower than a bound, or without one slower at any of the bounds that tell something; from a histogram."""

    histogram: str = Field(min_length=1, description="selector of the histogram's base name, e.g. http_request_duration_seconds")
    slower_than: Duration | None = Field(
        default=None, description="bound; one of the histogram's `le` values, e.g. 250ms (needed with `max` and `slo`)"
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.slower_than is None and (self.max is not None or self.slo is not None):
            raise ValueError(f"`{'max' if self.max is not None else 'slo'}` needs `slower_than`, the bound whose share it limits")
        return self

    def spec(self) -> LatencyMetric | EvidenceMetric:
        if self.max is None or self.slower_than is None:
            return EvidenceMetric(self.name, histogram=self.histogram, bound=self.slower_than or 0.0, **self._evidence())
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
    consecutive: int = Field(default=defaults.CONSECUTIVE, ge=1, le=1000, description="polls in a row that must breach")

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
        custom_error_message="a metric has `bad` and `total`, or `histogram`, or `query`",
    ),
]
