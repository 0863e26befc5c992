"""Dark launch: the new version at full size, without a single user, under load of our own; then everybody at once."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from deliver.model.plan import Plan, Side, Step
from deliver.model.spec import Facts, PluginSpec
from deliver.plugins.types import Duration


class DarkLaunchOptions(BaseModel):
    """Become `deliver dark-launch`'s options, keys of deliver.yaml, JSON Schema and help."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dark: Duration = Field(default=120.0, description="how long the new version runs in the dark")
    bake: Duration = Field(default=300.0, description="how long it is watched with all the users")
    rate: float = Field(default=10.0, gt=0, description="requests a second to each pod in the dark")
    path: str = Field(default="/", description="what is requested")
    port: int = Field(default=8080, ge=1, le=65535, description="at which port of the pods")


class DarkLaunch:
    name: ClassVar[str] = "dark-launch"
    summary: ClassVar[str] = "Run the new version under synthetic load before the first user meets it"
    Options: ClassVar[type[BaseModel]] = DarkLaunchOptions

    def plan(self, options: DarkLaunchOptions, facts: Facts) -> Plan:
        pods = facts.stable_pods
        load = PluginSpec("load", {"rate": options.rate, "path": options.path, "port": options.port})
        dark = Step("in the dark", 0.0, Side.STABLE, pods, pods, bake=options.dark, checks=(load,), metrics=False)
        everybody = Step("100 %", 100.0, Side.CANDIDATE, pods, pods, bake=options.bake, baseline=3600.0)
        return Plan(self.name, (dark, everybody))
