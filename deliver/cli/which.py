"""Which release a command is about: a number or an id out of `deliver history`."""

from typing import TYPE_CHECKING

from deliver.cli.options import Option
from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.model.spec import Target

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster

WHICH = Option("release", "number or id out of `deliver history`; default: the newest", metavar="N|ID")


def known(cluster: "KubernetesCluster", target: Target) -> list[Release]:
    """The live release, if there is one, and the past ones, newest first."""
    from deliver.engine import commands

    live = commands.current(cluster, target)[0]
    return [*([live] if live else []), *commands.history(cluster, target)]


def chosen(wanted: str | None, releases: list[Release], target: object) -> Release:
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
