"""How an image behaves once it runs: the sandbox's stand-in for the program inside."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Behaviour:
    """Times are seconds, shares 0..1.

    mount: seconds in which a volume of its pods cannot be mounted, told in Events alone.
    missing: the registry does not have it. pull: time to fetch it; unpulled: so many tries fail before that, for the reason `why`.
    start: from the container's start to its first good probe.
    ready: probes succeed at all. errors: share of requests answered 500. latency: median answer time; spread: sigma of its log-normal.
    sound: seconds of serving in which it answers as a healthy one does; errors and slowness come after that.
    crash: exits that long after its start (0: never) with exit code `code` and reason `reason` (Error, OOMKilled).
    crashes: only at so many starts of a pod, 0 = at each.
    stop: from SIGTERM to its exit. log: last lines that a crash leaves.
    """

    mount: float = 0.0
    missing: bool = False
    pull: float = 0.2
    unpulled: int = 0
    why: str = ""
    start: float = 0.5
    ready: bool = True
    errors: float = 0.0
    latency: float = 0.02
    spread: float = 0.5
    sound: float = 0.0
    crash: float = 0.0
    crashes: int = 0
    code: int = 1
    reason: str = "Error"
    stop: float = 2.1
    log: tuple[str, ...] = ()


HEALTHY = Behaviour()
LAB: Mapping[str, Behaviour] = {
    "1.0.0": HEALTHY,
    "1.1.0": HEALTHY,
    "1.2.0": HEALTHY,
    "2.0.0-errors": Behaviour(errors=0.2),
    "2.0.0-few-errors": Behaviour(errors=0.02),
    "2.0.0-slow": Behaviour(latency=0.4, spread=0.05),
    "2.0.0-crash": Behaviour(crash=0.05, log=("web 2.0.0-crash: told to crash: broken release",)),
    "2.0.0-oom": Behaviour(crash=0.5, code=137, reason="OOMKilled"),
    "2.0.0-unready": Behaviour(ready=False),
}
"""By tag, as the images of tests/lab behave. A tag that is not listed is missing from the registry."""


@dataclass
class Registry:
    """Image reference -> behaviour. `known` wins over the tag's behaviour in `tags`; anything else is missing."""

    known: dict[str, Behaviour] = field(default_factory=dict)
    tags: Mapping[str, Behaviour] = field(default_factory=lambda: dict(LAB))

    def of(self, image: str) -> Behaviour:
        if image in self.known:
            return self.known[image]
        if image.partition("@")[0] in self.known:
            return self.known[image.partition("@")[0]]
        tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
        return self.tags.get(tag, Behaviour(missing=True))
