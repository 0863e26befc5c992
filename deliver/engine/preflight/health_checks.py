"""What the preflight asks of a release's health checks: can they be asked from here?"""

from collections.abc import Callable
from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.analysis_factory import checks_of
from deliver.model.frozen import replace
from deliver.model.spec import Analysis
from deliver.plugins.interfaces import Finding

CheckMaker = Callable[[Cluster, Analysis], list[tuple[str, Any]]]


def health_findings(cluster: Cluster, proposal: Proposal, made: CheckMaker = checks_of) -> list[Finding]:
    """Each check, of the release and of its steps, is asked once of a stable pod. made: makes the checks."""
    release = proposal.release
    health = [*release.spec.analysis.health]
    health += [check for step in release.plan.steps for check in step.checks if check not in health]
    if not health or proposal.refusals("input"):
        return []
    from deliver.metrics.check_preflight import try_checks  # only a release with checks pays for its import

    return try_checks(made(cluster, replace(release.spec.analysis, health=tuple(health))), release.spec.target.namespace, proposal.stable)
