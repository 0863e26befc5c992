"""The hooks of a notifier: it tells somebody outside what became of a release.

group              class      made by
deliver.notifiers  Notifier   Notifier(options, environ)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from pydantic import BaseModel

EVENTS = ("started", "step", "waiting", "rolling-back", "promoted", "rolled-back", "held", "rollback-failed")


@dataclass(frozen=True)
class News:
    """event: one of EVENTS. text: one sentence for a person. release: the same object as `-o json` prints. at: unix seconds."""

    event: str
    text: str
    at: float
    release: Mapping[str, Any] = field(default_factory=dict)


class NotifyError(Exception):
    """It could not be told; the message is for a person and holds no secret. again: another try may help."""

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


class Notifier(Protocol):
    """Called beside the release, in its own thread: one that is slow or fails never delays a release nor changes how it ends."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def __init__(self, options: Any, environ: Mapping[str, str]) -> None:
        """Raises InputError for what cannot work, e.g. an environment variable that is not set."""

    def notify(self, news: News, timeout: float) -> None:
        """Ends within `timeout` seconds. Raises NotifyError."""
