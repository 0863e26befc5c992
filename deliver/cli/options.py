"""Every option that more than one command has, once: name, words, environment variable."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from deliver.cli.commands import SETTINGS
from deliver.cli.errors import reported
from deliver.model import defaults
from deliver.model.errors import InputError
from deliver.text.durations import show_duration


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
    Option("container", "container that gets the image, when the pod has several", metavar="NAME"),
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
)
DISCOVER = Option(
    "discover",
    "look for metrics in the cluster [default: where neither file nor option names any]; --no-discover: pods and checks alone will do",
    kind="switch",
)
REASON = Option("reason", "why, for the journal", metavar="TEXT")


def output(*formats: str) -> Option:
    return Option("output", "format of stdout [default: text]", "-o", choices=formats)


def command(
    name: str, summary: str, run: Callable[[Given], int], options: Iterable[Option], *, target: bool = True, argument: Option | None = None
) -> TyperCommand:
    """A typer command whose callback gets all that was given as one value and returns the exit code. argument: in TARGET's place."""
    options = tuple(options)

    def callback(ctx: typer.Context, **values: Any) -> int:
        def label(key: str) -> str:
            option = next((option for option in options if option.name == key), None)
            source = ctx.get_parameter_source(key)
            return key if option is None else _env(option) if source and source.name == "ENVIRONMENT" else option.long

        return reported(lambda: run(Given(values, label)), values)

    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    first = [_argument(argument)] if argument else [_target()] if target else []
    parameters = [context, *first, *map(_parameter, options)]
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads a function's own signature first
    callback.__annotations__ = {}
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(name, help=summary, context_settings=SETTINGS)(callback)
    made = typer.main.get_command(single)
    assert isinstance(made, TyperCommand)
    return made


def _env(option: Option) -> str:
    return option.env or f"DELIVER_{option.name.upper()}"


def _target() -> inspect.Parameter:
    argument = typer.Argument(metavar="TARGET", help="`web` or `deployment/web`; default: from deliver.yaml", show_default=False)
    return inspect.Parameter("target", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, argument])


def _argument(option: Option) -> inspect.Parameter:
    kind, default = _TYPES[option.kind]
    found = typer.Argument(metavar=option.metavar or option.name.upper(), help=option.help, show_default=False)
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, found])


_TYPES: Mapping[str, tuple[Any, Any]] = {
    "text": (str | None, None),
    "flag": (bool, False),
    "switch": (bool | None, None),
    "many": (list[str], []),
}


def _parameter(option: Option) -> inspect.Parameter:
    kind, default = _TYPES[option.kind]
    decl = f"{option.long}/--no-{option.long[2:]}" if option.kind == "switch" else option.long
    decls = [option.short, decl] if option.short else [decl]
    metavar = option.metavar or ("|".join(option.choices) if option.choices else None)
    info = typer.Option(
        *decls,
        help=option.help,
        metavar=metavar,
        envvar=_env(option),
        show_envvar=False,
        show_default=False,
        hidden=option.hidden,
        callback=_chosen(option),
    )
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _chosen(option: Option) -> Callable[[Any], Any] | None:
    if not option.choices:
        return None

    def check(value: Any) -> Any:
        if value is not None and value not in option.choices:
            raise typer.BadParameter(f"`{value[:40]}` is not one of {', '.join(option.choices)}")
        return value

    return check


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


def whole(given: Given, name: str, default: int, high: int = 2**31) -> int:
    """Raises InputError for what is no whole number from 0 to `high`."""
    text = given[name]
    if text is not None and not (text.isascii() and text.isdecimal() and int(text[:12]) <= high):
        raise InputError(f"{given.label(name)}: `{text[:20]}` is not a whole number from 0 to {high}")
    return default if text is None else int(text)


def scrape(given: Given, default: float) -> float:
    """Seconds between two scrapes of the made-up Prometheus. Raises InputError for what nobody has."""
    from deliver.plugins.types import parse_duration

    text = given["scrape"]
    try:
        value = default if text is None else parse_duration(text)
    except ValueError as error:
        raise InputError(f"{given.label('scrape')}: {error}") from None
    if not 1.0 <= value <= 60.0:
        raise InputError(f"{given.label('scrape')}: `{str(text)[:20]}` is not a time from 1s to 60s", hint="e.g. `--scrape 30s`")
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
