"""For authors of plugins: the embedded cluster with a real driver on it, and for each family a suite to run against a class.

    from deliver.testing import StrategyContract

    class TestMine(StrategyContract):
        plugin = Mine
        examples = ({"bake": "10s"},)
        refused = ({"bake": "soon"},)

pytest finds the inherited tests. The built-in plugins run the same suites (tests/plugins).
"""

from deliver.testing.checks import CheckContract
from deliver.testing.flag_backends import FlagBackendContract
from deliver.testing.flags import MemoryFlags
from deliver.testing.metrics import MetricProviderContract
from deliver.testing.notifiers import NotifierContract
from deliver.testing.routers import RouterContract
from deliver.testing.stage import Judge, Stage
from deliver.testing.strategies import StrategyContract

__all__ = [
    "CheckContract",
    "FlagBackendContract",
    "Judge",
    "MemoryFlags",
    "MetricProviderContract",
    "NotifierContract",
    "RouterContract",
    "Stage",
    "StrategyContract",
]
