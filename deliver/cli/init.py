"""`init`: a first deliver.yaml, written from what stands in the cluster."""

from pathlib import Path
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANALYSIS, ANSWER, PLACE, QUIET, TARGETING, Given, Option
from deliver.cli.prompt import ask
from deliver.cli.typer_commands import command
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode
from deliver.model.spec import Target

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster
    from deliver.config.draft import Draft

DEPLOYMENT = Option("target", "the Deployment; default: the only one of the namespace", metavar="DEPLOYMENT")
WRITE = Option("write", "file to write instead of stdout", "-o", metavar="FILE")
FORCE = Option("force", "write over a file that is there", kind="flag")


def make(name: str, summary: str) -> TyperCommand:
    options = (WRITE, FORCE, *PLACE[:3], *TARGETING[:2], *ANALYSIS[:2], *ANSWER, QUIET)
    return command(name, summary, init, options, argument=DEPLOYMENT)


def init(given: Given) -> int:
    from deliver.discovery import yaml_writer
    from deliver.discovery.discover import discover
    from deliver.discovery.workload import read_workload
    from deliver.formatting.sanitize import clean

    path = Path(given["write"]) if given["write"] and given["write"] != "-" else None
    _free(path, force=bool(given["force"]))
    cluster = context.open_cluster(given)
    target = _target(given, cluster)
    draft = _draft(given, target)
    image = draft.get(("image",)) or ""
    workload = read_workload(cluster, target, given["container"] or "", image)
    found = discover(cluster, workload, ask, draft.get(("analysis", "prometheus")))
    text = yaml_writer.yaml_text(workload, found, image)
    if path is None:
        context.show(text.rstrip())
    else:
        _write(path, text, force=bool(given["force"]))
    if not given["quiet"]:
        for line in (*workload.notes, *found.notes):
            context.say(clean(line))
        context.say(_next(path, image))
    return ExitCode.PROMOTED


def _next(path: Path | None, image: str) -> str:
    named = f"-f {path} " if path and path.name != "deliver.yaml" else ""
    new = "" if image else "--image REPO:TAG "
    wrote = f"wrote {path}; next: " if path else "to keep it: deliver init -o deliver.yaml; then: "
    return f"{wrote}deliver plan {named}{new}".rstrip()


def _target(given: Given, cluster: "KubernetesCluster") -> Target:
    from deliver.config.options import deployment_of
    from deliver.discovery.workload import choose_deployment
    from deliver.model.names import kube_name

    try:
        namespace = kube_name(given["namespace"] or cluster.namespace)
        wanted = kube_name(deployment_of(given["target"])) if given["target"] else choose_deployment(cluster, namespace, ask)
        return Target(namespace, wanted)
    except ValueError as error:
        raise InputError(str(error)) from None


def _draft(given: Given, target: Target) -> "Draft":
    """What the command line says, checked as a file is."""
    from deliver.config.build import check
    from deliver.config.draft import Draft
    from deliver.config.options import apply_options

    draft = Draft(None)
    names = ("image", "container", "prometheus", "prometheus_header")
    apply_options(draft, {"target": target.deployment, **{name: given[name] for name in names}}, given.label)
    if given["prometheus_header"] and not given["prometheus"]:
        raise InputError(f"option {given.label('prometheus_header')} needs {given.label('prometheus')}", hint="say whom the header is for")
    check(draft)
    return draft


def _free(path: Path | None, *, force: bool) -> None:
    """Said before anything is asked, not after."""
    if path is not None and path.exists() and not force:
        raise _taken(path)


def _taken(path: Path) -> InputError:
    return InputError(f"{path} is there already", why="init overwrites nothing", hint="another -o FILE, or --force")


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise InputError(f"cannot write {path}", why=error.strerror or "", hint="another -o FILE") from None
