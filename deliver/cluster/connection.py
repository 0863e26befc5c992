"""Which cluster, and as whom: an explicit kubeconfig, $KUBECONFIG, ~/.kube/config, or the pod's own service account.

Here is the choice, and the one configuration of the API server that every call of ours uses whole.
"""

import base64
import contextlib
import copy
import hashlib
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from deliver.cluster import http_proxy
from deliver.cluster.entries import AsFile, ServerEntry, UserEntry, server_of, user_of
from deliver.cluster.exec_plugin import Credential
from deliver.cluster.failures import without_secrets
from deliver.cluster.identity import Login
from deliver.cluster.kubeconfig import Section, home, read, readable
from deliver.model.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_POOL_SIZE = 64  # watches hold a connection each; urllib3 logs a warning for each one above this


@dataclass(frozen=True)
class Place:
    """A cluster as some user sees it. path "": inside a pod."""

    configuration: "Configuration"
    path: str
    context: str
    namespace: str
    login: Login

    def shown(self, credential: Credential) -> "Place":
        """With the certificate that a plugin gave, where it gave one."""
        if not credential.certificate:
            return self
        configuration = copy.deepcopy(self.configuration)
        configuration.cert_file, configuration.key_file = _private_file(credential.certificate), _private_file(credential.key)
        return replace(self, configuration=configuration)


def locate(kubeconfig: str | None, environ: Mapping[str, str], service_account: str = SERVICE_ACCOUNT) -> str:
    """The kubeconfig to read (several, joined by the path separator, as kubectl takes them), "" inside a pod. Raises InputError."""
    if kubeconfig:
        return _existing(kubeconfig, f"kubeconfig {kubeconfig} does not exist", "check the path given with --kubeconfig")
    if environ.get("KUBECONFIG"):
        named = environ["KUBECONFIG"]
        return _existing(named, f"KUBECONFIG names no file that exists: {named}", "correct or unset KUBECONFIG, or give --kubeconfig")
    usual = home(Path("~/.kube/config"))
    if usual.exists():
        return str(usual)
    if environ.get("KUBERNETES_SERVICE_HOST") and (Path(service_account) / "token").exists():
        return ""
    raise InputError(
        "no cluster is configured",
        why="there is no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and this is not inside a pod with a service account",
        hint="point KUBECONFIG at the cluster's kubeconfig, or log in with your provider's tool",
    )


def load(path: str, context: str | None) -> Place:
    """What the files say; no credential plugin is run. Raises InputError."""
    return _from_files(path, context) if path else _from_pod(context)


def _existing(paths: str, what: str, hint: str) -> str:
    with contextlib.suppress(OSError, ValueError):  # no path at all: too long, or with a NUL in it
        if any(home(Path(one)).exists() for one in paths.split(os.pathsep) if one):
            return paths
    raise InputError(what, hint=hint)


def _from_pod(context: str | None) -> Place:
    from kubernetes.client.configuration import Configuration
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.incluster_config import load_incluster_config

    if context:
        why = "inside a pod without a kubeconfig there are no contexts"
        raise InputError(f"there is no context {context}", why=why, hint="leave --context out")
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
        namespace = (Path(SERVICE_ACCOUNT) / "namespace").read_text(encoding="utf-8").strip()
    except (ConfigException, OSError, UnicodeError) as error:
        raise InputError("the pod's service account cannot be used", why=without_secrets(str(error))) from None
    login = Login(token_file=str(Path(SERVICE_ACCOUNT) / "token"))
    return Place(_tuned(_through_proxy(configuration, "")), "", "in-cluster", namespace or "default", login)


def _from_files(path: str, context: str | None) -> Place:
    with readable(path):
        content = read(path)
        chosen = content.context(context)
        names, namespace = (chosen.line("cluster"), chosen.line("user")), chosen.line("namespace")
        chosen.ignore("extensions", "LocationOfOrigin")
        chosen.end()
        cluster = content.section("cluster", names[0])
        user = content.section("user", names[1]) if names[1] else Section("user", "", path, {})
        server = server_of(cluster)
        entry = user_of(user, _told(cluster, server))
        configuration = _configuration(cluster, server, user, entry)
    return Place(configuration, path, chosen.name, namespace or "default", entry.login)


def _told(cluster: Section, server: ServerEntry) -> Mapping[str, object]:
    """What a plugin learns: the authority is told as it is, not where it lies."""
    text = _content(cluster, "certificate-authority", server.authority)
    return {**server.told, **({"certificate-authority-data": base64.b64encode(text.encode()).decode()} if text else {})}


def _configuration(cluster: Section, server: ServerEntry, user: Section, entry: UserEntry) -> "Configuration":
    from kubernetes.client.configuration import Configuration

    authority = _content(cluster, "certificate-authority", server.authority)
    certificate = _content(user, "client-certificate", entry.certificate)
    key = _content(user, "client-key", entry.key)
    files = [path or (_private_file(text) if text else None) for (path, _), text in ((entry.certificate, certificate), (entry.key, key))]
    _check(cluster, user, authority, files)
    configuration = Configuration(host=server.server)
    configuration.verify_ssl = not server.insecure
    configuration.tls_server_name = server.server_name or None
    configuration.ca_cert_data = authority or None
    configuration.cert_file, configuration.key_file = files  # whoever renews them is followed with the next connection
    return _tuned(_through_proxy(configuration, server.proxy))


def _content(section: Section, key: str, given: AsFile) -> str:
    path, text = given
    if not path:
        return text
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no PEM"
        raise section.refuse(key, f"{path}: {why}", "check the file and its permissions") from None


def _check(cluster: Section, user: Section, authority: str, own: list[str | None]) -> None:
    """What is not fit for TLS is the kubeconfig's fault, and said of it: later it looks like the network's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if authority:
            context.load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError):
        raise cluster.refuse("certificate-authority", "it is no certificate", "copy it anew from your provider") from None
    try:
        if own[0]:
            context.load_cert_chain(own[0], own[1], password=lambda: "")
    except (ssl.SSLError, ValueError, OSError):
        why = "it is no certificate with its key, or the key has a password"
        raise user.refuse("client-certificate", why, "log in with your provider's tool") from None


def _through_proxy(configuration: "Configuration", named: str) -> "Configuration":
    """named: `proxy-url`, for which NO_PROXY means nothing, as with kubectl."""
    from urllib3.util import make_headers, parse_url

    proxy = named
    if not proxy:
        proxy, variable = http_proxy.of_environment(str(configuration.host), os.environ)
        if proxy:
            proxy = http_proxy.checked(proxy, f"{variable} in the environment", f"correct or unset {variable}")
    configuration.proxy, configuration.no_proxy = proxy or None, ""
    if proxy and (auth := parse_url(proxy).auth) and not proxy.startswith("socks"):
        configuration.proxy_headers = make_headers(proxy_basic_auth=unquote(auth))
    return configuration


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """Gone with the process: OpenSSL takes a client's certificate and key from files alone."""
    return tempfile.TemporaryDirectory(prefix="deliver-")


def _private_file(content: str) -> str:
    """One file for the same content, read by nobody else. Raises InputError."""
    try:
        path = Path(_folder().name) / hashlib.sha256(content.encode()).hexdigest()
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}")
            part.touch(0o600)
            part.write_text(content)
            part.replace(path)
    except OSError as error:
        why = error.strerror or "no folder for it can be written"
        raise InputError("no temporary file can be made for a client certificate", why=why, hint="set TMPDIR to such a folder") from None
    return str(path)


def _tuned(configuration: "Configuration") -> "Configuration":
    """Connections that notice a vanished peer within about half a minute, as many as watches need; no nagging about a skipped TLS check."""
    import urllib3
    from kubernetes.utils.keepalive import tcp_keepalive_socket_options

    configuration.socket_options = tcp_keepalive_socket_options(idle=15, interval=5, count=3)
    configuration.connection_pool_maxsize = _POOL_SIZE
    if not configuration.verify_ssl:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return configuration
