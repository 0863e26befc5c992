"""An error as a person reads it: what failed, why, the state of the cluster now, the next command."""

from deliver.formatting.sanitize import clean, defuse
from deliver.model.errors import DeliverError
from deliver.render.style import PLAIN, Style
from deliver.render.view import API_VERSION


def error_text(error: DeliverError, style: Style = PLAIN) -> str:
    """Lines without a final newline. Line breaks inside a part are kept, indented under it; nothing is printed for an empty part."""
    parts = (("error", error.what, "bad"), ("why", error.why, ""), ("state", error.state, ""), ("hint", error.hint, "cyan"))
    lines = []
    for label, text, paint in parts:
        told = [defuse(clean(line)) for line in text.splitlines() if line.strip()]
        lines += [f"{style.paint(label + ':', paint or 'bold')} {line}" if not i else f"  {line}" for i, line in enumerate(told)]
    return "\n".join(lines)


def error_view(error: DeliverError) -> dict[str, object]:
    """Kind Error, for `-o json`."""
    parts = {"error": error.what, "why": error.why, "state": error.state, "hint": error.hint}
    code = {"code": error.exit_code.name, "exit_code": int(error.exit_code)}
    return {"apiVersion": API_VERSION, "kind": "Error", **code, **{key: clean(text) for key, text in parts.items()}}
