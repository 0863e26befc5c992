"""Every command but the strategies', with its module and its line of help: `deliver --help` reads this and imports none of them."""

from typing import NamedTuple


class Entry(NamedTuple):
    """module: in deliver.cli; it offers make(name, summary)."""

    group: str
    module: str
    summary: str


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
"""typer's context settings, of every command."""
RELEASE, LOOK, OPERATE, SETUP, TRY = "Release", "Look", "Operate", "Set up", "Try"
GROUPS = (RELEASE, LOOK, OPERATE, SETUP, TRY)

COMMANDS: dict[str, Entry] = {
    "run": Entry(RELEASE, "run", "Run the release that deliver.yaml describes, to its end"),
    "plan": Entry(RELEASE, "plan", "Show what a release would change, in order; changes nothing"),
    "status": Entry(LOOK, "status", "Show where a release stands; -w follows it to its end"),
    "history": Entry(LOOK, "history", "List past releases, newest first"),
    "explain": Entry(LOOK, "history", "Show why: each decision with its query, numbers and limit"),
    "report": Entry(LOOK, "report", "Write a release as one HTML, SVG or PNG file"),
    "replay": Entry(LOOK, "replay", "Judge past data with this spec: what would have happened; --aa counts false alarms"),
    "promote": Entry(OPERATE, "operate", "Let a waiting release go on to its next step"),
    "pause": Entry(OPERATE, "operate", "Stop at the present exposure"),
    "resume": Entry(OPERATE, "operate", "Go on with a paused, held or orphaned release"),
    "abort": Entry(OPERATE, "operate", "Give the release up and take the traffic back"),
    "rollback": Entry(OPERATE, "rollback", "Take the traffic back now; after a promotion too (--to N)"),
    "init": Entry(SETUP, "init", "Write a first deliver.yaml from what stands in the cluster"),
    "import": Entry(SETUP, "importer", "Write a deliver.yaml out of Argo Rollouts' or Flagger's analysis"),
    "validate": Entry(SETUP, "validate", "Check deliver.yaml; needs no cluster"),
    "doctor": Entry(SETUP, "doctor", "Check cluster, permissions, Prometheus and clock"),
    "plugins": Entry(SETUP, "plugins", "List the plugins that are found, broken ones with their error"),
    "version": Entry(SETUP, "version", "Show the version"),
    "simulate": Entry(TRY, "simulate", "Play a deliver.yaml on made-up users and regressions, in seconds"),
    "demo": Entry(TRY, "demo", "See releases go well and badly, on an embedded cluster"),
    "sandbox": Entry(TRY, "sandbox", "`sandbox up` keeps the embedded cluster running, to type commands on"),
}
STRATEGIES = "deliver.strategies"


def strategy_names() -> tuple[str, ...]:
    """Names alone; nothing is loaded. A strategy cannot take the name of a command."""
    from deliver.plugins import registry

    return tuple(name for name in registry.names(STRATEGIES) if name not in COMMANDS)


def strategy_summary(name: str) -> str:
    return f"Run a release with the {name} strategy, to its end"
