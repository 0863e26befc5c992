"""The sandbox as a place for scenarios: an embedded cluster of its own for each test, on an accelerated clock."""

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deliver_sandbox import fixtures
from deliver_sandbox.controllers.kubelet import Node
from deliver_sandbox.crowd import Crowd
from deliver_sandbox.errors import denied
from deliver_sandbox.http.routes import Routes
from deliver_sandbox.http.server import Door
from deliver_sandbox.scrapes import Scraping
from deliver_sandbox.world import World
from tests.e2e.support.admission import Policy
from tests.e2e.support.audit import Asked
from tests.e2e.support.forked import Forked, Zygote
from tests.e2e.support.load import Second, Traffic, Users
from tests.e2e.support.paced_clock import PacedClock
from tests.e2e.support.place import Hands, Object, Store
from tests.e2e.support.process import clean_environ
from tests.e2e.support.request_log import RequestLog
from tests.e2e.support.rest import Rest

PAST = 60.0
PATH = "Prometheus is down: dial tcp 198.19.0.2:9090: connect: connection refused"


class Sandbox:
    """Until `settled` its time is virtual: an application that has been running for a minute costs a few milliseconds."""

    name = "sandbox"

    def __init__(self, zygote: Zygote, folder: Path, rate: float, store: Store) -> None:
        self._zygote, self.store = zygote, store
        self.clock = self.pace = PacedClock(folder / "dial", rate, ago=PAST)
        self.world = fixtures.with_prometheus(World(clock=self.clock, services=(), nodes=[Node("sandbox-node", "198.51.100.2")]))
        self.world.traffic.scrape(Scraping(store.every, apart=True))
        self.world.metrics.series.lag = store.late
        self.door = Door(self.world)
        kubeconfig = folder / "sandbox.kubeconfig"
        kubeconfig.write_text(self.door.kubeconfig("default"))
        self.environ = clean_environ() | {"KUBECONFIG": str(kubeconfig), "NO_PROXY": "127.0.0.1"}

    def close(self) -> None:
        self.door.close()
        self.clock.close()

    def settled(self) -> None:
        self.clock.go()
        with self.clock.lock:
            self._keep_going()

    def _keep_going(self) -> None:
        """Requests are counted when somebody looks: look each second, so that a look is never much work."""
        self.world.traffic.settle()
        self.clock.after(1.0, self._keep_going)

    def _routes(self) -> Routes:
        return self.door._server.routes

    def hands(self, namespace: str) -> Rest:
        return Rest(namespace, self._routes, self.pace, json.loads(self.door.kubeconfig("default")))

    def spawn(self, arguments: Sequence[str], environ: Mapping[str, str], cwd: Path) -> Forked:
        return self._zygote.start(arguments, environ, cwd, self.clock.dial.path)

    def users(self, hands: Hands, service: str, rps: float) -> Users:
        return Users(Counted(self.world, hands.namespace, service, rps / 2), Counted(self.world, hands.namespace, service, rps / 2, kept=4))

    def digest(self, version: str) -> str:
        return f"sha256:{hashlib.sha256(version.encode()).hexdigest()}"

    @contextlib.contextmanager
    def admission(self, namespace: str, policy: Policy) -> Iterator[None]:
        def about(kind: str, obj: Object) -> bool:
            return kind == "deployments" and obj["metadata"].get("namespace") == namespace

        def mutate(kind: str, obj: Object, old: Object | None) -> None:
            if policy.mutate and about(kind, obj):
                policy.mutate(obj)

        def judge(kind: str, obj: Object, old: Object | None) -> None:
            if policy.holds and about(kind, obj) and not policy.holds(obj):
                raise denied(kind, obj["metadata"]["name"], f"{namespace}-{policy.name}", policy.message)

        api = self.world.api
        with self.clock.lock:
            api.mutations.append(mutate)
            api.admission.append(judge)
        yield
        with self.clock.lock:
            api.mutations.remove(mutate)
            api.admission.remove(judge)

    def audit(self) -> Asked:
        return RequestLog(self._routes().access)

    # ------------------------------------------------------------ what goes wrong

    @contextlib.contextmanager
    def no_prometheus(self) -> Iterator[None]:
        """It neither answers nor scrapes."""
        with self.clock.lock:
            self.world.metrics.sick.down = PATH
            self.world.traffic.scrape_every(0.0)
        yield
        with self.clock.lock:
            self.world.metrics.sick.down = ""
            self.world.traffic.scrape_every(self.store.every)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Whoever asks waits. No controller and no kubelet hears of anything, as without an API server."""
        with self.clock.stopped():
            yield

    @contextlib.contextmanager
    def killed(self) -> Iterator[None]:
        port = self.door.port
        self.door.close()
        yield
        self.door = Door(self.world, port)


class Counted:
    """A crowd of the sandbox, told of as the load generator tells it. No chance in what it gets: here each run is to end alike."""

    def __init__(self, world: World, namespace: str, service: str, rps: float, kept: int = 0) -> None:
        self._world, self._what = world, (namespace, service, rps, kept)
        self._crowd: Crowd | None = None

    def begin(self) -> None:
        with self._world.clock.lock:
            self._crowd = self._world.traffic.come(*self._what, even=True)

    def end(self) -> None:
        assert self._crowd
        with self._world.clock.lock:
            self._world.traffic.go(self._crowd)

    @property
    def traffic(self) -> Traffic:
        assert self._crowd
        seconds = [Second(one.end, dict(one.versions), dict(one.statuses), one.failed.total()) for one in self._crowd.seconds]
        errors: Counter[str] = sum((one.failed for one in self._crowd.seconds), Counter())
        statuses: Counter[str] = sum((Counter(one.statuses) for one in seconds), Counter())
        versions: Counter[str] = sum((Counter(one.versions) for one in seconds), Counter())
        answered, failed = statuses.total(), errors.total()
        return Traffic(answered + failed, failed, dict(errors), dict(statuses), dict(versions), tuple(seconds), 0.0)
