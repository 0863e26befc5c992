"""A world's time series under the name of a metric provider: what is judged by `prometheus` elsewhere is judged by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from deliver.plugins import registry
from deliver.plugins.interfaces import Answer, MetricProvider, Reach


class AnyOptions(BaseModel):
    """Those of the provider whose name it is: nothing has to be reached."""

    model_config = ConfigDict(extra="allow")


@contextmanager
def provided(metrics: MetricProvider, named: str) -> Iterator[None]:
    """A spec that names a provider so is answered by `metrics` meanwhile."""

    class Provided:
        name: ClassVar[str] = named
        summary: ClassVar[str] = metrics.summary
        Options: ClassVar[type[BaseModel]] = AnyOptions

        def __init__(self, options: BaseModel, reach: Reach) -> None:
            pass

        def raw(self, selector: str, window: float, timeout: float) -> Answer:
            return metrics.raw(selector, window, timeout)

        def value(self, query: str, timeout: float) -> Answer:
            return metrics.value(query, timeout)

        def now(self, timeout: float) -> float:
            return metrics.now(timeout)

    with registry.override("deliver.metrics", Provided):
        yield
