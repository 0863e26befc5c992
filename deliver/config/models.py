"""The keys of deliver.yaml. What belongs to a plugin (strategy, router, provider, check) is checked by the plugin's own Options."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from deliver.config.metrics import MetricModel, Strict
from deliver.model import defaults
from deliver.model.names import image_reference, kube_name
from deliver.model.places import split_names
from deliver.plugins.types import Duration, Ratio, Share

_NAMES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


def listed_names(value: Any) -> Any:
    """One name, several with commas between them, or a list of names; always a list. Raises ValueError where there is none."""
    names = list(split_names(value)) if isinstance(value, str) else value
    if names in ("", []):
        raise ValueError("no container is named; leave it out, or write a name, a list of names or `all`")
    return names


KubeName = Annotated[str, AfterValidator(kube_name)]
Image = Annotated[str, AfterValidator(image_reference)]
Containers = Annotated[list[KubeName], BeforeValidator(listed_names), WithJsonSchema(_NAMES)]
Options = dict[str, Any] | None


class TargetModel(Strict):
    """What is replaced, and the Services that lead to it."""

    deployment: KubeName = Field(description="name of the Deployment")
    service: KubeName | None = Field(default=None, description="its Service; default: every Service that selects its pods")
    services: list[KubeName] | None = Field(default=None, min_length=1, description="its Services, when there is more than one")
    namespace: KubeName | None = Field(default=None, description="default: the namespace of the kubeconfig's context")
    container: Containers | None = Field(
        default=None, description="the container that gets the image, when the pod has several; a list, or `all` that run its repository"
    )

    @model_validator(mode="after")
    def _one_way(self) -> "TargetModel":
        if self.service and self.services:
            raise ValueError("`service` and `services` are both there; keep one")
        return self

    @property
    def all_services(self) -> tuple[str, ...]:
        return (self.service,) if self.service else tuple(self.services or ())


class AnalysisModel(Strict):
    """How the release is judged. The metric provider's key (`prometheus:`) stands beside these; it is checked by the provider."""

    metrics: list[MetricModel] = Field(default_factory=list, max_length=50, description="what is judged, and its limits")
    health: list[dict[str, Options]] = Field(default_factory=list, max_length=20, description="health checks, each `{http: {...}}`")
    poll: Duration = Field(default=defaults.POLL, description="time between two looks at the metrics")
    warmup: Duration = Field(default=defaults.WARMUP, description="time after a shift that is not judged")
    max_staleness: Duration = Field(default=defaults.MAX_STALENESS, description="age at which a sample counts as no sample")
    max_blind: Duration = Field(default=defaults.MAX_BLIND, description="time without a verdict before `on_blind` acts")
    on_blind: Literal["hold", "rollback"] = Field(default=defaults.ON_BLIND, description="what to do when nothing can be judged")
    false_alarms: Share = Field(
        default=defaults.FALSE_ALARMS,
        description="evidence: highest chance that a release which is no worse is taken back, over its whole time",
    )
    prove: Ratio | Literal["nothing"] = Field(
        default=defaults.PROVE,
        description="evidence: before everybody gets it, the candidate is shown not to be that many times worse, e.g. 3x",
    )
    acceptable: Share = Field(
        default=defaults.ACCEPTABLE, description="evidence: or it is shown to have a smaller share of bad requests than this; 0% = no"
    )
    inconclusive: Literal["hold", "promote", "rollback"] = Field(
        default=defaults.INCONCLUSIVE, description="evidence: what to do with a release that has shown neither within `max_bake`"
    )
    history: Duration = Field(default=defaults.HISTORY, description="evidence: past of the stable side that its dispersion is learnt from")

    @model_validator(mode="after")
    def _names_differ(self) -> "AnalysisModel":
        names = [metric.name for metric in self.metrics]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two metrics are called `{twice}`")
        if not 0.0001 <= self.false_alarms <= 0.5:
            raise ValueError("`false_alarms` must be from 0.01% to 50%")
        if self.acceptable > 0.5:
            raise ValueError("`acceptable` must be at most 50%: a share of bad requests that is good enough")
        if self.poll < 0.5:
            raise ValueError("`poll` below 500ms would only load the metric server")
        return self


class LimitsModel(Strict):
    """Every wait has a bound."""

    ready: Duration = Field(default=defaults.READY, description="for the pods of a step to become ready")
    shift: Duration = Field(default=defaults.SHIFT, description="for a change of route to be verified")
    total: Duration = Field(default=defaults.TOTAL, description="for the whole way forward")
    pause: Duration = Field(default=defaults.PAUSE, description="for a pause or an approval before the release is held")
    drain: Duration = Field(default=defaults.DRAIN, description="between traffic leaving a side and that side shrinking")


class FileModel(Strict):
    """deliver.yaml."""

    target: TargetModel = Field(description="what is replaced")
    image: Image | None = Field(default=None, description="the candidate's image, e.g. ghcr.io/acme/web:1.4.2")
    strategy: dict[str, Options] = Field(default_factory=dict, max_length=1, description="one strategy and its options")
    router: str | dict[str, Options] | None = Field(default=None, description=f"what moves the traffic; default: {defaults.ROUTER}")
    analysis: AnalysisModel = Field(default=AnalysisModel(), description="how the release is judged")
    limits: LimitsModel = Field(default=LimitsModel(), description="bounds of the run")
    allow_affinity: bool = Field(default=False, description="go on although a Service has sessionAffinity")
    allow_twice: bool = Field(
        default=False, description="go on although the pods seem to be such as cannot run twice: Recreate, a volume of one node, host ports"
    )
    history: int = Field(default=defaults.KEPT_RELEASES, ge=1, le=100, description="finished releases that are kept")
    notify: list[dict[str, Any]] = Field(
        default_factory=list, max_length=20, description="who is told, each `{webhook: {url_env: ...}, on: [rolled-back, ...]}`"
    )
