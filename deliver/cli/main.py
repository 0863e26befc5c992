"""The entry point of `deliver` and `kubectl deliver`."""

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from deliver.model.errors import DeliverError, InputError
from deliver.model.exitcodes import ExitCode


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code; never raises, but SystemExit from shell completion."""
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        code = ExitCode.SIGINT
    except Exception as error:
        from deliver.cli.errors import crashed

        code = crashed(error)
    return _flushed(int(code))


def _run(argv: list[str]) -> int:
    from deliver.cli.app import app

    try:
        answer = typer.main.get_command(app).main(args=argv, prog_name=_name(), complete_var="_DELIVER_COMPLETE", standalone_mode=False)
    except DeliverError as error:  # e.g. a strategy plugin that does not load, so that there is no command to run
        from deliver.cli.errors import tell

        return tell(error)
    except typer.Abort:
        return ExitCode.SIGINT
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EBADF) or isinstance(error, BrokenPipeError):
            return ExitCode.PROMOTED
        raise
    except typer.TyperException as error:
        return _usage(error)
    return answer if isinstance(answer, int) else ExitCode.PROMOTED


def _usage(error: Exception) -> int:
    """typer's own complaints in our shape."""
    from deliver.cli.errors import tell

    context = getattr(error, "ctx", None)
    path = context.command_path if context else "deliver"
    if type(error).__name__ == "NoArgsIsHelpError":
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{context.get_help()}\n" if context else "")
        return ExitCode.USAGE
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    text = " ".join(text.split()).rstrip(".")
    hint = f"`{path} --help` shows the options"
    named = {name for param in context.command.params for name in param.opts} if context else set()
    if "unexpected extra argument" in text and "--target" in named:  # a command whose own argument is another thing, as of `deliver flag`
        hint = f"the Deployment is named by `--target`; {hint}"
    return tell(InputError(text[:1].lower() + text[1:], state="nothing changed", hint=hint))


def _name() -> str:
    """`kubectl deliver` when kubectl called us, so that hints can be typed as they stand."""
    return "kubectl deliver" if Path(sys.argv[0]).name.startswith("kubectl-") else "deliver"


def _flushed(code: int) -> int:
    """A reader that went away must not turn into exit code 120 and a message while the interpreter ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code
