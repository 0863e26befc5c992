"""What a kubeconfig's cluster and user say, each key of them: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deliver.cluster import http_proxy
from deliver.cluster.exec_plugin import ExecPlugin
from deliver.cluster.identity import Impersonation, Login, basic, bearer
from deliver.cluster.kubeconfig import SHOWN, Section

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_MODES = ("Never", "IfAvailable", "Always")
_TOLD = "client.authentication.k8s.io/exec"  # the extension of a cluster that its users' plugins are told
_ANOTHER = "take one of them out, or use another context"
AsFile = tuple[str, str]  # (path, content): one of them, or none


@dataclass(frozen=True)
class ServerEntry:
    """Where the API server is, and what is trusted. told: what a plugin with `provideClusterInfo` learns of it, but the authority."""

    server: str
    authority: AsFile
    insecure: bool
    server_name: str
    proxy: str
    told: Mapping[str, Any]


@dataclass(frozen=True)
class UserEntry:
    """certificate, key: what the user shows when a connection is made."""

    login: Login
    certificate: AsFile
    key: AsFile


def server_of(section: Section) -> ServerEntry:
    """Raises InputError."""
    section.ignore("api-version", "LocationOfOrigin")  # of Kubernetes before 1.0; kubectl's own note
    server, authority = section.line("server").rstrip("/"), section.either("certificate-authority")
    insecure, name = section.flag("insecure-skip-tls-verify"), section.line("tls-server-name")
    proxy, plain = section.line("proxy-url"), section.flag("disable-compression")  # no compression is ever asked for
    extensions = [one for one in section.items("extensions") if isinstance(one, dict) and one.get("name") == _TOLD]
    section.end()
    if not server:
        raise section.refuse("server", "there is none", SHOWN)
    if insecure and any(authority):
        raise section.refuse("insecure-skip-tls-verify", "a certificate-authority is there too", f"{_ANOTHER}; kubectl refuses it too")
    if not _is_address(server):
        raise section.refuse("server", "it does not begin with http:// or https:// and a host", f"write it in full; {SHOWN}")
    if proxy:
        proxy = http_proxy.checked(proxy, section.where("proxy-url"), "correct it, or use another context with --context")
    told: dict[str, Any] = {"server": server, "tls-server-name": name, "proxy-url": proxy}
    told |= {"insecure-skip-tls-verify": insecure, "disable-compression": plain}
    told["config"] = extensions[0].get("extension") if extensions else None
    return ServerEntry(server, authority, insecure, name, proxy, {key: value for key, value in told.items() if value})


def _is_address(server: str) -> bool:
    try:
        parts = urlsplit(server)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port, no IPv6 address
        return False


def user_of(section: Section, told: Mapping[str, Any]) -> UserEntry:
    """told: what a plugin that asks for it learns of the cluster. Raises InputError."""
    provider = section.mapping("auth-provider")
    if provider is not None:
        why = "deliver signs in by credential plugins, which have taken the place of auth-provider in Kubernetes 1.26"
        raise section.refuse("auth-provider", why, "write the user anew with `exec`, by your provider's tool (for OIDC: kubelogin)")
    token, token_file = section.line("token"), section.path("tokenFile")
    username, password = section.line("username"), section.line("password")
    certificate, key = section.either("client-certificate"), section.either("client-key")
    plugin, acting = _plugin(section.inner("exec"), told), _impersonation(section)
    section.ignore("extensions", "LocationOfOrigin")
    section.end()
    if not token.isascii():
        raise section.refuse("token", "it has characters that no token has", "log in with your provider's tool")
    if (token or token_file) and username:
        raise section.refuse("username", "a token is there too, and only one of them can sign in", _ANOTHER)
    if any(certificate) != any(key):
        missing = "client-key" if any(certificate) else "client-certificate"
        raise section.refuse(missing, "a certificate and its key belong together, and one is missing", SHOWN)
    fixed = bearer(token) or (basic(username, password) if username else "")
    if fixed or token_file or any(certificate):  # as kubectl does: who has signed in otherwise needs no plugin
        plugin = None
    return UserEntry(Login(fixed, token_file, plugin, acting), certificate, key)


def _impersonation(section: Section) -> Impersonation:
    user, uid, groups = section.line("as"), section.line("as-uid"), section.lines("as-groups")
    given = section.mapping("as-user-extra") or {}
    extra = []
    for key, values in given.items():
        if (
            not isinstance(key, str)
            or not isinstance(values, list)
            or not all(isinstance(one, str) and one.isprintable() for one in values)
        ):
            raise section.refuse("as-user-extra", "it is no mapping of names to lists of texts", SHOWN)
        extra.append((key, tuple(values)))
    if not user and (uid or groups or extra):
        also = "as-uid" if uid else "as-groups" if groups else "as-user-extra"
        raise section.refuse(also, "`as` is missing: nobody is named who is acted as", "add `as`, or take it out")
    return Impersonation(user, uid, groups, tuple(extra))


def _plugin(section: Section | None, told: Mapping[str, Any]) -> ExecPlugin | None:
    if section is None:
        return None
    version, command, arguments = section.line("apiVersion"), section.line("command"), _arguments(section)
    environ = tuple(_variable(section, one) for one in section.items("env"))
    mode, hint = section.line("interactiveMode") or "IfAvailable", section.text("installHint")
    informed = section.flag("provideClusterInfo")
    section.end()
    if version not in VERSIONS:
        raise section.refuse(
            "apiVersion", f"it is none of {', '.join(VERSIONS)}", "update the plugin, and write the kubeconfig anew with it"
        )
    if not command:
        raise section.refuse("command", "there is none", SHOWN)
    if mode not in _MODES:
        raise section.refuse("interactiveMode", f"it is none of {', '.join(_MODES)}", SHOWN)
    return ExecPlugin(version, _program(section, command), arguments, environ, mode, hint, told if informed else None)


def _arguments(section: Section) -> tuple[str, ...]:
    values = section.items("args")
    if not all(isinstance(one, str) and "\0" not in one for one in values):
        raise section.refuse("args", "it is no list of texts", f"put each into quotes; {SHOWN}")
    return tuple(values)


def _program(section: Section, command: str) -> str:
    """A name is looked for in PATH; a path with a folder is one from the kubeconfig's own folder."""
    return Section("", "", section.file, {"command": command}).path("command") if "/" in command else command


def _variable(section: Section, item: object) -> tuple[str, str]:
    name, value = (item.get("name"), item.get("value") or "") if isinstance(item, dict) else (None, None)
    if not isinstance(name, str) or not name or "=" in name or not isinstance(value, str) or "\0" in name + value:
        raise section.refuse("env", "an entry is not a name with its value", SHOWN)
    return name, value
