"""What most commands begin with: the file, the cluster, the target, the actor, the display."""

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deliver.cli.options import Given
from deliver.model.errors import DeliverError, InputError
from deliver.model.exitcodes import ExitCode
from deliver.model.journal import Event, happened
from deliver.model.release import Outcome, Release
from deliver.model.spec import ReleaseSpec, Target

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster
    from deliver.config.document import Document
    from deliver.config.draft import Draft
    from deliver.engine.runtime.reporter import Reporter
    from deliver.engine.runtime.stop_signal import Stop
    from deliver.render.style import Style


def open_cluster(given: Given) -> "KubernetesCluster":
    from deliver.cluster.client import connect

    return connect(given["kubeconfig"], given["context"])


def document(given: Given) -> "Document | None":
    from deliver.config import files

    return files.read(given["file"], _cwd(), _home())


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise InputError("the current folder does not exist any more", hint="change to another folder") from error


def _home() -> Path | None:
    try:
        return Path.home()
    except (RuntimeError, KeyError):
        return None


def draft(given: Given) -> "Draft":
    """The file with the options over it. Raises InputError, also when a file that was only found by itself is about another target."""
    from deliver.config.draft import Draft
    from deliver.config.options import apply_options, deployment_of

    found = document(given)
    draft = Draft.of(found)
    wanted, written = given["target"], draft.get(("target", "deployment"))
    if found and wanted and written and not given["file"] and deployment_of(wanted) != written:
        raise InputError(
            f"{found.source} is about `{written}`, not `{deployment_of(wanted)}`",
            why="its limits and metrics would judge the wrong workload",
            hint="give the right file with -f, or `-f none` to use no file",
        )
    if not found and not wanted:
        named = given.label("target")  # an option where the command has another argument
        told, hint = (named, f"e.g. {named} web") if named.startswith("--") else ("TARGET", "e.g. `deliver canary web`")
        raise InputError("no target", why=f"there is no {told} and no deliver.yaml in this folder or above", hint=hint)
    apply_options(draft, given.values, given.label)
    return draft


def discovers(given: Given, draft: "Draft", wanted: ReleaseSpec) -> bool | None:
    """Is this release to look for metrics by itself? None: only if the workload's last release was judged by some.

    Who names metrics, says `--no-discover`, or writes `metrics: []`, has said what is wanted. A file that is silent has not.
    Users with a flag's treatment are told apart by a label that only its owner can name.
    """
    from deliver.config.build import moves_pods

    named = wanted.analysis.metrics or (wanted.analysis.provider and wanted.analysis.provider.kind != "prometheus")
    if named or "discover" not in given.values or not moves_pods(wanted.strategy):
        return False
    if given["discover"] is not None:
        return bool(given["discover"])
    if draft.document is None:
        return True
    return None if draft.get(("analysis", "metrics")) is None else False


def placed(spec: ReleaseSpec, cluster: "KubernetesCluster") -> ReleaseSpec:
    """With the context's namespace, where nobody named one."""
    return spec if spec.target.namespace else replace(spec, target=replace(spec.target, namespace=cluster.namespace))


def aim(given: Given) -> "tuple[KubernetesCluster, Target]":
    """For the commands that act on a release: they need a name, not a valid file. A broken file never stands in a rollback's way."""
    from deliver.config.draft import Draft
    from deliver.config.options import deployment_of
    from deliver.model.names import kube_name

    try:
        found = Draft.of(document(given))
    except DeliverError:
        if not given["target"] or given["file"]:
            raise
        found = Draft(None)
    written = found.get(("target", "deployment"))
    name = deployment_of(given["target"]) if given["target"] else written
    if not isinstance(name, str):
        raise InputError("no target", why="there is no TARGET and no deliver.yaml here or above", hint="e.g. `deliver status web`")
    own = found.get(("target", "namespace")) if name == written else None
    try:
        kube_name(name)
        cluster = open_cluster(given)
        return cluster, Target(kube_name(given["namespace"] or (own if isinstance(own, str) else None) or cluster.namespace), name)
    except ValueError as error:
        raise InputError(str(error)) from None


def actor(environ: Mapping[str, str]) -> str:
    """Who does it, for journal and lock: DELIVER_ACTOR, else the CI's user and run, else user@host. One line, no control characters."""
    from deliver.formatting.sanitize import clean

    return clean(_actor(environ))[:200] or "unknown"


def _actor(environ: Mapping[str, str]) -> str:
    if named := environ.get("DELIVER_ACTOR"):
        return named
    if user := environ.get("GITHUB_ACTOR"):
        parts = [environ.get(key, "") for key in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
        return f"{user} {parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else user
    if user := environ.get("GITLAB_USER_LOGIN"):
        return f"{user} {environ.get('CI_JOB_URL', '')}".strip()
    return f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the container's passwd
        return f"uid{os.getuid()}"


def reporter(given: Given, *, output: str | None = None, driving: bool = True) -> "Reporter":
    from deliver.render.reporters import make_reporter

    display = make_reporter(
        output=output or given["output"] or "text",
        color=given["color"] or "auto",
        ci=given["ci"] or "auto",
        quiet=bool(given["quiet"]),
        verbose=bool(given["verbose"]),
        stdout=sys.stdout,
        stderr=sys.stderr,
        environ=os.environ,
        clock=time.time,
        driving=driving,
    )
    return telling(display) if driving else display


def telling(display: "Reporter") -> "Reporter":
    """Whoever drives a release also tells those whom its spec names."""
    from deliver.notify.dispatcher import NotifyingReporter
    from deliver.render.view import release_view

    def found(release: Release) -> Any:
        from deliver.notify.loader import load_notifiers  # only a release that names somebody pays for the import

        return load_notifiers(release.spec.notify, os.environ) if release.spec.notify else ()

    return NotifyingReporter(display, found, lambda release, seen: release_view(release, seen, time.time()), time.time)


def notifiable(spec: ReleaseSpec) -> None:
    """Before anything is changed. Raises InputError for a notifier that cannot work."""
    if spec.notify:
        from deliver.notify.loader import load_notifiers

        load_notifiers(spec.notify, os.environ)


def style(given: Given) -> "Style":
    from deliver.render.style import style_for

    return style_for(sys.stdout, given["color"] or "auto", os.environ)


def show(text: str) -> None:
    """Data, to stdout, which may be gone."""
    from deliver.render.out import Out

    Out(sys.stdout).line(text)


def show_view(view: Any, output: str) -> None:
    from deliver.render.lists import to_json, to_yaml

    show(to_yaml(view).rstrip() if output == "yaml" else to_json(view))


def show_as(given: Given, view: Callable[[], Any], text: Callable[["Style"], str]) -> None:
    """The answer in the format that was asked for."""
    if given["output"] in ("json", "yaml"):
        show_view(view(), given["output"])
    else:
        show(text(style(given)))


def say(text: str) -> None:
    """Progress, to stderr."""
    from deliver.render.out import Out

    Out(sys.stderr).line(text)


ENDS = {
    Outcome.PROMOTED: ExitCode.PROMOTED,
    Outcome.ROLLED_BACK: ExitCode.ROLLED_BACK,
    Outcome.HELD: ExitCode.HELD,
    Outcome.ROLLBACK_FAILED: ExitCode.ROLLBACK_FAILED,
}


def ended(release: Release, stop: "Stop", *, taken_back: ExitCode = ExitCode.ROLLED_BACK) -> int:
    """The exit code of a release that was driven. taken_back: of ROLLED_BACK; success for who asked for just that.

    A release that is held, or goes on, because of a signal: 130 or 143, so that a shell knows who stopped it.
    """
    if release.outcome is Outcome.ROLLED_BACK:
        return ExitCode.UNSERVED if happened(release.journal, Event.UNSERVED, release.resumed) else taken_back
    if stop.signum and release.outcome in (None, Outcome.HELD):
        return 128 + stop.signum
    return ENDS[release.outcome] if release.outcome else ExitCode.PROMOTED
