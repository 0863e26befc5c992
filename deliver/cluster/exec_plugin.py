"""A kubeconfig's credential plugin: called as kubectl calls it, within a time limit, with its own words kept for who has to act on them.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from deliver.cluster.failures import without_secrets
from deliver.formatting.sanitize import clean, json_in

_LARGEST = 1024 * 1024  # bytes of an answer
_WORDS = 300  # characters of what a plugin says for itself
_REST = 1.0  # seconds for the last words: a browser that it has started may keep the pipe open for hours


class PluginFailed(Exception):
    """It gave no credentials. The text is fit to print. hint: what to do, where the kubeconfig tells."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


@dataclass(frozen=True)
class ExecPlugin:
    """cluster: what it is told of the cluster, None for nothing. mode: whether it needs a person at a terminal."""

    version: str
    command: str
    arguments: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()
    mode: str = "IfAvailable"
    install_hint: str = ""
    cluster: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"credential plugin {Path(self.command).name}"


@dataclass(frozen=True)
class Credential:
    """expires: unix seconds, None for never. certificate, key: PEM."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    expires: float | None = None


def run(plugin: ExecPlugin, timeout: float, *, person: bool = False) -> Credential:
    """person: somebody sits at this terminal, sees what the plugin says and may answer. Raises PluginFailed."""
    person = person and sys.stdin is not None and sys.stdin.isatty() and plugin.mode != "Never"
    if plugin.mode == "Always" and not person:
        raise PluginFailed(f"the {plugin} wants a terminal (interactiveMode: Always), and there is none")
    info = {"apiVersion": plugin.version, "kind": "ExecCredential", "spec": {"interactive": person}}
    if plugin.cluster is not None:
        info["spec"]["cluster"] = dict(plugin.cluster)  # type: ignore[index]  # of a dict of two types, the one that is a dict
    environ = os.environ | dict(plugin.environ) | {"KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        process = subprocess.Popen(  # noqa: S603  the kubeconfig names it, as kubectl runs it
            [plugin.command, *plugin.arguments],
            stdin=None if person else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            start_new_session=not person,  # so that its children can be ended with it; who asks a person stays in the foreground
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be started"
        raise PluginFailed(f"the {plugin} cannot be run: {why}", without_secrets(plugin.install_hint)) from None
    answer, words = _heard(process, timeout, plugin, live=person)
    if process.returncode:
        said = f": {words}" if words else f" with exit code {process.returncode} and says nothing"
        raise PluginFailed(f"the {plugin} failed{said}")
    return _credential(plugin, answer, words)


def _heard(process: "subprocess.Popen[bytes]", timeout: float, plugin: ExecPlugin, *, live: bool) -> tuple[bytes, str]:
    """What it answered, and what it said beside. Raises PluginFailed when its time is over."""
    assert process.stdout is not None
    assert process.stderr is not None
    answer, said = bytearray(), bytearray()
    readers = [
        threading.Thread(target=_read, args=(process.stdout, answer, _LARGEST, False), name="deliver-plugin", daemon=True),
        threading.Thread(target=_read, args=(process.stderr, said, _LARGEST, live), name="deliver-plugin", daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        _end(process, group=not live)
        raise PluginFailed(f"the {plugin} did not answer within {timeout:g} s{_colon(_words(said))}") from None
    except BaseException:
        _end(process, group=not live)
        raise
    for reader in readers:
        reader.join(_REST)
    return bytes(answer), _words(said)


def _read(stream: IO[bytes], into: bytearray, most: int, live: bool) -> None:
    with contextlib.suppress(OSError, ValueError), stream:
        while piece := os.read(stream.fileno(), 4096):
            into += piece
            del into[:-most]  # what counts comes last
            if live and sys.stderr is not None:  # a prompt has no end of its line
                sys.stderr.write("\n".join(clean(line) for line in piece.decode("utf-8", "replace").split("\n")))
                sys.stderr.flush()


def _end(process: "subprocess.Popen[bytes]", *, group: bool) -> None:
    with contextlib.suppress(OSError):
        if group and hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_REST)


def _words(said: bytearray) -> str:
    """The last of it: what it asks for comes at the end, after warnings and stack traces."""
    text = bytes(said).decode("utf-8", "replace")
    if len(text) > _WORDS:
        text = f"... {text[-_WORDS:].partition(' ')[2] or text[-_WORDS:]}"  # from a word on: half a token is not known for one
    return without_secrets(text)


def _colon(text: str) -> str:
    return f": {text}" if text else ""


def _credential(plugin: ExecPlugin, answer: bytes, words: str) -> Credential:
    """Of what it wrote nothing is quoted: it may hold a token."""
    data = json_in(answer)
    status = data.get("status") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.get("kind") != "ExecCredential" or not isinstance(status, dict):
        raise PluginFailed(f"the {plugin} did not answer with an ExecCredential{_colon(words)}")
    if data.get("apiVersion") != plugin.version:
        given = without_secrets(str(data.get("apiVersion")))
        raise PluginFailed(f"the {plugin} answered in {given}, and the kubeconfig asks for {plugin.version}")
    token, certificate, key = (status.get(name) or "" for name in ("token", "clientCertificateData", "clientKeyData"))
    if not all(isinstance(value, str) for value in (token, certificate, key)) or not (token or certificate):
        raise PluginFailed(f"the {plugin} gave neither a token nor a certificate{_colon(words)}")
    if bool(certificate) != bool(key):
        raise PluginFailed(f"the {plugin} gave a certificate without its key, or a key alone")
    if not (token.isascii() and token.isprintable()):
        raise PluginFailed(f"the {plugin} gave a token that cannot be sent")
    return Credential(token.strip(), certificate, key, _moment(plugin, status.get("expirationTimestamp")))


def _moment(plugin: ExecPlugin, text: object) -> float | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise PluginFailed(f"the {plugin} gave an expirationTimestamp that is no time") from None
