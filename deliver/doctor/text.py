"""`deliver doctor` as plain lines."""

from collections.abc import Iterable

from deliver.doctor.line import DoctorLine
from deliver.formatting.formats import count
from deliver.formatting.sanitize import clean
from deliver.render.style import PLAIN, Style


def doctor_text(checks: Iterable[DoctorLine], style: Style = PLAIN) -> str:
    checks = list(checks)
    lines = []
    for line in checks:
        lines.append(f"{style.mark(line.level)} {clean(line.name)}: {clean(line.message)}")
        lines += [f"    hint: {clean(line.hint)}"] if line.hint and line.level != "done" else []
    bad, doubtful = (sum(line.level == level for line in checks) for level in ("fail", "warn"))
    verdict = f"{count(bad, 'problem')}, {count(doubtful, 'warning')}" if bad or doubtful else "everything that a release needs is there"
    return "\n".join([*lines, "", f"Result: {verdict}"])
