"""Which cluster, and as whom: an explicit kubeconfig, $KUBECONFIG, ~/.kube/config, or the pod's own service account.

`kubernetes.config` reads the files and runs credential plugins; here are the choice, the errors and what it does not tell (the namespace).
"""

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deliver.cluster.failures import without_secrets
from deliver.model.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_SHAPE = "it does not have the shape of a kubeconfig"
_DATA = re.compile(r"[{\[].*[}\]]", re.DOTALL)  # the client's errors quote parts of the file, and a user's part holds credentials
_BRACKETS = re.compile(rb"[\[\]{}]")
_DEEPEST = 200
_POOL_SIZE = 64  # watches hold a connection each; urllib3 logs a warning for each one above this


class Unusable(ValueError):
    """A kubeconfig that can be read and leads nowhere; the text is ours, and fit to print."""


@dataclass(frozen=True)
class Place:
    """A cluster as some user sees it. path "": inside a pod. plugin: credentials come from a program that may be slow."""

    configuration: "Configuration"
    path: str
    context: str
    namespace: str
    plugin: bool = False


def locate(kubeconfig: str | None, environ: Mapping[str, str], service_account: str = SERVICE_ACCOUNT) -> str:
    """The kubeconfig to read (several, joined by the path separator, as kubectl takes them), "" inside a pod. Raises InputError."""
    if kubeconfig:
        return _existing(kubeconfig, f"kubeconfig {kubeconfig} does not exist", "check the path given with --kubeconfig")
    if environ.get("KUBECONFIG"):
        named = environ["KUBECONFIG"]
        return _existing(named, f"KUBECONFIG names no file that exists: {named}", "correct or unset KUBECONFIG, or give --kubeconfig")
    usual = _home(Path("~/.kube/config"))
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
    """Read it, run its credential plugin if it has one. Raises InputError."""
    return _from_files(path, context) if path else _from_pod(context)


def _existing(paths: str, what: str, hint: str) -> str:
    with contextlib.suppress(OSError, ValueError):  # no path at all: too long, or with a NUL in it
        if any(_home(Path(one)).exists() for one in paths.split(os.pathsep) if one):
            return paths
    raise InputError(what, hint=hint)


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # no HOME, and the user is not in the password file: usual in containers
        return path


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
    return Place(_tuned(configuration), "", "in-cluster", namespace or "default")


def _from_files(path: str, context: str | None) -> Place:
    from kubernetes.client.configuration import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

    configuration = Configuration()
    with _readable(path):
        _shallow(path)
        merged = KubeConfigMerger(path)
        if merged.config is None:
            raise Unusable("there is nothing in it")
        content = merged.config.value
        chosen = _context(path, content, context)

        def persist() -> None:
            # a refreshed OIDC token is written back as kubectl does; a read-only file must not stop a rollback
            with contextlib.suppress(OSError):
                merged.save_changes()

        loader = KubeConfigLoader(config_dict=merged.config, active_context=chosen["name"], config_base_path=None, config_persister=persist)
        with _plugin_errors() as said:
            loader.load_and_set(configuration)
        details = loader.current_context["context"]
        user = _named(content, "users", details.get("user")).get("user") or {}
        if "server" not in _named(content, "clusters", details.get("cluster")).get("cluster", {}):
            raise Unusable(f"the cluster of context {chosen['name']} has no server")
        if not isinstance(details.get("namespace") or "", str):
            raise Unusable(f"the namespace of context {chosen['name']} is no text")
    if "exec" in user and not (configuration.api_key or configuration.cert_file):
        raise InputError(
            f"the credential plugin of context {chosen['name']} gave no credentials",
            why=without_secrets("; ".join(said)),
            hint="log in with your provider's tool; `kubectl auth whoami` runs the same plugin",
        )
    plugin = "exec" in user or "auth-provider" in user
    return Place(_tuned(configuration), path, chosen["name"], details.get("namespace") or "default", plugin)


def _shallow(paths: str) -> None:
    """PyYAML takes seconds to find out that it cannot read thousands of brackets in each other."""
    for path in filter(None, paths.split(os.pathsep)):
        with contextlib.suppress(FileNotFoundError):
            depth = 0
            for mark in _BRACKETS.finditer(_home(Path(path)).read_bytes()):
                depth += 1 if mark[0] in b"[{" else -1
                if depth > _DEEPEST:
                    raise Unusable("it is nested too deep")


@contextlib.contextmanager
def _readable(path: str) -> Iterator[None]:
    """A damaged file makes the loader raise almost anything; say which file, without its content."""
    import yaml
    from kubernetes.config.config_exception import ConfigException

    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"kubeconfig {path} is not valid YAML{where}", hint="restore it, or give another with --kubeconfig") from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise InputError(f"kubeconfig {path} cannot be read", why=why, hint="check the file and its permissions") from None
    except (ConfigException, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = without_secrets(_DATA.sub("{...}", str(error))) if isinstance(error, (ConfigException, Unusable)) else _SHAPE
        raise InputError(f"kubeconfig {path} cannot be used", why=why, hint="`kubectl config view` shows what is in it") from None


def _context(path: str, content: Mapping[str, Any], wanted: str | None) -> Mapping[str, Any]:
    names = [str(one.value.get("name")) for one in content.get("contexts") or []]
    shown = "contexts there: " + ", ".join(names[:20]) if names else "it has no contexts"
    name = wanted or content.get("current-context")
    if not name:
        raise InputError(f"kubeconfig {path} has no current context", hint=f"name one with --context; {shown}")
    if name not in names:
        raise InputError(f"there is no context {name} in kubeconfig {path}", hint=shown)
    return _named(content, "contexts", name)


def _named(content: Mapping[str, Any], section: str, name: str | None) -> Mapping[str, Any]:
    return next((one.value for one in content.get(section) or [] if one.value.get("name") == name), {})


@contextlib.contextmanager
def _plugin_errors() -> Iterator[list[str]]:
    """kube_config only logs a credential plugin's failure, to the root logger; collect it, and keep it off the terminal."""
    said: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name == "root":
                said.append(record.getMessage())

    handler = Collect(logging.ERROR)
    logging.getLogger().addHandler(handler)
    try:
        yield said
    finally:
        logging.getLogger().removeHandler(handler)


def _tuned(configuration: "Configuration") -> "Configuration":
    """Connections that notice a vanished peer within about half a minute, as many as watches need; no nagging about a skipped TLS check."""
    import urllib3
    from kubernetes.utils.keepalive import tcp_keepalive_socket_options

    configuration.socket_options = tcp_keepalive_socket_options(idle=15, interval=5, count=3)
    configuration.connection_pool_maxsize = _POOL_SIZE
    if not configuration.verify_ssl:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return configuration
