"""The root command: lists commands out of a table, imports the one that is asked for."""

import typer

from deliver.cli.commands import SETTINGS
from deliver.cli.typer_commands import DeliverGroup

app = typer.Typer(
    cls=DeliverGroup,
    rich_markup_mode=None,  # rich would cost more than all the rest of --help
    no_args_is_help=True,
    context_settings=SETTINGS,
)


def _version(wanted: bool) -> None:
    if wanted:
        from deliver import __version__

        typer.echo(f"deliver {__version__}")
        raise typer.Exit


@app.callback()
def root(version: bool = typer.Option(False, "--version", is_eager=True, callback=_version, help="Show the version and exit")) -> None:
    """Move live traffic to a new version step by step, and take it back by itself when users suffer.

    TARGET is `web` or `deployment/web`; without one it comes from deliver.yaml in the folder or above. Options go before DELIVER_*
    variables, those before the file. stdout is data, stderr is progress.
    """
