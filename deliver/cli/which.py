"""Which release a command is about: a number or an id out of `deliver history`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deliver.cli.options import Option
from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.model.spec import Target

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster

WHICH = Option("release", "number or id out of `deliver history`; default: the newest", metavar="N|ID")


def known(cluster: "KubernetesCluster", target: Target, wanted: str | None) -> tuple[Release, ...]:
    """The live release, if there is one, and the past ones, newest first. Out of the record alone: nothing else has to be there."""
    from deliver.engine import commands

    record = commands.recorded(cluster, target)
    if wanted is None:  # a past one can be read, whatever became of the newest
        commands.require_readable(record, target)
    return record.releases


def chosen(wanted: str | None, releases: Sequence[Release], target: object) -> Release:
    if not releases:
        raise none_of(target)
    found = next((release for release in releases if wanted in (None, release.id, str(release.number))), None)
    if found is None:
        known = ", ".join(dict.fromkeys(str(release.number) for release in releases))
        raise InputError(f"no release `{wanted}` of {target}", why=f"known: {known}", hint="`deliver history` lists them")
    return found


def none_of(target: object) -> InputError:
    return InputError(
        f"no release of {target} is known", why="there is no record of one in the cluster", hint="check TARGET and --namespace"
    )
