"""Everything together: API, controllers, nodes, images, traffic, metrics, on one clock and one seed."""

from deliver_sandbox.api import Api
from deliver_sandbox.clock import Clock, EngineClock, VirtualClock
from deliver_sandbox.cluster import SandboxCluster
from deliver_sandbox.controllers.deployment import DeploymentController
from deliver_sandbox.controllers.endpoints import EndpointSliceController
from deliver_sandbox.controllers.events import Events
from deliver_sandbox.controllers.garbage import GarbageCollector
from deliver_sandbox.controllers.hpa import AutoscalerController
from deliver_sandbox.controllers.kubelet import Kubelet, Node
from deliver_sandbox.controllers.quota import QuotaController
from deliver_sandbox.controllers.replicaset import ReplicaSetController
from deliver_sandbox.images import Registry
from deliver_sandbox.prometheus import SandboxMetrics
from deliver_sandbox.series import SeriesStore
from deliver_sandbox.traffic import Traffic


class World:
    """A cluster with what lives in it. The same seed and the same calls give the same run.

    engine_clock: for the first driver; further drivers take `EngineClock(world.clock)`. load: (namespace, deployment) -> pods' worth,
    for HPAs. traffic: users of `services` in `namespace`, `rps` requests a second in all, `fresh` of them on new connections.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        clock: Clock | None = None,
        images: Registry | None = None,
        nodes: list[Node] | None = None,
        namespace: str = "shop",
        services: tuple[str, ...] = ("web",),
        rps: float = 0.0,
        fresh: float = 0.5,
    ) -> None:
        self.seed = seed
        self.clock: Clock = clock or VirtualClock()
        self.engine_clock = EngineClock(self.clock)
        self.images = images or Registry()
        self.api = Api(self.clock, seed)
        self.store = self.api.store
        self.load: dict[tuple[str, str], float] = {}
        events = Events(self.api)
        self.kubelet = Kubelet(self.api, self.images, events, seed, nodes)
        self.quota = QuotaController(self.api)
        self.deployments = DeploymentController(self.api, events)
        self.replicasets = ReplicaSetController(self.api, events)
        self.endpoints = EndpointSliceController(self.api, seed)
        self.autoscaler = AutoscalerController(self.api, events, lambda space, name: self.load.get((space, name)))
        self.garbage = GarbageCollector(self.api)
        self.traffic = Traffic(self.api, self.kubelet, seed, namespace, services, rps, fresh)
        self.metrics = SandboxMetrics(SeriesStore(self.traffic, self.kubelet), self.clock)
        self.cluster = SandboxCluster(self.api, self.kubelet)
        self._nodes()

    def _nodes(self) -> None:
        for name in ("default", "kube-system"):
            self.api.create("namespaces", "", {"metadata": {"name": name}})
        for node in self.kubelet.nodes:
            labels = {"kubernetes.io/hostname": node.name}
            for prefix in ("", "beta."):
                labels |= {f"{prefix}kubernetes.io/os": "linux", f"{prefix}kubernetes.io/arch": "amd64"}
            self.api.create("nodes", "", {"metadata": {"name": node.name, "labels": labels}, "spec": {}})
