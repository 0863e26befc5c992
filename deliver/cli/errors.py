"""The one place where an error becomes a message and an exit code. A user never sees a traceback."""

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from deliver.model.errors import DeliverError
from deliver.model.exitcodes import ExitCode


def reported(run: Callable[[], int], values: Mapping[str, Any]) -> int:
    """Run a command; its errors are told in the colour and for the CI that its options ask for."""
    try:
        return int(run())
    except DeliverError as error:
        return tell(error, color=values.get("color") or "auto", ci=values.get("ci") or "auto", output=values.get("output") or "text")
    except BrokenPipeError:
        return ExitCode.PROMOTED  # nobody reads any more, e.g. `deliver history | head -1`


def tell(error: DeliverError, *, color: str = "auto", ci: str = "auto", output: str = "text") -> int:
    """The error's four lines on stderr; with a data format also an object of kind Error on stdout."""
    from deliver.render.reporters import report_error

    if output in ("json", "jsonl", "yaml"):
        from deliver.render.errors import error_view
        from deliver.render.lists import to_json, to_yaml
        from deliver.render.out import Out

        view = error_view(error)
        Out(sys.stdout).line(to_yaml(view).rstrip() if output == "yaml" else to_json(view, indent=None if output == "jsonl" else 2))
    report_error(error, color=color, ci=ci, stderr=sys.stderr, environ=os.environ)
    return int(error.exit_code)


def crashed(error: BaseException) -> int:
    """A bug of ours: one line, and where the traceback is."""
    if os.environ.get("DELIVER_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
        why = ""
    else:
        why = f"the traceback is in {path}" if (path := _crash_file(error)) else "set DELIVER_DEBUG=1 to see the traceback"
    what = f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    hint = "`deliver status` shows what state the release is in; please report this with the traceback"
    return tell(DeliverError(what, why=why, state="unknown to this process", hint=hint))


def _crash_file(error: BaseException) -> str:
    """Readable by its owner alone; "" when nothing can be written."""
    try:
        handle, path = tempfile.mkstemp(prefix=f"deliver-crash-{time.strftime('%Y%m%d-%H%M%S')}-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            traceback.print_exception(error, file=stream)
    except OSError:
        return ""
    return path
