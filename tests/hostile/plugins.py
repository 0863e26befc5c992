"""Plugins of others: they raise anything, answer with anything, exit, or take too long. A verdict or an error of ours comes of it."""

import time
from collections.abc import Callable
from random import Random
from typing import Any, ClassVar
from unittest import mock

from pydantic import BaseModel

from deliver.config.build import build
from deliver.config.draft import Draft
from deliver.config.loader import parse
from deliver.engine import commands
from deliver.metrics.analyzer import StepAnalyzer
from deliver.model.errors import DeliverError, InputError
from deliver.model.observation import PodSeen
from deliver.model.plan import Plan, Side, Step
from deliver.model.spec import Analysis
from deliver.plugins import registry
from deliver.plugins.interfaces import Answer, MetricsError, Probe, Series
from deliver.render import lists, text
from deliver.render.style import PLAIN
from tests.engine.rig import Rig
from tests.hostile.answers import METRICS, NOW, judged
from tests.hostile.mutate import NUMBERS, WORDS, junk
from tests.hostile.objects import printable, standing
from tests.hostile.specs import CANARY, told
from tests.hostile.watch import Fault


def _raise(error: BaseException) -> Any:
    raise error


ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: ValueError("x" * 9000),
    lambda: RuntimeError("\x1b[31mred\x1b[0m\nsecond line"),
    lambda: KeyError(None),
    lambda: OSError(5, "no"),
    RecursionError,
    MemoryError,
    AssertionError,
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
    lambda: SystemExit(0),
    lambda: SystemExit("bye"),
    StopIteration,
    lambda: MetricsError("\x07" * 3000),
    lambda: InputError("what\x1b[2J", why="w" * 3000),
    type("Odd", (Exception,), {"__str__": lambda self: _raise(ValueError("in __str__"))}),
)


def odd(random: Random, fitting: Callable[[], Any]) -> Any:
    """What fits, an exception, or a value of another type."""
    match random.randrange(4):
        case 0:
            return fitting()
        case 1:
            error = random.choice(ERRORS)()
            raise error
        case 2:
            return random.choice((object(), Ellipsis, lambda: 1, iter(()), b"x", 1j, Series, NotImplemented))
    return junk(random)


class Provider:
    """The metric provider."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.namespace_label: Any = random.choice(("namespace", "namespace", "namespace", None, 7, 'x"y'))
        self.pod_label: Any = random.choice(("pod", "pod", "pod", None, "", "a b"))

    def _answer(self, query: Any) -> Any:
        random = self.random

        def series() -> Any:
            labels = random.choice(({"pod": "web-bbb-x"}, {}, {"pod": 3}, None, junk(random)))
            points = random.choice((((NOW - 9, 1.0), (NOW, 2.0)), (), ((NOW, float("nan")),), ((1, 2, 3),), [(NOW, "1")], junk(random)))
            return Series(labels, points)

        return Answer(
            random.choice((query, query, junk(random))),
            tuple(odd(random, series) for _ in range(random.randrange(3))),
            random.choice(((), (), junk(random))),
        )

    def raw(self, selector: str, window: float, timeout: float) -> Any:
        return odd(self.random, lambda: self._answer(selector))

    def value(self, query: str, timeout: float) -> Any:
        return odd(self.random, lambda: self._answer(query))

    def now(self, timeout: float) -> Any:
        return odd(self.random, lambda: self.random.choice((NOW, NOW, *NUMBERS)))


class Check:
    """The health check. Its probes run at the same time, each with a chance of its own."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.failures: Any = random.choice((1, 2, junk(random)))

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Any:
        random = Random(f"{self.random.random()} {pod.uid}")
        if random.random() < 0.02:
            time.sleep(0.2)  # never, as far as the analyzer's own timeout goes
        return odd(
            random,
            lambda: Probe(
                random.choice((True, False, None, junk(random))),
                random.choice(("fine", junk(random))),
                random.choice(("GET /", junk(random))),
            ),
        )


class Strategy:
    """The planner, in canary's place."""

    name: ClassVar[str] = "canary"
    summary: ClassVar[str] = "hostile"
    exposes: ClassVar[str] = "pods"

    class Options(BaseModel):
        model_config = {"extra": "allow"}

    random: ClassVar[Random]

    def plan(self, options: Any, facts: Any) -> Any:
        random = self.random

        def step() -> Any:
            good = {"name": "10 %", "weight": 10.0, "side": Side.BOTH, "candidate_pods": 1, "stable_pods": 4, "bake": 60.0}
            for key in random.sample(list(good), random.choice((0, 1, 1, 2))):
                good[key] = random.choice((junk(random), random.choice(NUMBERS), random.choice(WORDS)))
            return Step(**good)  # type: ignore[arg-type]  # that is what it is here for

        def whole() -> Any:
            steps = random.choice(
                (
                    (),
                    tuple(odd(random, step) for _ in range(random.randrange(4))),
                    (step(), Step("all", 100.0, Side.CANDIDATE, 4, 4)),
                    junk(random),
                )
            )
            return Plan(
                random.choice(("canary", junk(random))),
                steps,
                random.choice((0.0, junk(random))),
                random.choice(((), ("a\x1b[31m",), junk(random))),
            )

        return odd(random, whole)


def case(seed: int) -> None:
    random = Random(f"plugin {seed}")
    random.choice((_examined, _examined, _examined, _planned))(random)


def _examined(random: Random) -> None:
    checks: Any = [("one", Check(random)), ("two", Check(random))][: random.randrange(3)]
    provider: Any = Provider(random)
    analyzer = StepAnalyzer(Analysis(metrics=METRICS), provider, checks, lambda: NOW, timeout=0.1, timer=lambda: 0.0)
    analyzer.reset(NOW - 80)
    judged(analyzer, [*(metric.name for metric in METRICS), *(name for name, _ in checks)])


def _planned(random: Random) -> None:
    kind = type("Hostile", (Strategy,), {"random": random})
    load = registry.load
    with mock.patch.object(registry, "load", lambda group, name: kind if group == "deliver.strategies" else load(group, name)):
        try:
            build(Draft.of(parse(CANARY.encode(), "deliver.yaml")))
            rig = standing(4)
            proposal = commands.propose(
                rig.world.cluster, Rig.spec(rig, image="registry/web:1.2.0"), actor="hostile", now=rig.world.clock.now()
            )
            printable(text.plan_text(proposal, PLAIN))
            lists.to_json(lists.plan_view(proposal))
        except DeliverError as error:
            told(error)  # type: ignore[arg-type]  # any of them
        except Fault:
            raise
