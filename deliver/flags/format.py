"""What the back ends in flagd's format share: the four verbs on a flag that stands in a text, and the confirmation by OFREP.

A back end says where the text is: it reads it, and replaces it on condition. Everything else is here.
"""

from collections.abc import Callable, Sequence

from deliver.flags.document import Document, parse
from deliver.flags.http import Caller, token_of
from deliver.flags.ofrep import Instance, Probe, Wanted
from deliver.flags.options import FlagdOptions
from deliver.flags.rollout import Flag, Variants, marks_of, rolled, share, unmarked, version_after
from deliver.model.errors import ClusterError, Conflict, Rejected, Superseded
from deliver.model.seen import Ack, FlagState, PodSeen
from deliver.plugins.flags import FlagReach, Mark
from deliver.plugins.interfaces import Finding, Object

MOST = 20  # pods that are asked before a release starts


class Editor:
    """The changes of one release to one flag. now: unix seconds, for the version."""

    def __init__(self, names: Variants, now: Callable[[], float]) -> None:
        self.names, self.now = names, now

    def set(self, flag: Flag, percent: float, mark: Mark, revision: str, if_revision: str) -> Flag | None:
        """None: it says so already, by us. Raises Conflict when somebody else wrote."""
        there = marks_of(flag)
        if there.release == mark.release and there.fence > mark.fence:
            raise Superseded("the flag carries a newer fence", why="another driver took the release over")
        if (there.release, there.step) == (mark.release, mark.step) and share(flag, self.names)[0] == percent:
            return None
        if revision != if_revision:
            raise Conflict("the flag was changed by somebody else", status=409, why=f"revision {revision} stands there, not {if_revision}")
        return rolled(flag, self.names, percent, mark, version_after(there, self.now()))

    def kill(self, flag: Flag, mark: Mark) -> Flag | None:
        there = marks_of(flag)
        dead = rolled(flag, self.names, 0.0, mark, there.version)
        same = there.version and there.release == mark.release and {**dead, "metadata": 0} == {**flag, "metadata": 0}
        return None if same else rolled(flag, self.names, 0.0, mark, version_after(there, self.now()))

    def release(self, flag: Flag) -> Flag | None:
        clean = unmarked(flag)
        return None if clean is flag else clean


class Confirmation:
    """Whether what stands in the text is served."""

    def __init__(self, options: FlagdOptions, reach: FlagReach, caller: Caller | None = None) -> None:
        self.options, self.reach = options, reach
        self.names = Variants(options.treatment, options.safe)
        self.probe = Probe(path=options.path, users=options.users, headers=self._headers, caller=caller)

    def _headers(self) -> dict[str, str]:
        if not self.options.token_env:
            return {}
        token = token_of(self.reach.environ, self.options.token_env)
        return {"Authorization": f"Bearer {token}"} if self.options.token_header == "Authorization" else {"X-API-Key": token}

    def of(self, flag: str, definition: Flag, percent: float, instances: Sequence[Instance]) -> Ack:
        if not instances:
            return Ack(0, 0, "there is nobody to ask", lag=self.options.wait)
        treatment = (definition.get("variants") or {}).get(self.names.treatment)
        return self.probe.confirm(flag, Wanted(marks_of(definition).version, percent, self.names, treatment), instances)

    def pods(self, names: Sequence[str]) -> list[Instance]:
        return [Instance(name, self.reach.pod(name, self.options.port)) for name in names]

    def by_pods(self, flag: str, definition: Flag, percent: float, pods: Sequence[PodSeen]) -> Ack:
        if not self.options.port:
            return Ack(0, 0, "no OFREP port is given (`port`), so nobody can be asked", lag=self.options.wait)
        return self.of(flag, definition, percent, self.pods([pod.name for pod in pods]))

    def findings(self, flag: str, instances: Sequence[Instance]) -> list[Finding]:
        """Ask each once before the release: who cannot be asked then will not confirm a change later."""
        silent = []
        for one in instances[:MOST]:
            try:
                self.probe.evaluate(one, flag, "deliver-probe-0")
            except ClusterError as error:
                silent.append(f"{one.name}: {error.what}")
        if not silent:
            return []
        hint = "give the port where they answer OFREP (`port`), or `port: 0` for a release whose changes are waited for and not confirmed"
        return [Finding("no-ofrep", "refuse", f"flag `{flag}` cannot be asked for by OFREP: {'; '.join(silent[:3])}", hint)]


def ready(pods: Sequence[Object]) -> list[str]:
    """Names of the pods that are Ready and not on their way out."""
    return [pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp") and _is_ready(pod)]


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def marked(state: FlagState, where: str) -> list[Finding]:
    """Another release is at it."""
    if not state.release:
        return []
    text = f"the flag in {where} carries the mark of release {state.release}"
    return [
        Finding("marked", "refuse", text, "that release runs still, or was left: `deliver status` and `deliver rollback` for its target")
    ]


def killable(found: Callable[[], Document], kept: Document | None, name: str, names: Variants) -> Document:
    """The document that a kill rewrites. It goes through whatever stands there, so what cannot be read, and a flag that is gone or has
    lost its variants, is taken from what was good before: that is what the applications, which refuse the broken one, serve still.
    """
    try:
        document = found()
        flag, why = document.flags.get(name), ""
        if flag is not None and names.safe in flag["variants"]:
            return document
    except Rejected as error:
        document, why = None, f"{error.what}: {error.why}"
    if kept is None or name not in kept.flags:
        raise Rejected(
            f"flag `{name}` cannot be killed by this process",
            status=422,
            why=f"{why or 'its definition is gone or has lost its safe variant'}, and the one before is not known here",
            hint="put the definition right by hand: no targeting, the safe variant as defaultVariant",
        )
    return parse(document.with_raw(name, kept.raw(name)), document.where) if document else kept


def restorable(found: Callable[[], Document], kept: Document | None) -> Document:
    """The document that the old definition is put back into: what stands; where that is broken, what was good before it."""
    try:
        return found()
    except Rejected:
        if kept is None:
            raise
        return kept
