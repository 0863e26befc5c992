"""Command line options laid over the file. Names of options are the file's keys wherever the file has one."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from deliver.config.document import Path
from deliver.config.draft import Draft
from deliver.config.scalars import scalar
from deliver.model import defaults
from deliver.model.errors import InputError

PLAIN: Mapping[str, Path] = {
    "namespace": ("target", "namespace"),
    "container": ("target", "container"),
    "image": ("image",),
    "router": ("router",),
    "poll": ("analysis", "poll"),
    "warmup": ("analysis", "warmup"),
    "max_staleness": ("analysis", "max_staleness"),
    "max_blind": ("analysis", "max_blind"),
    "on_blind": ("analysis", "on_blind"),
    "false_alarms": ("analysis", "false_alarms"),
    "prove": ("analysis", "prove"),
    "inconclusive": ("analysis", "inconclusive"),
    "ready_timeout": ("limits", "ready"),
    "timeout": ("limits", "total"),
    "pause_timeout": ("limits", "pause"),
    "drain": ("limits", "drain"),
    "allow_affinity": ("allow_affinity",),
    "allow_twice": ("allow_twice",),
}
_KINDS = {"deployment", "deployments", "deploy", "deployment.apps", "deployments.apps"}
_REFUSED = {
    "statefulset": "its pods have identities and volumes: two versions side by side would not be the same service",
    "daemonset": "it runs one pod a node: there is no second side to shift traffic to",
    "replicaset": "its Deployment would undo every change",
    "pod": "a single pod has no second version beside it",
    "service": "name the Deployment behind it; its Services are found by themselves",
}


def apply_options(draft: Draft, given: Mapping[str, Any], label: Callable[[str], str]) -> None:
    """given: option -> value, None or empty for one that was not used. label: how to call it in an error. Raises InputError."""
    if given.get("target"):
        draft.put(("target", "deployment"), deployment_of(given["target"]), "`TARGET`")
    for name, path in PLAIN.items():
        if given.get(name) is not None:
            draft.put(path, given[name], label(name))
    if given.get("service"):
        draft.drop(("target", "service"))
        draft.put(("target", "services"), list(given["service"]), label("service"))
    if given.get("prometheus"):
        _prometheus(draft, given["prometheus"], label("prometheus"))
    for header in given.get("prometheus_header") or ():
        _header(draft, header, label("prometheus_header"))
    _metrics(draft, given, label)
    _health(draft, given, label)


def apply_strategy(draft: Draft, name: str, options: Mapping[str, Any], replaces: Mapping[str, tuple[str, ...]]) -> None:
    """The strategy and its options. The file's options stay where no option replaces them; those of another strategy do not."""
    section = draft.get(("strategy",))
    kept = section.get(name) if isinstance(section, dict) else None
    if not (isinstance(section, dict) and name in section):
        draft.put(("strategy",), {name: {}}, f"`deliver {name}`")
    elif kept is None:
        draft.put(("strategy", name), {}, f"`deliver {name}`")
    for key, value in options.items():
        for other in replaces.get(key, ()):
            draft.drop(("strategy", name, other))
        draft.put(("strategy", name, key), value, "--" + key.replace("_", "-"))


def deployment_of(target: str) -> str:
    """`web` or `deployment/web` to `web`. Raises InputError for any other kind, with the reason."""
    kind, slash, name = target.partition("/")
    if not slash:
        return target
    if kind.lower() in _KINDS and name:
        return name
    single = kind.lower().removesuffix("s")
    if single in _REFUSED:
        raise InputError(
            f"`{target}`: a {single} cannot be released", why=_REFUSED[single], hint="give a Deployment: `web` or `deployment/web`"
        )
    raise InputError(
        f"`{target}` is not a target", why=f"`{kind}` is no kind that deliver knows", hint="give a Deployment: `web` or `deployment/web`"
    )


def _prometheus(draft: Draft, value: str, label: str) -> None:
    """A URL, or NAMESPACE/NAME:PORT of a Service, with a path behind it where its API has a prefix. What the file says of credentials
    and headers stays, if it is of the same provider.
    """
    url = re.match(r"https?://", value)
    service = re.fullmatch(r"([a-z0-9.-]+/[a-z0-9.-]+:[a-z0-9-]+)((?:/[A-Za-z0-9._~-]+)*)/?", value)
    if not url and not service:
        hint = "e.g. monitoring/prometheus:9090 (a Service, through the API server) or https://prometheus.example.com"
        raise InputError(f"option {label}: `{value[:80]}` is neither a URL nor NAMESPACE/NAME:PORT", hint=hint)
    for key in ("url", "service", "path"):
        draft.drop(("analysis", "prometheus", key))
    if url or not service:
        draft.put(("analysis", "prometheus", "url"), value, label)
        return
    draft.put(("analysis", "prometheus", "service"), service[1], label)
    if service[2]:
        draft.put(("analysis", "prometheus", "path"), service[2], label)


def _header(draft: Draft, value: str, label: str) -> None:
    """`NAME=VALUE`, or `NAME=env:VARIABLE` for one that is nobody's business. The value is in no error: it may be meant as a secret."""
    name, equals, text = value.partition("=")
    if not equals or not name.strip() or not text:
        hint = "e.g. X-Scope-OrgID=shop, or X-Scope-OrgID=env:TENANT"
        raise InputError(f"option {label}: a header is NAME=VALUE or NAME=env:VARIABLE", hint=hint)
    key, other = ("headers_env", "headers") if text.startswith("env:") else ("headers", "headers_env")
    draft.drop(("analysis", "prometheus", other, name))
    draft.put(("analysis", "prometheus", key, name), text.removeprefix("env:"), label)


_COUNTED = ("min_samples", "window", "consecutive", "compare")
_NUMBERS = ("min_samples", "consecutive")


def _metrics(draft: Draft, given: Mapping[str, Any], label: Callable[[str], str]) -> None:
    """--errors/--requests make or replace the metric `errors`, --latency-histogram the metric `latency`; the others adjust."""
    used = {name: given[name] for name in given if given[name] is not None}
    for one, other in (("errors", "requests"), ("requests", "errors")):
        if one in used and other not in used:
            raise InputError(f"option {label(one)} needs {label(other)}", hint=f"add {label(other)}, or put the metric into deliver.yaml")
    if "errors" in used:
        _replace(
            draft,
            "errors",
            {"bad": used["errors"], "total": used["requests"], "max": f"{100 * defaults.MAX_ERROR_RATE:g}%"},
            label("errors"),
        )
    if "latency_histogram" in used:
        entry = {"histogram": used["latency_histogram"]}
        entry |= {"slower_than": used["slower_than"], "max": f"{100 * defaults.MAX_SLOW:g}%"} if "slower_than" in used else {}
        _replace(draft, "latency", entry, label("latency_histogram"))
    _adjust(
        draft, used, {"max_error_rate": ("max", "errors"), "max_slow": ("max", "latency"), "slower_than": ("slower_than", "latency")}, label
    )
    fresh = {"errors"} & used.keys() | ({"latency"} if "latency_histogram" in used else set())
    for name in _COUNTED:
        if name in used:
            _set_all(draft, name, scalar(used[name]) if name in _NUMBERS else used[name], fresh, label(name))


def _metric_list(draft: Draft) -> list[Any]:
    found = draft.get(("analysis", "metrics"))
    return found if isinstance(found, list) else []


def _replace(draft: Draft, name: str, entry: dict[str, Any], label: str) -> None:
    """The metric of that name, in its place in the list or at the end; positions of the file's others stay right."""
    metrics = _metric_list(draft)
    index = next((at for at, metric in enumerate(metrics) if isinstance(metric, dict) and metric.get("name") == name), len(metrics))
    metrics[index : index + 1] = [{"name": name, **entry}]
    if draft.get(("analysis", "metrics")) is not metrics:
        draft.put(("analysis", "metrics"), metrics, label)
    draft.flags[("analysis", "metrics", index)] = label


def _adjust(draft: Draft, used: Mapping[str, Any], which: Mapping[str, tuple[str, str]], label: Callable[[str], str]) -> None:
    for option, (key, name) in which.items():
        if option not in used:
            continue
        index = next((at for at, metric in enumerate(_metric_list(draft)) if isinstance(metric, dict) and metric.get("name") == name), None)
        if index is None:
            need = {"errors": "--errors and --requests", "latency": "--latency-histogram"}[name]
            raise InputError(f"option {label(option)} has nothing to limit", why=f"no metric is called `{name}`", hint=f"add {need}")
        if key == "max" and used[option] == "none":  # no fixed limit: judged by evidence
            _metric_list(draft)[index].pop("max", None)
            continue
        _metric_list(draft)[index][key] = used[option]
        draft.flags[("analysis", "metrics", index, key)] = label(option)


def _set_all(draft: Draft, key: str, value: Any, fresh: set[str], label: str) -> None:
    """On the metrics that the options made; with none, on all of the file's (free queries know `consecutive` alone)."""
    hit = False
    for index, metric in enumerate(_metric_list(draft)):
        if not isinstance(metric, dict) or (fresh and metric.get("name") not in fresh) or ("query" in metric and key != "consecutive"):
            continue
        metric[key] = value
        draft.flags[("analysis", "metrics", index, key)] = label
        hit = True
    if not hit:
        raise InputError(f"option {label} has no metric to apply to", hint="add --errors and --requests, or `metrics:` in deliver.yaml")


def _health(draft: Draft, given: Mapping[str, Any], label: Callable[[str], str]) -> None:
    """Health options replace the file's list: who names checks on the command line wants those."""
    entries = [
        *({"http": _http(value, label("health_http"))} for value in given.get("health_http") or ()),
        *({"tcp": {"port": _port(value, label("health_tcp"))}} for value in given.get("health_tcp") or ()),
        *({"grpc": _grpc(value, label("health_grpc"))} for value in given.get("health_grpc") or ()),
    ]
    if entries:
        draft.put(("analysis", "health"), entries, "--health-*")


def _http(value: str, label: str) -> dict[str, Any]:
    """`/healthz:8080` or `8080/healthz`."""
    if value.startswith("/"):
        path, _, port = value.rpartition(":")
    else:
        port, slash, rest = value.partition("/")
        path = slash + rest
    if not path.startswith("/"):
        raise InputError(f"option {label}: `{value[:80]}` is not a path and a port", hint="e.g. /healthz:8080 or 8080/healthz")
    return {"path": path, "port": _port(port, label)}


def _grpc(value: str, label: str) -> dict[str, Any]:
    port, slash, service = value.partition("/")
    return {"port": _port(port, label), **({"service": service} if slash else {})}


def _port(value: str, label: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 65535:
        return int(value)
    raise InputError(f"option {label}: `{value[:40]}` is not a port", why="a port is a number from 1 to 65535")
