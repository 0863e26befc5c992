"""Kubeconfigs: damaged, with wrong types, with credential plugins that do not exist. They are read as every command reads them."""

from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import yaml

from deliver.cluster.client import connect
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode
from tests.hostile.mutate import WORDS, mutated, spoilt
from tests.hostile.specs import LAUGHS, told
from tests.hostile.watch import Fault, deliver

CERTIFICATE = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk5PVE9ORQotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg=="
USERS: tuple[dict[str, Any], ...] = (
    {"token": "secret-canary-token"},
    {"username": "me", "password": "secret-canary-password"},
    {"client-certificate-data": CERTIFICATE, "client-key-data": CERTIFICATE},
    {"tokenFile": "nowhere"},
    {
        "token": "secret-canary-token",
        "as": "system:serviceaccount:shop:ci",
        "as-uid": "1",
        "as-groups": ["a", "b"],
        "as-user-extra": {"scopes": ["one", "two"]},
    },
    {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "no-such-plugin",
            "env": [{"name": "AWS_PROFILE", "value": "secret-canary-profile"}],
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": True,
            "installHint": "install it",
        }
    },
    {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "args": ["token"], "interactiveMode": "Never"}},
    {"auth-provider": {"name": "oidc", "config": {"id-token": "a.b.c", "refresh-token": "secret-canary-refresh"}}},
)


SERVERS: tuple[dict[str, Any], ...] = (
    {"server": "http://127.0.0.1:9", "insecure-skip-tls-verify": True},
    {"server": "https://127.0.0.1:9", "certificate-authority-data": CERTIFICATE, "tls-server-name": "kubernetes"},
    {"server": "https://127.0.0.1:9", "proxy-url": "http://me:secret-canary-proxy@127.0.0.1:9", "disable-compression": True},
    {"server": "http://127.0.0.1:9", "proxy-url": "socks5://127.0.0.1:9"},
    {
        "server": "http://127.0.0.1:9",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "shop"}}],
    },
)


def config(user: dict[str, Any], server: dict[str, Any] = SERVERS[0]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "one", "cluster": server}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me", "namespace": "shop"}}],
        "current-context": "here",
    }


def text_of(random: Random) -> bytes:
    tree = config(random.choice(USERS), random.choice(SERVERS))
    text = yaml.dump(mutated(random, tree) if random.random() < 0.9 else tree, Dumper=yaml.SafeDumper, allow_unicode=random.random() < 0.5)
    match random.randrange(20):
        case 0:
            return (LAUGHS + text).encode("utf-8", "surrogatepass")
        case 1 | 2 | 3 | 4 | 5 | 6:
            return spoilt(random, text)
    return text.encode("utf-8", "surrogatepass")


def case(seed: int) -> None:
    random = Random(f"kubeconfig {seed}")
    path = Path("kubeconfig")
    path.write_bytes(text_of(random))
    context = random.choice((None, None, None, "here", random.choice(WORDS)))
    if seed % 20 == 0:
        with mock.patch(
            "deliver.cluster.client.connect", partial(connect, deadline=0.2)
        ):  # a file that is whole leads to nobody who answers
            code, out, err = deliver("status", "web", "--kubeconfig", str(path), *(["--context", context] if context else []))
        if code not in (ExitCode.USAGE, ExitCode.UNREACHABLE):
            raise Fault(f"exit code {code}")
        if "secret-canary" in out + err:
            raise Fault("a secret was printed")
        return
    try:
        connect(str(path), context)
    except InputError as error:
        told(error)
        if "secret-canary" in f"{error.what} {error.why} {error.hint}":
            raise Fault("a secret is in the message") from None
