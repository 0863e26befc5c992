"""The sandbox's own record of who asked for what, as audit.py reads the lab's."""

from collections import Counter

from deliver_sandbox.errors import ApiError
from deliver_sandbox.http import access
from deliver_sandbox.http.access import Access
from deliver_sandbox.http.paths import Request
from deliver_sandbox.rbac import User
from tests.e2e.support.audit import Call


class RequestLog:
    """Requests for resources from the moment of its making on."""

    def __init__(self, door: Access) -> None:
        self._log: list[tuple[str, str, str, Call, bool]] = []  # namespace, user, agent, call, allowed
        self._judge = door.check
        door.check = self._check  # type: ignore[method-assign]  # to hear what it says

    def _check(self, request: Request, user: User) -> None:
        asked = access._asked(request)
        one = (asked.namespace, user.name, request.headers.get("user-agent", ""), Call(asked.verb, asked.group, asked.full))
        try:
            self._judge(request, user)
        except ApiError:
            self._log.append((*one, False))
            raise
        self._log.append((*one, True))

    def calls(self, namespace: str, user: str = "", agent: str = "") -> Counter[Call]:
        return Counter(
            call for space, who, what, call, _ in self._log if space == namespace and user in ("", who) and what.startswith(agent)
        )

    def refused(self, namespace: str, user: str) -> Counter[Call]:
        return Counter(call for space, who, _, call, allowed in self._log if space == namespace and who == user and not allowed)
