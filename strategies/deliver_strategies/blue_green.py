"""Blue-green: a full-size candidate behind a preview Service, one switch of all users, and the old side kept warm for a while."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from deliver.model.errors import InputError
from deliver.model.names import preview_name
from deliver.model.plan import Plan, Side, Step
from deliver.model.spec import Facts, PluginSpec
from deliver.plugins.types import Duration, Share

HOUR = 3600.0
PATH = r"^/[^\s#]*$"


class Load(BaseModel):
    """Requests of our own to the candidate before it has users (the `load` health check)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int = Field(ge=1, le=65535, description="the pods' port")
    path: str = Field("/", pattern=PATH, max_length=1000, description="path to GET")
    rate: float = Field(10.0, gt=0, le=1000, description="requests a second to each candidate pod")
    max_errors: Share = Field(0.01, description="highest share of requests that fail")
    max_latency: Duration | None = Field(None, description="95 % of the requests are at least as fast; not judged if absent")
    min_requests: int = Field(100, ge=1, le=1_000_000, description="requests to a pod before it is judged")
    scheme: Literal["http", "https"] = Field("http", description="https: the pod's certificate is not checked")
    via: Literal["proxy", "direct"] = Field("proxy", description="through the API server's proxy, or straight to the pod's address")

    def check(self) -> PluginSpec:
        latency = {} if self.max_latency is None else {"max_latency": self.max_latency}
        options = self.model_dump(exclude={"max_latency", "max_errors"})
        return PluginSpec("load", {**options, "max_errors": f"{100 * self.max_errors:g}%", **latency})


class BlueGreenOptions(BaseModel):
    """Options of the blue-green strategy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preview_service: str = Field("", description="Service of yours that leads to the candidate before the switch; one is made if absent")
    preview_bake: Duration = Field(30.0, description="how long the candidate is watched before the switch, at the least")
    preview_metrics: bool = Field(False, description="judge the metrics before the switch too: the preview has users of its own")
    approve: bool = Field(False, description="wait for `deliver promote` before the switch")
    approve_timeout: Duration | None = Field(None, description="how long that is waited for; --pause-timeout if absent")
    on_unanswered: Literal["hold", "rollback"] = Field("hold", description="what happens when nobody answers: hold or rollback")
    bake: Duration = Field(300.0, description="how long all users are watched on the candidate after the switch")
    max_bake: Duration | None = Field(
        None, description="how long proof that it is no worse is waited for after the switch [default: 3 bakes]"
    )
    hold: Duration = Field(600.0, description="how long the old side is kept warm after that: the way back is one write")
    load: Load | None = Field(None, description="requests of our own to the candidate before the switch, judged")
    load_port: int | None = Field(
        None, ge=1, le=65535, description="send requests of our own before the switch, to this port of the candidate's pods"
    )
    load_path: str | None = Field(None, pattern=PATH, max_length=1000, description="path of those requests [default: /]")
    load_rate: float | None = Field(None, gt=0, le=1000, description="requests a second to each candidate pod [default: 10]")
    load_max_errors: Share | None = Field(None, description="highest share of them that fails [default: 1%]")
    load_max_latency: Duration | None = Field(None, description="95 % of them are at least as fast; not judged if absent")
    load_min_requests: int | None = Field(None, ge=1, le=1_000_000, description="requests to a pod before it is judged [default: 100]")
    weight: SkipJsonSchema[Annotated[list[str], BeforeValidator(lambda value: [str(value)])]] = Field(
        default_factory=list, description="not of blue-green", json_schema_extra={"hidden": True}
    )
    steps: SkipJsonSchema[Any] = Field(None, description="not of blue-green", json_schema_extra={"cli": False})

    @model_validator(mode="after")
    def _whole(self) -> "BlueGreenOptions":
        if not self.approve and (self.approve_timeout is not None or self.on_unanswered != "hold"):
            raise ValueError("`approve_timeout` and `on_unanswered` need `approve`")
        if self.max_bake is not None and self.max_bake < self.bake:
            raise ValueError("`max_bake` is shorter than `bake`")
        if self.approve_timeout == 0:
            raise ValueError("`approve_timeout` of 0s leaves nobody time to answer")
        if self.load is None and self.flat() and self.load_port is None:
            raise ValueError(f"`load_{next(iter(self.flat()))}` needs `load_port`: where shall the requests go?")
        self.wanted_load()
        return self

    def flat(self) -> dict[str, Any]:
        """What was given as load_*, by the key under `load`."""
        found = {name: getattr(self, f"load_{name}") for name in Load.model_fields if f"load_{name}" in type(self).model_fields}
        return {name: value for name, value in found.items() if value is not None}

    def wanted_load(self) -> Load | None:
        """load_* lie over `load`, as options of the command line do over the file."""
        flat = self.flat()
        if self.load is None and not flat:
            return None
        below = self.load.model_dump() if self.load else {}
        given = {**below, **flat}
        given["max_errors"] = f"{100 * given['max_errors']:g}%" if "max_errors" in given else "1%"
        return Load.model_validate(given)


class BlueGreen:
    """All users at once, with the old side whole beside them."""

    name: ClassVar[str] = "blue-green"
    summary: ClassVar[str] = "Check a full-size candidate behind a preview Service, then switch all users to it at once"
    Options: ClassVar[type[BaseModel]] = BlueGreenOptions

    def plan(self, options: BlueGreenOptions, facts: Facts) -> Plan:
        refuse_weights(options, facts)
        size, load = facts.stable_pods, options.wanted_load()
        before = Step(
            "preview",
            0.0,
            Side.STABLE,
            candidate_pods=size,
            stable_pods=size,
            bake=options.preview_bake,
            approval=options.approve,
            approval_timeout=options.approve_timeout or 0.0,
            unanswered=options.on_unanswered,
            preview=True,
            checks=(load.check(),) if load else (),
            metrics=options.preview_metrics,
        )
        after = Step(
            "all users",
            100.0,
            Side.CANDIDATE,
            candidate_pods=size,
            stable_pods=size,
            bake=options.bake,
            max_bake=options.max_bake or 0.0,
            baseline=HOUR,
            probe=True,
        )
        return Plan(
            self.name,
            (before, after),
            hold=options.hold,
            notes=notes(options, load),
            preview=options.preview_service or preview_name(facts.target.deployment),
            preview_made=not options.preview_service,
        )


def notes(options: BlueGreenOptions, load: Load | None) -> tuple[str, ...]:
    """What is not plain from the table of steps."""
    told = []
    if load:
        told.append(f"load: {load.rate:g} requests a second to {load.path} on port {load.port} of each candidate pod, before the switch")
    if options.approve:
        then = "it is rolled back" if options.on_unanswered == "rollback" else "it is held"
        told.append(f"the switch waits for `deliver promote`; {then} when nobody answers")
    return tuple(told)


def refuse_weights(options: BlueGreenOptions, facts: Facts) -> None:
    if options.weight or options.steps is not None:
        raise InputError(
            f"blue-green has no {'weights' if options.weight else 'steps'}: all users are moved in one switch",
            why="a share of them would need both versions behind the Service at the same time",
            hint=f"`deliver canary {facts.target.deployment} --weight 10,50` moves them step by step",
        )
