"""Who a call is made by: the credentials that a kubeconfig's user has, and whom that user acts as."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from deliver.cluster.exec_plugin import ExecPlugin

_LEGAL = frozenset("!#$&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~")


@dataclass(frozen=True)
class Impersonation:
    """https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/. user "": nobody else than who signs in."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def headers(self) -> Iterator[tuple[str, str]]:
        """One for each group and each value: the API server takes `a, b` for one group of that name."""
        if not self.user:
            return
        yield "Impersonate-User", _on_the_wire(self.user)
        if self.uid:
            yield "Impersonate-Uid", _on_the_wire(self.uid)
        for group in self.groups:
            yield "Impersonate-Group", _on_the_wire(group)
        for key, values in self.extra:
            for value in values:
                yield f"Impersonate-Extra-{_escaped(key)}", _on_the_wire(value)

    def __str__(self) -> str:
        groups = f" in {', '.join(self.groups)}" if self.groups else ""
        return f"{self.user}{groups}"


def _on_the_wire(value: str) -> str:
    """UTF-8, where http.client would encode Latin-1."""
    return value.encode().decode("latin-1")


def _escaped(key: str) -> str:
    """As client-go does: the API server decodes it."""
    return "".join(char if char in _LEGAL else "".join(f"%{byte:02X}" for byte in char.encode()) for char in key)


@dataclass(frozen=True)
class Login:
    """authorization: a header that stays as it is, and holds where the token file cannot be read.

    token_file: a token that somebody else renews. plugin: a program that gives a token or a certificate.
    """

    authorization: str = ""
    token_file: str = ""
    plugin: ExecPlugin | None = None
    acting: Impersonation = Impersonation()


def bearer(token: str) -> str:
    return f"Bearer {token}" if token else ""


def basic(username: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
