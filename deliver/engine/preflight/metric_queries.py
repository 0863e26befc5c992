"""What the preflight asks of a release's metrics: do its queries work, how long does a step take, what can a plan promise?"""

import time

from deliver.cluster.port import Cluster
from deliver.engine.core.exposure import exposed_by
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.analysis_factory import provider_of
from deliver.model.spec import ReleaseSpec
from deliver.plugins.interfaces import Finding


def query_findings(cluster: Cluster, spec: ReleaseSpec, proposal: Proposal, wanted: float | None) -> list[Finding]:
    """Every configured query is run once on the stable pods: a typo found here is not a blind release."""
    if spec.analysis.provider is None or not spec.analysis.metrics or proposal.refusals("input"):
        return []
    from deliver.metrics.preflight import try_queries  # only a release with metrics pays for its import

    provider, variant = provider_of(cluster, spec.analysis), exposed_by(proposal.release).comparison(proposal.release).variant
    found = try_queries(spec.analysis, provider, spec.target.namespace, proposal.stable, variant=variant)
    if not any(finding.level in ("input", "refuse") for finding in found):
        from deliver.metrics.step_duration import step_duration_findings

        found += step_duration_findings(proposal.release, provider, proposal.stable, time.monotonic)
    if wanted is None or any(finding.level in ("input", "refuse") for finding in found):
        return found
    from deliver.metrics.detectability import detectability_findings

    return [*found, *detectability_findings(proposal.release, provider, proposal.stable, time.monotonic, wanted)]
