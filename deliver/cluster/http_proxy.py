"""The HTTP proxy on the way to the API server: the kubeconfig's `proxy-url`, else that of the environment, by the rules of kubectl."""

import ipaddress
from collections.abc import Mapping
from importlib.util import find_spec
from urllib.parse import SplitResult, urlsplit

from deliver.model.errors import InputError

SCHEMES = ("http", "https", "socks5", "socks5h")
_PORTS = {"http": 80, "https": 443}


def checked(url: str, where: str, hint: str) -> str:
    """As urllib3 takes it. where: what names it, such as "`proxy-url` of cluster lab in kubeconfig /x". Raises InputError."""
    parts = _parts(url)
    if parts is None or not parts.hostname:
        raise InputError(f"{where} is not the address of a proxy", why="it has no host, or is no URL", hint=hint)
    if parts.scheme not in SCHEMES:
        raise InputError(f"{where} cannot be used", why="it begins with none of http://, https://, socks5://", hint=hint)
    if parts.scheme.startswith("socks") and find_spec("socks") is None:
        why = "a SOCKS proxy needs the Python package PySocks, which is not installed"
        raise InputError(
            f"{where} cannot be used", why=why, hint="install PySocks beside deliver (pip install PySocks), or give an HTTP proxy"
        )
    # the proxy resolves names, as with kubectl: a name behind a bastion is known there alone
    return f"socks5h://{url.partition('://')[2]}" if parts.scheme == "socks5" else url


def of_environment(server: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """(the proxy for that server, "" for none; the variable that names it). As Go's net/http: ALL_PROXY means nothing to it."""
    target = urlsplit(server)
    names = ("HTTPS_PROXY", "https_proxy") if target.scheme == "https" else ("HTTP_PROXY", "http_proxy")
    name = next((name for name in names if environ.get(name)), "")
    if not name or _direct(target, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return "", ""
    proxy = environ[name]
    return (proxy if "://" in proxy else f"http://{proxy}"), name


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _direct(target: SplitResult, without: str) -> bool:
    """Whether no proxy is used: for this machine itself, and for what NO_PROXY names."""
    host, port = (target.hostname or "").rstrip("."), target.port or _PORTS.get(target.scheme, 0)
    address = _address(host)
    if host == "localhost" or (address and address.is_loopback):
        return True
    return any(_matches(entry.strip().lower(), host, port, address) for entry in without.split(","))


def _matches(entry: str, host: str, port: int, address: "ipaddress.IPv4Address | ipaddress.IPv6Address | None") -> bool:
    if entry in ("", "*"):
        return entry == "*"
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:  # a name, or either with a port
        network = None
    if network is not None:
        return address is not None and address in network
    name, _, only = entry.rpartition(":") if entry.rpartition(":")[2].isdigit() else (entry, "", "")
    if only and int(only) != port:
        return False
    name = name.strip("[]")
    if address is not None:
        return _address(name) == address
    if name.startswith(("*.", ".")):
        return host.endswith(name.removeprefix("*"))
    return host == name or host.endswith(f".{name}")


def _address(host: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
