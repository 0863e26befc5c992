"""The Prometheus provider: raw samples and single values over the HTTP API, directly or through the API server's proxy."""

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deliver.analysis.selectors import Matcher, parse
from deliver.metrics import deduplicate
from deliver.metrics.transport import Transport
from deliver.model.errors import InputError
from deliver.plugins.interfaces import Answer, MetricsError, Reach

SERVICE = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)/([a-z0-9]([-a-z0-9]*[a-z0-9])?):[a-z0-9-]{1,15}$"
LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
HEADER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
SECRET = r"auth|cookie|token|secret|password|api-?key|signature|credential"


class PrometheusOptions(BaseModel):
    """Where Prometheus is and how to sign in. Secrets come from the environment or from files, never from arguments or the file itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")

    service: str = Field("", description="its Service as namespace/name:port, reached through the API server's proxy")
    url: str = Field("", description="its address, instead of `service`, e.g. https://prometheus.example.com/prefix")
    bearer_token_env: str = Field("", description="environment variable with a bearer token (with `url`)")
    bearer_token_file: str = Field("", description="file with a bearer token, read anew for each query (with `url`)")
    username_env: str = Field("", description="environment variable with the user name for basic authentication (with `url`)")
    password_env: str = Field("", description="environment variable with the password")
    password_file: str = Field("", description="file with the password, read anew for each query")
    ca_file: str = Field("", description="file with the CA certificates to trust (with `url`)")
    ca_file_env: str = Field("", description="environment variable with the path of that file")
    path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$",
        description="prefix of the API's path, e.g. /prometheus for Mimir (with `service`)",
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description="more headers, none of them secret: they stand in the record, e.g. {X-Scope-OrgID: shop}"
    )
    headers_env: dict[str, str] = Field(
        default_factory=dict, description="more headers, each from an environment variable, e.g. {X-Scope-OrgID: TENANT}"
    )
    namespace_label: str = Field("namespace", pattern=LABEL, description="label of a series that names its pod's namespace")
    pod_label: str = Field("pod", pattern=LABEL, description="label of a series that names its pod")
    labels: dict[str, str] = Field(
        default_factory=dict, description="labels that every series must have, e.g. {cluster: eu-1} where one store has many clusters"
    )
    replica_labels: list[str] = Field(
        default_factory=lambda: ["prometheus_replica", "__replica__"],
        description="labels that tell apart copies of the same series from Prometheus servers in a pair; one copy counts",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "PrometheusOptions":
        if bool(self.service) == bool(self.url):
            raise ValueError("give either `service` or `url`")
        if self.service and not re.fullmatch(SERVICE, self.service):
            raise ValueError(f"`{self.service}` is not namespace/name:port, such as monitoring/prometheus:9090")
        if self.url:
            _check_url(self.url)
        signed = [name for name in ("bearer_token_env", "bearer_token_file", "username_env") if getattr(self, name)]
        if len(signed) > 1:
            raise ValueError(f"{' and '.join(signed)} exclude each other")
        if (self.password_env or self.password_file) and not self.username_env:
            raise ValueError("a password needs `username_env`")
        if self.username_env and bool(self.password_env) == bool(self.password_file):
            raise ValueError("`username_env` needs either `password_env` or `password_file`")
        if self.service and (signed or self.ca_file or self.ca_file_env):
            raise ValueError("credentials and CA need `url`: the API server's proxy uses the Authorization header itself")
        if any(name.lower() == "authorization" for name in self.headers_env):
            raise ValueError("`headers_env` may not set Authorization; use bearer_token_env")
        if self.path and self.url:
            raise ValueError("`path` goes with `service`; put it at the end of `url`")
        _check_headers(self)
        if bad := next((name for name in (*self.labels, *self.replica_labels) if not re.fullmatch(LABEL, name)), None):
            raise ValueError(f"`{bad[:40]}` is no label's name")
        return self


def _check_headers(options: PrometheusOptions) -> None:
    for name, value in (*options.headers.items(), *dict.fromkeys(options.headers_env, "").items()):
        if not re.fullmatch(HEADER, name) or not value.isprintable() or not value.isascii():
            raise ValueError(f"`{name[:40]}` is not a header that can be sent")
    if secret := next((name for name in options.headers if re.search(SECRET, name, re.IGNORECASE)), None):
        raise ValueError(f"`{secret[:40]}` may hold a secret, and this file is no place for one; use `headers_env`")
    if both := {name.lower() for name in options.headers} & {name.lower() for name in options.headers_env}:
        raise ValueError(f"`{both.pop()[:40]}` stands in `headers` and in `headers_env`")


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("`url` must begin with http:// or https:// and a host")
    if parts.username or parts.password:
        raise ValueError("`url` must not hold credentials; use username_env and password_env")
    if parts.query or parts.fragment:
        raise ValueError("`url` must have no query and no fragment")


class PrometheusProvider:
    """Raw samples and single values from one Prometheus. namespace_label, pod_label: labels of a series that name its pod."""

    name: ClassVar[str] = "prometheus"
    summary: ClassVar[str] = "counters, histograms and free PromQL from a Prometheus or anything with its query API"
    Options: ClassVar[type[BaseModel]] = PrometheusOptions

    def __init__(self, options: PrometheusOptions, reach: Reach, transport: Transport | None = None, at: float = 0.0) -> None:
        """at: unix seconds as of which queries are answered; 0 = now. Raises InputError for a credential that is missing."""
        self._options, self._reach, self._at = options, reach, at
        self.namespace_label, self.pod_label = options.namespace_label, options.pod_label
        self.where = (options.service + options.path) or options.url
        self._fixed = tuple(Matcher(label, "=", value) for label, value in sorted(options.labels.items()))
        self._replicas = frozenset(options.replica_labels)
        self._transport = transport or _transport(options, reach)

    def as_of(self, at: float) -> "PrometheusProvider":
        """The same provider, asked as of an earlier time, for a replay."""
        return PrometheusProvider(self._options, self._reach, self._transport, at)

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        where = str(parse(selector).where(*self._fixed)) if self._fixed else selector
        return deduplicate.deduplicate(self._ask(f"{where}[{max(round(window), 1)}s]", timeout), self._replicas)

    def value(self, query: str, timeout: float) -> Answer:
        return self._ask(query, timeout)

    def now(self, timeout: float) -> float:
        answer = self._ask("time()", timeout)
        if len(answer.series) != 1 or not answer.series[0].points:
            raise MetricsError(f"Prometheus at {self.where} did not tell the time")
        return answer.series[0].points[0][1]

    def _ask(self, query: str, timeout: float) -> Answer:
        try:
            return self._transport.query(query, timeout, self._at)
        except MetricsError as error:
            raise MetricsError(f"Prometheus at {self.where}: {error}", bad_query=error.bad_query) from error


def _transport(options: PrometheusOptions, reach: Reach) -> Transport:
    more = {**options.headers, **{name: _variable(env, reach.environ) for name, env in options.headers_env.items()}}
    if options.service:
        access = reach.service(options.service)
        return Transport(access.url + options.path, lambda: {**access.headers(), **more}, send=access.send)
    ca = options.ca_file or (_variable(options.ca_file_env, reach.environ) if options.ca_file_env else "")
    if ca and not Path(ca).is_file():
        raise InputError("the CA file for Prometheus cannot be read", why=f"no file at {ca}")
    sign = _signer(options, reach.environ)
    return Transport(options.url.rstrip("/"), lambda: {**sign(), **more}, verify=ca or True)


def _signer(options: PrometheusOptions, environ: Mapping[str, str]) -> Callable[[], dict[str, str]]:
    """Makes the Authorization header, fresh for each query: tokens in files rotate. Environment variables are read once."""
    token, user, password = (
        _variable(env, environ) if env else "" for env in (options.bearer_token_env, options.username_env, options.password_env)
    )
    for path in (options.bearer_token_file, options.password_file):
        if path:
            _secret(path)

    def sign() -> dict[str, str]:
        bearer = _secret(options.bearer_token_file) if options.bearer_token_file else token
        if bearer:
            return {"Authorization": f"Bearer {bearer}"}
        if user:
            secret = _secret(options.password_file) if options.password_file else password
            return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}
        return {}

    return sign


def _variable(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise InputError(f"the environment variable {name} is not set", why="the Prometheus options name it", hint=f"export {name}")
    return value


def _secret(path: str) -> str:
    """Raises InputError at the start, and the same during a release, where the analyzer turns it into a BLIND."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"the file {path} cannot be read", why=type(error).__name__, hint="it should hold the secret alone") from error
    if not text:
        raise InputError(f"the file {path} is empty", hint="it should hold the secret alone")
    return text
