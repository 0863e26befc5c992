"""Unleash's admin API: what each answer means. The token is read at each call, and stands in no message."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from deliver.cluster.port import Access
from deliver.flags.document import nearest
from deliver.flags.http import FlagHttpClient, reason_in, token_of
from deliver.flags.unleash.options import UnleashOptions
from deliver.flags.unleash.rules import Operation, Setting, setting
from deliver.http.client import Reply
from deliver.model.errors import ClusterError, Conflict, Forbidden, NotFound, Rejected, Unreachable
from deliver.plugins.flags import FlagGone, FlagReach

REQUEST_TIMEOUT = 8.0
EVENTS = 50
SWITCHES = ("feature-environment-enabled", "feature-environment-disabled")
NOBODY = "00000000-0000-4000-8000-000000000000"
"""The id of no strategy."""


class UnleashApi:
    def __init__(self, options: UnleashOptions, reach: FlagReach, caller: FlagHttpClient | None = None) -> None:
        self.options, self.reach, self.caller = options, reach, caller or FlagHttpClient()

    # -- the flag

    def setting(self, flag: str, timeout: float = REQUEST_TIMEOUT) -> Setting:
        reply = self._send("GET", self._environment(flag), timeout=timeout)
        if reply.status == 404:
            raise self._missing(flag, reply)
        data = self._data(reply, f"read flag `{flag}`")
        if not isinstance(data, dict) or "strategies" not in data:
            raise self._strange()
        return setting(data)

    def patch(self, flag: str, strategy: str, operations: Sequence[Operation], timeout: float = REQUEST_TIMEOUT) -> None:
        """Raises Conflict when a `test` among them does not hold."""
        reply = self._send("PATCH", f"{self._environment(flag)}/strategies/{quote(strategy, safe='')}", list(operations), timeout)
        if reply.status == 500 and b"TEST_OPERATION_FAILED" in reply.body:
            raise Conflict("the flag was changed by somebody else", status=409, why="its strategy is not what was read")
        self._data(reply, f"change the rollout of flag `{flag}`")

    def switch(self, flag: str, *, on: bool) -> None:
        reply = self._send("POST", f"{self._environment(flag)}/{'on' if on else 'off'}")
        if reply.status == 404:
            raise self._missing(flag, reply)
        if reply.status == 400 and b"ArchivedFeatureError" in reply.body:
            raise self._archived(flag, reply)
        self._data(reply, f"turn flag `{flag}` {'on' if on else 'off'}")

    def feature(self, flag: str) -> Mapping[str, Any]:
        """What holds in all environments: dependencies. Raises FlagGone for an archived flag."""
        reply = self._send("GET", f"{self._project()}/features/{quote(flag, safe='')}")
        if reply.status == 404:
            self.setting(flag)  # whatever else is not there says so itself
            raise self._archived(flag, reply)
        data = self._data(reply, f"read flag `{flag}`")
        return data if isinstance(data, dict) else {}

    def archived(self, flag: str) -> bool:
        try:
            self.feature(flag)
        except FlagGone:
            return True
        return False

    def switched_since(self, flag: str, note: str, value: str) -> bool:
        """Whether somebody has switched the environment on or off after the kill that followed when `note` got that value in a strategy's
        parameters, by the server's own log. False where it has none, or may not be read: then what stands there is all that is known.
        """
        try:
            reply = self._send("GET", f"/api/admin/search/events?feature=IS:{quote(flag, safe='')}&limit={EVENTS}")
        except Unreachable:
            return False
        data = reply.data() if reply.status == 200 else None
        events = data.get("events") if isinstance(data, dict) else None
        switches = 0
        for event in events if isinstance(events, list) else ():
            if not isinstance(event, dict) or event.get("environment") != self.options.environment:
                continue
            switches += event.get("type") in SWITCHES
            if _parameters(event.get("data")).get(note) == value != _parameters(event.get("preData")).get(note):
                break
        return switches > 1  # one is the kill

    def stamp(self) -> str:
        return f"{self.reach.clock():.3f}"

    def evaluate(self, flag: str, context: Mapping[str, Any]) -> tuple[list[bool], int]:
        """For each user of the context whether the server gives it the flag; and how many flags it looked at."""
        body = {"projects": [self.options.project], "environments": [self.options.environment], "context": context}
        data = self._data(self._send("POST", "/api/admin/playground/advanced", body), f"evaluate flag `{flag}`")
        features = data.get("features") if isinstance(data, dict) else None
        if not isinstance(features, list):
            raise self._strange()
        for one in features:
            if isinstance(one, dict) and one.get("name") == flag:
                rows = (one.get("environments") or {}).get(self.options.environment) or []
                return [row.get("isEnabled") is True and not row.get("hasUnsatisfiedDependency") for row in rows], len(features)
        raise NotFound(f"the server evaluates no flag `{flag}` in {self.options.project}/{self.options.environment}", status=404)

    # -- rights and rules, asked for without changing anything

    def may_kill(self, flag: str) -> None:
        """Turn off a flag that is not there: who may not is told so (403) before the server looks for it (404)."""
        self._allowed("POST", f"{self._environment(_nowhere(flag))}/off", None, "turn a flag off, which a rollback needs")

    def may_set(self, flag: str) -> None:
        self._allowed("PATCH", f"{self._environment(_nowhere(flag))}/strategies/{NOBODY}", [], "change a rollout")

    def _allowed(self, method: str, path: str, body: Any, what: str) -> None:
        reply = self._send(method, path, body)
        if reply.status != 404:
            self._data(reply, what)

    def change_requests(self) -> bool:
        """Somebody has to approve each change of this environment (Unleash Enterprise)."""
        reply = self._send("GET", f"{self._project()}/change-requests/config")
        rows = reply.data() if reply.status == 200 else None
        known = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return any(row.get("changeRequestEnabled") for row in known if row.get("environment") == self.options.environment)

    # -- parts

    def _project(self) -> str:
        return f"/api/admin/projects/{quote(self.options.project, safe='')}"

    def _environment(self, flag: str) -> str:
        return f"{self._project()}/features/{quote(flag, safe='')}/environments/{quote(self.options.environment, safe='')}"

    def _send(self, method: str, path: str, body: Any = None, timeout: float = REQUEST_TIMEOUT) -> Reply:
        token = token_of(self.reach.environ, self.options.token_env)
        access = Access(self.options.url, lambda: {"Authorization": token})
        try:
            return self.caller.send(access, method, path, body=body, timeout=timeout)
        except Unreachable as error:
            raise Unreachable(f"Unleash at {self.options.url}: {error.what}", status=error.status, why=error.why) from None

    def _data(self, reply: Reply, what: str) -> Any:
        """The answer's data; an error for all that is no success."""
        if 200 <= reply.status < 300:
            return reply.data()
        said = reason_in(reply).partition(" name: ")[0]
        if reply.status == 401:
            hint = f"put a valid admin token into {self.options.token_env}"
            raise Forbidden("Unleash does not accept the token: it is wrong, revoked or expired", status=401, why=said, hint=hint)
        if reply.status == 403:
            hint = "it takes an admin token, or a personal one with rights on this project and environment"
            raise Forbidden(f"the token in {self.options.token_env} may not {what}", status=403, why=said, hint=hint)
        if 300 <= reply.status < 400:
            raise Rejected(
                f"{self.options.url} sends us elsewhere ({reply.status})", status=reply.status, hint="give the final address as `url`"
            )
        if reply.status == 404:
            raise NotFound(f"Unleash at {self.options.url} cannot {what}", status=404, why=said)
        if reply.status >= 500:
            raise Unreachable(f"Unleash answered {reply.status}", status=reply.status, why=said)
        raise Rejected(f"Unleash will not {what}", status=reply.status, why=said)

    def _archived(self, flag: str, reply: Reply) -> FlagGone:
        return FlagGone(f"flag `{flag}` is archived in Unleash", status=404, why=reason_in(reply), hint="revive it in Unleash first")

    def _missing(self, flag: str, reply: Reply) -> ClusterError:
        """Which of the three names is wrong, as far as the token can see."""
        options = self.options
        if b"path you were looking for" in reply.body:
            return self._strange()
        overview = self._send("GET", f"{self._project()}/overview")
        if overview.status == 404 and "No project" in reason_in(overview):
            return NotFound(f"Unleash has no project `{options.project}`", status=404, hint="name the right `project`")
        names = _names(self._send("GET", "/api/admin/environments"), "environments")
        if names and options.environment not in names:
            hint = nearest(options.environment, dict.fromkeys(names))
            return NotFound(f"Unleash has no environment `{options.environment}`", status=404, hint=hint)
        listed = self._send("GET", f"{self._project()}/features")
        if not isinstance(listed.data(), dict):
            return self._strange()
        flags = _names(listed, "features")
        if flag in flags:
            return NotFound(f"flag `{flag}` is not in environment `{options.environment}`", status=404, why=reason_in(reply))
        return FlagGone(
            f"no flag `{flag}` in project `{options.project}` of Unleash",
            status=404,
            why=reason_in(reply),
            hint=nearest(flag, dict.fromkeys(flags)),
        )

    def _strange(self) -> Rejected:
        return Rejected(
            f"{self.options.url} does not answer as Unleash does", status=422, hint="`url` is the server's address, without /api"
        )


def _parameters(strategy: Any) -> Mapping[str, Any]:
    found = strategy.get("parameters") if isinstance(strategy, dict) else None
    return found if isinstance(found, dict) else {}


def _names(reply: Reply, key: str) -> list[str]:
    data = reply.data()
    rows = data.get(key) if isinstance(data, dict) else None
    return [str(row.get("name")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _nowhere(flag: str) -> str:
    return f"{flag[:50]}.deliver-asks-for-rights"
