"""What a run would do, and the refusal of one that must not begin. Reads only."""

from deliver.cluster.port import Cluster
from deliver.engine.commands.deps import router_of
from deliver.engine.commands.occupied import require_free
from deliver.engine.preflight import causes, deployment, flag
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.preflight.health_checks import CheckMaker, health_findings
from deliver.engine.preflight.metric_queries import query_findings
from deliver.engine.runtime.analysis_factory import checks_of
from deliver.engine.runtime.flag_client import FlagClientFactory, make_flag_client
from deliver.engine.runtime.record_store import Store
from deliver.model.frozen import replace
from deliver.model.spec import ReleaseSpec
from deliver.plugins import registry
from deliver.plugins.interfaces import moves_users


def propose(
    cluster: Cluster,
    spec: ReleaseSpec,
    *,
    actor: str,
    now: float,
    flag_clients: FlagClientFactory = make_flag_client,
    wanted: float | None = None,
    checks: CheckMaker = checks_of,
) -> Proposal:
    """What a run would do. Reads only. Raises Locked where a release holds the target.

    wanted: how soon a regression is found is told too; above 0, one (times as bad) that the steps shall be long enough for.
    checks: makes the health checks.
    """
    strategy = registry.load("deliver.strategies", spec.strategy)
    options = strategy.Options.model_validate(dict(spec.options)) if not hasattr(spec.options, "model_dump") else spec.options
    record = Store(cluster, spec.target).load()
    require_free(cluster, spec.target, record, now)
    if moves_users(strategy):
        proposal = flag.propose(cluster, spec, options, strategy(), record, flag_clients, actor=actor, now=now)
    else:
        proposal = deployment.propose(cluster, spec, options, strategy(), router_of(spec), record, actor=actor, now=now)
    asked = (*query_findings(cluster, spec, proposal, wanted), *health_findings(cluster, proposal, checks))
    return replace(proposal, findings=(*proposal.findings, *asked))


def refuse(proposal: Proposal) -> None:
    """Raise what the preflight found, the gravest first."""
    if error := causes.refusal(proposal.findings):
        raise error
