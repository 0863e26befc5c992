"""Every option that more than one command has, once: name, words, environment variable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deliver.formatting.durations import show_duration
from deliver.model import defaults
from deliver.model.errors import InputError


@dataclass(frozen=True)
class Option:
    """name: key in Given and of DELIVER_<NAME>. kind: text, flag, switch (--x/--no-x), many."""

    name: str
    help: str
    short: str = ""
    kind: str = "text"
    metavar: str = ""
    choices: tuple[str, ...] = ()
    env: str = ""
    hidden: bool = False

    @property
    def long(self) -> str:
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Given:
    """What the user gave. label: how an error calls an option: --poll, or DELIVER_POLL when it came from there."""

    values: Mapping[str, Any]
    label: Callable[[str], str]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)


def _percent(share: float) -> str:
    return f"{100 * share:g}%"


TARGET = Option("target", "`web` or `deployment/web`; default: from deliver.yaml", metavar="TARGET")
PLACE = (
    Option("namespace", "namespace of the target; default: the file's, else the kubeconfig context's", "-n", metavar="NAME"),
    Option("context", "context of the kubeconfig", metavar="NAME"),
    Option("kubeconfig", "kubeconfig file; default: as kubectl finds it", metavar="FILE"),
    Option("file", "deliver.yaml to use; default: in this folder or above; `none` for no file", "-f", metavar="FILE"),
)
DISPLAY = COLOR, CI, QUIET, VERBOSE = (
    Option("color", "colour of the output", choices=("auto", "always", "never")),
    Option("ci", "groups, annotations and outputs of a CI system", choices=("auto", "github", "gitlab", "none")),
    Option("quiet", "the result alone", "-q", kind="flag"),
    Option("verbose", "a line for each intent and each check", "-v", kind="flag"),
)
ANSWER = (COLOR, CI)  # of a command that answers at once, and has no progress to be quiet about
TARGETING = (
    Option("image", "the candidate's image, e.g. ghcr.io/acme/web:1.4.2", metavar="REPO:TAG"),
    Option(
        "container", "container that gets the image, when the pod has several; NAME,NAME or `all` that run its repository", metavar="NAME"
    ),
    Option("service", "Service of the target; may be repeated; default: every one that selects its pods", kind="many", metavar="NAME"),
    Option("router", f"what moves the traffic [default: {defaults.ROUTER}]", metavar="NAME"),
)
ANALYSIS = (
    Option("prometheus", "NAMESPACE/NAME:PORT of its Service (through the API server), or a URL", metavar="ADDRESS"),
    Option(
        "prometheus_header",
        "header for it, NAME=VALUE or NAME=env:VARIABLE, e.g. X-Scope-OrgID=shop; may be repeated",
        kind="many",
        metavar="HEADER",
    ),
    Option("errors", "selector of failed requests, e.g. 'http_requests_total{code=~\"5..\"}'", metavar="SELECTOR"),
    Option("requests", "selector of all requests, e.g. http_requests_total", metavar="SELECTOR"),
    Option(
        "max_error_rate",
        f"highest share of failed requests; `none`: by evidence against stable [default: {_percent(defaults.MAX_ERROR_RATE)}]",
        metavar="PERCENT",
    ),
    Option("latency_histogram", "histogram of response times, e.g. http_request_duration_seconds", metavar="SELECTOR"),
    Option("slower_than", "a request above this is slow, e.g. 250ms; without it: evidence at every useful bound", metavar="DURATION"),
    Option("max_slow", f"highest share of slow requests; `none`: evidence [default: {_percent(defaults.MAX_SLOW)}]", metavar="PERCENT"),
    Option("min_samples", f"candidate requests below which nothing is judged [default: {defaults.MIN_SAMPLES}]", metavar="N"),
    Option("window", f"trailing time that is looked at [default: {show_duration(defaults.WINDOW)}]", metavar="DURATION"),
    Option("consecutive", f"polls in a row that must breach [default: {defaults.CONSECUTIVE}]", metavar="N"),
    Option("compare", "fail only when the candidate is above the stable side too", choices=("stable",)),
    Option("health_http", "HTTP check: PATH:PORT or PORT/PATH; may be repeated", kind="many", metavar="CHECK"),
    Option("health_tcp", "TCP check; may be repeated", kind="many", metavar="PORT"),
    Option("health_grpc", "gRPC health check: PORT or PORT/SERVICE; may be repeated", kind="many", metavar="CHECK"),
    Option("poll", f"time between two looks at the metrics [default: {show_duration(defaults.POLL)}]", metavar="DURATION"),
    Option("warmup", f"time after a shift that is not judged [default: {show_duration(defaults.WARMUP)}]", metavar="DURATION"),
    Option("max_staleness", f"age at which a sample counts as none [default: {show_duration(defaults.MAX_STALENESS)}]", metavar="DURATION"),
    Option(
        "max_blind", f"time without a verdict before --on-blind acts [default: {show_duration(defaults.MAX_BLIND)}]", metavar="DURATION"
    ),
    Option("on_blind", f"what to do then [default: {defaults.ON_BLIND}]", choices=("hold", "rollback")),
    Option(
        "false_alarms",
        f"evidence: highest chance that a release which is no worse is taken back [default: {_percent(defaults.FALSE_ALARMS)}]",
        metavar="PERCENT",
    ),
    Option(
        "prove",
        f"evidence: shown to be not so many times worse before all users follow; or `nothing` [default: {defaults.PROVE:g}x]",
        metavar="RATIO",
    ),
    Option(
        "inconclusive",
        f"evidence: what to do when that is not shown in time [default: {defaults.INCONCLUSIVE}]",
        choices=("hold", "promote", "rollback"),
    ),
)
LIMITS = (
    Option("ready_timeout", f"for the pods of a step to become ready [default: {show_duration(defaults.READY)}]", metavar="DURATION"),
    Option("timeout", f"for the whole way forward [default: {show_duration(defaults.TOTAL)}]", metavar="DURATION"),
    Option(
        "pause_timeout",
        f"for a pause or an approval before the release is held [default: {show_duration(defaults.PAUSE)}]",
        metavar="DURATION",
    ),
    Option(
        "drain", f"between traffic leaving a side and that side shrinking [default: {show_duration(defaults.DRAIN)}]", metavar="DURATION"
    ),
    Option("allow_affinity", "go on although a Service has sessionAffinity", kind="switch"),
    Option(
        "allow_twice",
        "go on although the pods seem to be such as cannot run twice: Recreate, a volume of one node, host ports",
        kind="switch",
    ),
)
DISCOVER = Option(
    "discover",
    "look for metrics in the cluster [default: where neither file nor option names any]; --no-discover: pods and checks alone will do",
    kind="switch",
)
REASON = Option("reason", "why, for the journal", metavar="TEXT")


def output(*formats: str) -> Option:
    return Option("output", "format of stdout [default: text]", "-o", choices=formats)


def number(given: Given, name: str, default: float, low: float, high: float) -> float:
    """Raises InputError for what is no number from `low` to `high`."""
    text = given[name]
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise InputError(f"{given.label(name)}: `{text[:20]}` is not a number from {low:g} to {high:g}")
    return value


def whole(given: Given, name: str, default: int, high: int = 2**31, *, low: int = 0) -> int:
    """Raises InputError for what is no whole number from `low`, 0 or 1, to `high`."""
    text = given[name]
    if text is not None and not (text.isascii() and text.isdecimal() and int(text[:12]) <= high):
        raise InputError(f"{given.label(name)}: `{text[:20]}` is not a whole number from 0 to {high}")
    value = default if text is None else int(text)
    if value < low:
        raise InputError(f"{given.label(name)}: at least {low} is needed")
    return value


def parsed(given: Given, name: str, parse: Callable[[Any], float], default: float) -> float:
    """Raises InputError for what `parse` does not take."""
    try:
        return default if given[name] is None else parse(given[name])
    except ValueError as error:
        raise InputError(f"{given.label(name)}: {error}") from None


def scrape(given: Given, default: float) -> float:
    """Seconds between two scrapes of the made-up Prometheus. Raises InputError for what nobody has."""
    from deliver.plugins.types import parse_duration

    value = parsed(given, "scrape", parse_duration, default)
    if not 1.0 <= value <= 60.0:
        raise InputError(f"{given.label('scrape')}: `{given['scrape'][:20]}` is not a time from 1s to 60s", hint="e.g. `--scrape 30s`")
    return value


def ratio(given: Given, name: str) -> float:
    """`2x` as 2.0; 0 when it was not given. Raises InputError."""
    from deliver.plugins.types import parse_ratio

    if given[name] is None:
        return 0.0
    try:
        return parse_ratio(given[name])
    except ValueError as error:
        raise InputError(f"option {given.label(name)}: {error}", hint="e.g. 2x") from None
