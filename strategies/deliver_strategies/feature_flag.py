"""Feature flag: the new code is deployed already; a growing share of users gets it, by a flag, until everyone has it."""

from typing import Any, ClassVar

from pydantic import BaseModel, Field, field_validator

from deliver.model.plan import FlagPlan, Plan, Side, Step
from deliver.model.spec import Facts, PluginSpec
from deliver_strategies.weights import WeightOptions, WeightStep

BACKEND = "flagd"
PAST = 3600.0  # seconds before the release that everyone's requests are compared with where the variants cannot be told apart


class FlagOptions(WeightOptions):
    """Options of the flag strategy."""

    flag: str = Field(min_length=1, max_length=200, description="key of the flag", json_schema_extra={"argument": True})
    backend: str | dict[str, dict[str, Any]] = Field(
        default=BACKEND,
        description="flag system (`deliver plugins`); in the file with its options: {flagd: {configmap: web-flags}}",
    )
    set: list[str] = Field(default_factory=list, description="options of the flag system: configmap=web-flags,key=flags.json")
    variant: str = Field(default="variant", description="label that tells the variants' requests apart in the metrics; `none` for none")
    treatment: str = Field(default="on", description="that label's value for users who have the treatment")

    @field_validator("backend")
    @classmethod
    def _one_backend(cls, value: str | dict[str, dict[str, Any]]) -> str | dict[str, dict[str, Any]]:
        if isinstance(value, dict) and len(value) != 1:
            raise ValueError("name one flag system, e.g. `backend: {flagd: {configmap: web-flags}}`")
        return value

    @field_validator("set")
    @classmethod
    def _pairs(cls, value: list[str]) -> list[str]:
        for pair in value:
            if not pair.partition("=")[0] or "=" not in pair:
                raise ValueError(f"`{pair}` is not KEY=VALUE, e.g. configmap=web-flags")
        return value

    def system(self) -> PluginSpec:
        """The flag system with its options: those of the command line over those of the file."""
        name, options = (self.backend, {}) if isinstance(self.backend, str) else next(iter(self.backend.items()))
        given = dict(pair.split("=", 1) for pair in self.set)
        return PluginSpec(name, {**(options or {}), **given})


class FeatureFlag:
    """The strategy `flag`: a step for each share of the users. No pod and no Service changes."""

    name: ClassVar[str] = "flag"
    summary: ClassVar[str] = "Give a feature flag's treatment to a growing share of the users"
    exposes: ClassVar[str] = "users"
    Options: ClassVar[type[BaseModel]] = FlagOptions

    def plan(self, options: FlagOptions, facts: Facts) -> Plan:
        variant = "" if options.variant == "none" else options.variant
        notes = () if variant else (BEFORE_AND_AFTER,)
        past = 0.0 if variant else PAST
        steps = tuple(_step(step, past) for step in options.wanted())
        return Plan(self.name, steps, notes=notes, flag=FlagPlan(options.flag, options.system(), variant, options.treatment))


BEFORE_AND_AFTER = (
    "without a label that tells the variants apart, all requests are judged together, against the time before the release: "
    "a fault of the treatment is thinned by everyone else, and whatever else changes meanwhile counts as its fault"
)


def _step(step: WeightStep, past: float) -> Step:
    return Step(
        f"{step.weight:g} %",
        float(step.weight),
        Side.BOTH,
        candidate_pods=0,
        stable_pods=0,
        approval=step.approval,
        baseline=past,
        **step.times(),
    )
