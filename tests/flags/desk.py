"""A flagd document in a ConfigMap, and short words for what a release and strangers do to it."""

from deliver.flags.flagd import Flagd
from deliver.flags.options import ConfigMapOptions
from tests.flags.support import DOCUMENT, MARK, SHOP, Evaluator, Fleet, pod, reach, workload, world_with, writer

FLAG = "new-checkout"


class Desk:
    """A back end, its world, and short words for what a release does."""

    def __init__(self, document=DOCUMENT, pods=("web-1", "web-2"), **more):
        self.world = world_with(document, **more)
        for name in pods:
            self.world.cluster.create("pods", SHOP, pod(name))
        self.fleet = Fleet(**{name: Evaluator() for name in pods})
        self.backend = self.again()
        self.write = writer(self.world)

    def again(self, **options):
        """The same, in a process that knows nothing yet."""
        return Flagd(ConfigMapOptions(configmap="web-flags", **options), reach(self.world, self.fleet), self.fleet.caller)

    @property
    def configmap(self):
        return self.world.cluster.get("configmaps", SHOP, "web-flags")

    @property
    def text(self):
        return self.configmap["data"]["flags.json"]

    def pods(self):
        return [one["metadata"].get("annotations") or {} for one in self.world.cluster.list("pods", SHOP)]

    def edit(self, text):
        """A stranger's write."""
        self.world.cluster.patch("configmaps", SHOP, "web-flags", {"data": {"flags.json": text}})

    def set(self, percent, mark=MARK, backend=None):
        backend = backend or self.backend
        return backend.set(self.write, FLAG, percent, mark, if_revision=backend.read(FLAG).revision)

    def check(self, spec=None, pods=None, **options):
        backend = self.again(**options) if options else self.backend
        return backend.check(FLAG, workload(spec), pods if pods is not None else [pod("web-1")])
