"""Whether what stands in a document of flagd's format is served: its readers are asked by OFREP."""

from collections.abc import Sequence

from deliver.cluster.pods import is_leaving, is_ready
from deliver.flags.http import FlagHttpClient, token_of
from deliver.flags.ofrep import Instance, OfrepProbe, Wanted
from deliver.flags.options import FlagdOptions
from deliver.flags.rollout import Flag, Variants, marks_of, why_off
from deliver.model.errors import ClusterError
from deliver.model.objects import Object
from deliver.model.observation import Ack
from deliver.plugins.flags import FlagReach
from deliver.plugins.interfaces import Finding

MOST = 20  # pods that are asked before a release starts


class Confirmation:
    """instances: who is asked instead of the pods."""

    def __init__(self, options: FlagdOptions, reach: FlagReach, caller: FlagHttpClient | None, instances: Sequence[Instance]) -> None:
        self.options, self.reach, self.instances = options, reach, instances
        self.names = Variants(options.treatment, options.safe)
        self.probe = OfrepProbe(path=options.path, users=options.users, headers=self._headers, caller=caller)

    def _headers(self) -> dict[str, str]:
        if not self.options.token_env:
            return {}
        token = token_of(self.reach.environ, self.options.token_env)
        return {"Authorization": f"Bearer {token}"} if self.options.token_header == "Authorization" else {"X-API-Key": token}

    def asked(self, pods: Sequence[str]) -> Sequence[Instance]:
        """Who can be asked, with the pods of these names."""
        if self.instances or not self.options.port:
            return self.instances
        return [Instance(name, self.reach.pod(name, self.options.port)) for name in pods]

    def of(self, flag: str, definition: Flag, percent: float, instances: Sequence[Instance]) -> Ack:
        if why_off(definition):
            return self.of_nobody(flag, instances)
        if not instances:
            return self._nobody_asked()
        treatment = (definition.get("variants") or {}).get(self.names.treatment)
        return self.probe.confirm(flag, Wanted(marks_of(definition).version, percent, self.names, treatment), instances)

    def of_nobody(self, flag: str, instances: Sequence[Instance]) -> Ack:
        """Of a flag that is disabled, or not there: no instance gives anybody a variant of it."""
        return self.probe.refused(flag, self.names, instances) if instances else self._nobody_asked()

    def _nobody_asked(self) -> Ack:
        how = "there is nobody to ask" if self.options.port else "no OFREP port is given (`port`), so nobody can be asked"
        return Ack(0, 0, how, lag=self.options.wait)

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
    return [pod["metadata"]["name"] for pod in pods if not is_leaving(pod) and is_ready(pod)]
