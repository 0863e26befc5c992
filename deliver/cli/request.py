"""A release as it was asked for, with what was found out on the way."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deliver.model.spec import ReleaseSpec

if TYPE_CHECKING:
    from deliver.engine.preflight.deployment import Proposal
    from deliver.plugins.interfaces import Finding

Findings = tuple["Finding", ...]


@dataclass(frozen=True)
class Asked:
    """notes: how the metrics that nobody named were found, in lines. word: what these metrics make of the preflight's findings."""

    spec: ReleaseSpec
    notes: tuple[str, ...] = ()
    word: Callable[["Findings"], "Findings"] = lambda findings: findings

    def checked(self, proposal: "Proposal") -> "Proposal":
        return replace(proposal, findings=self.word(proposal.findings))
