"""Where a scenario plays. One test, two places: the lab's Kubernetes, and the sandbox."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.e2e.support.admission import Policy
from tests.e2e.support.audit import Asked
from tests.e2e.support.load import Users
from tests.e2e.support.pace import Pace
from tests.e2e.support.process import Process

Object = dict[str, Any]


@dataclass(frozen=True)
class Store:
    """What tests are judged by: it scrapes each so many seconds, and shows a sample so many seconds after it was taken."""

    every: float = 2.0
    late: float = 0.0

    def __str__(self) -> str:
        return f"{self.every:g}s" + (f"-{self.late:g}s-late" if self.late else "")


SELDOM, LATE = Store(every=30.0), Store(late=30.0)
"""As kube-prometheus-stack scrapes, and as VictoriaMetrics answers, if nobody has said otherwise."""


class Hands(Protocol):
    """What people do to a cluster and see of it, as kubectl does it: an oracle that shares no code with what is tested.

    Kinds are named as kubectl takes them, things as kind/name.
    """

    namespace: str

    def elsewhere(self, namespace: str) -> "Hands": ...

    def get(self, kind: str, name: str) -> Object: ...

    def find(self, kind: str, name: str) -> Object | None: ...

    def items(self, kinds: str, selector: str = "") -> list[Object]:
        """Kinds that the place does not have are left out."""

    def names(self, kinds: str) -> list[str]: ...

    def apply(self, *objects: Object) -> None:
        """Server-side."""

    def patch(self, kind: str, name: str, body: Object) -> None: ...

    def patch_status(self, kind: str, name: str, body: Object) -> None: ...

    def delete(self, *things: str, wait: bool = True) -> None:
        """wait: until they are gone."""

    def scale(self, deployment: str, replicas: int) -> None: ...

    def set_image(self, deployment: str, image: str) -> None:
        """Of its container `web`."""

    def label_pods(self, **labels: str) -> None: ...

    def read(self, path: str) -> str: ...

    def post(self, path: str) -> None: ...

    def create_namespace(self) -> None: ...

    def remove_namespace(self) -> None: ...

    def token(self, account: str) -> str:
        """For a ServiceAccount of the namespace."""

    def config(self) -> Object:
        """The kubeconfig that it uses, alone."""


class Place(Protocol):
    """environ: what leads a process there. spawn: starts `deliver`."""

    name: str
    environ: dict[str, str]
    store: Store

    @property
    def pace(self) -> Pace: ...

    def spawn(self, arguments: Sequence[str], environ: Mapping[str, str], cwd: Path, /) -> Process: ...

    def hands(self, namespace: str) -> Hands: ...

    def settled(self) -> None:
        """The application stands: the test begins."""

    def users(self, hands: Hands, service: str, rps: float) -> Users: ...

    def digest(self, version: str) -> str:
        """Of the application's image of that version."""

    def admission(self, namespace: str, policy: Policy) -> AbstractContextManager[None]:
        """Deployments of that namespace are admitted by this policy as well."""

    def audit(self) -> Asked:
        """What is asked of the API server from now on."""

    def no_prometheus(self) -> AbstractContextManager[None]: ...

    def frozen(self) -> AbstractContextManager[None]:
        """The API server, stopped where it stands: its connections stay open and say nothing."""

    def killed(self) -> AbstractContextManager[None]:
        """The API server: connections are cut, new ones refused."""
