"""`replay`: what would have happened? Past data of Prometheus, judged with this spec."""

import time
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANALYSIS, COLOR, PLACE, QUIET, Given, Option, output, parsed, whole
from deliver.cli.signals import stoppable
from deliver.cli.typer_commands import command
from deliver.cli.which import WHICH, chosen, known
from deliver.model.errors import InputError, Unreachable
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver.model.release import Release
    from deliver.model.spec import Analysis, Target
    from deliver.replay.question import Question

OPTIONS = (
    Option(
        "since",
        "with pods or --aa: judge the time from then until now [default: 1h]; else the newest release of that time",
        metavar="DURATION",
    ),
    Option("candidate_pods", "names of the candidate's pods, a regular expression", metavar="REGEX"),
    Option("stable_pods", "names of the stable pods [default: all others of the Deployment]", metavar="REGEX"),
    Option("candidate_hash", "pod-template-hash of the candidate's pods", metavar="HASH"),
    Option("stable_hash", "pod-template-hash of the stable pods", metavar="HASH"),
    Option("aa", "false alarms: split the stable pods at random so many times, and judge them against each other", metavar="N"),
    Option("share", "with --aa: share of the pods that stand for a candidate [default: 25%]", metavar="PERCENT"),
    Option("seed", "with --aa: of chance; another one, other splits [default: 1]", metavar="N"),
    Option("detailed_exitcode", "exit with 3 where it would have been taken back, 7 where it would have been held", kind="flag"),
)


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, run, (WHICH, *OPTIONS, *ANALYSIS, *PLACE, output("text", "json", "yaml"), COLOR, QUIET))


def run(given: Given) -> int:
    from deliver.engine.runtime.analysis_factory import provider_of
    from deliver.plugins.interfaces import MetricsError

    cluster, target = context.aim(given)
    release = _release(given, cluster, target)
    analysis = _analysis(given, release, target)
    try:
        provider = provider_of(cluster, analysis)
        if provider is None:
            why = f"{release.id} was judged without metrics" if release and not release.spec.analysis.metrics else ""
            raise InputError("no metric provider is named", why=why, hint="--prometheus NAMESPACE/SERVICE:PORT, or `analysis` of a file")
        question = _question(given, release, analysis, target, provider.now(10.0))
        if given["aa"]:
            return _alarms(given, question, provider)
        return _replay(given, question, provider, release)
    except MetricsError as error:
        if error.bad_query:
            raise InputError(
                f"Prometheus does not take the query: {error}", hint="check the regular expressions and the selectors"
            ) from error
        raise Unreachable(f"the past cannot be read: {error}", hint="`deliver doctor` checks Prometheus") from error


def _release(given: Given, cluster: Any, target: "Target") -> "Release | None":
    """The one to judge again; None where the pods are named, or only stable ones are asked about."""
    named = next((name for name in ("aa", "candidate_pods", "candidate_hash") if given[name]), "")
    if named and given["release"]:
        raise InputError(f"{given.label('release')} and {given.label(named)} exclude each other", hint="keep one of them")
    if named:
        return None
    if stable := next((name for name in ("stable_pods", "stable_hash") if given[name]), ""):
        raise InputError(f"{given.label(stable)} needs {given.label('candidate_pods')} or {given.label('candidate_hash')} beside it")
    releases = known(cluster, target, given["release"])
    since = time.time() - _since(given)
    if given["since"] and releases and not (releases := tuple(one for one in releases if one.started >= since)):
        raise InputError(f"no release of {target} began in the last {given['since']}", hint="`deliver history` lists them")
    return chosen(given["release"], releases, target)


def _since(given: Given) -> float:
    from deliver.plugins.types import parse_duration

    return parsed(given, "since", parse_duration, 3600.0)


def _analysis(given: Given, release: "Release | None", target: "Target") -> "Analysis":
    """The file's and the options', else the release's own."""
    from deliver.config.build import build

    asked = any(given[option.name] for option in ANALYSIS)
    if release is not None and not asked and context.document(given) is None:
        return release.spec.analysis
    draft = context.draft(given)
    draft.data.setdefault("target", {"deployment": target.deployment})
    draft.data["image"] = "replayed:1"
    draft.data["strategy"] = {"canary": {"steps": [{"weight": 50, "bake": "1m"}]}}  # only how it judges is wanted
    return build(draft).analysis


def _question(given: Given, release: "Release | None", analysis: "Analysis", target: "Target", now: float) -> "Question":
    from deliver.replay import from_record, pods
    from deliver.replay import question as asking
    from deliver.replay.pods import Sides

    if release is not None:
        return from_record.question(release, analysis)
    stretch = asking.since(now, _since(given))
    stable = given["stable_pods"] or pods.of_deployment(target.deployment)
    stable = pods.of_hash(target.deployment, given["stable_hash"]) if given["stable_hash"] else stable
    candidate = pods.of_hash(target.deployment, given["candidate_hash"]) if given["candidate_hash"] else given["candidate_pods"] or ""
    return asking.Question(target.namespace, analysis, Sides(stable, candidate), stretch, whole(given, "seed", 1))


def _replay(given: Given, question: "Question", provider: Any, release: "Release | None") -> int:
    from deliver.replay import question as asking
    from deliver.replay import text
    from deliver.replay.rejudge import Ending

    answered = asking.ask(question, provider)
    came = _came(release) if release else ""
    start = question.stretch.start
    context.show_as(given, lambda: text.replay_view(answered, start, came), lambda style: text.replay_text(answered, start, came, style))
    codes = {Ending.ROLLED_BACK: ExitCode.ROLLED_BACK, Ending.HELD: ExitCode.HELD, Ending.UNPROVED: ExitCode.HELD}
    return codes.get(answered.replay.ending, ExitCode.PROMOTED) if given["detailed_exitcode"] else ExitCode.PROMOTED


def _came(release: "Release") -> str:
    if release.outcome is None:
        return f"not ended yet ({release.phase})"
    return f"{release.outcome}: {release.reason}" if release.reason else str(release.outcome)


def _alarms(given: Given, question: "Question", provider: Any) -> int:
    from deliver.plugins.types import parse_share
    from deliver.replay import question as asking
    from deliver.replay import text

    runs, share = whole(given, "aa", 20, 100_000, low=1), parsed(given, "share", parse_share, 0.25)
    began = time.monotonic()
    with stoppable(say="stopping; what was replayed is shown") as stop:

        def told(count: int) -> bool:
            if not given["quiet"] and count % 10 == 0:
                context.say(f"{count} of {runs} replayed in {time.monotonic() - began:.0f} s")
            return stop.is_set()

        found, _ = asking.alarms(question, provider, share, runs, told)
    if found.templates > 1:
        context.say(
            f"! these pods are of {found.templates} pod templates: something was released in that time; --stable-hash keeps one apart"
        )
    alpha = question.analysis.alpha
    context.show_as(given, lambda: text.alike_view(found, alpha), lambda style: text.alike_text(found, alpha, style))
    return 128 + stop.signum if stop.signum else ExitCode.PROMOTED
