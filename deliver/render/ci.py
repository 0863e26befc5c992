"""GitHub Actions and GitLab CI around the lines: a foldable group per step, one annotation, a summary, outputs.

Formats: docs.github.com "Workflow commands for GitHub Actions"; docs.gitlab.com "Custom collapsible sections", "dotenv report".
"""

import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from deliver.formatting.durations import duration
from deliver.formatting.formats import count, percent
from deliver.formatting.sanitize import clean, command_data, command_property, markdown
from deliver.model.observation import Observation
from deliver.model.release import Direction, Outcome, Release
from deliver.render.exposure import words_in
from deliver.render.lines import Lines
from deliver.render.out import Out, never_raises
from deliver.render.summary import check_cells, headline, result_word, where
from deliver.render.view import View, release_view


class Dialect(Protocol):
    """What one CI system wants to read."""

    def open(self, title: str, at: float) -> str: ...
    def close(self, at: float) -> str: ...
    def annotate(self, *, good: bool, title: str, text: str) -> str: ...
    def publish(self, values: Mapping[str, str], page: str) -> list[str]:
        """Write outputs and the summary page where the system asked for them; what went wrong, one line each."""


class GitHub:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def open(self, title: str, at: float) -> str:
        return f"::group::{command_data(title)}\n"

    def close(self, at: float) -> str:
        return "::endgroup::\n"

    def annotate(self, *, good: bool, title: str, text: str) -> str:
        return f"::{'notice' if good else 'error'} title={command_property(title)}::{command_data(text)}\n"

    def publish(self, values: Mapping[str, str], page: str) -> list[str]:
        outputs = "".join(f"{key}={value}\n" for key, value in values.items())
        return _append(self._environ.get("GITHUB_OUTPUT"), outputs) + _append(self._environ.get("GITHUB_STEP_SUMMARY"), page)


class GitLab:
    """The markers are escape codes by GitLab's protocol; they are the only ones."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._sections = 0

    def open(self, title: str, at: float) -> str:
        self._sections += 1
        return f"\x1b[0Ksection_start:{at:.0f}:deliver_{self._sections}\r\x1b[0K{title}\n"

    def close(self, at: float) -> str:
        return f"\x1b[0Ksection_end:{at:.0f}:deliver_{self._sections}\r\x1b[0K\n"

    def annotate(self, *, good: bool, title: str, text: str) -> str:
        return ""  # GitLab has no annotations; the summary is the last thing in the log

    def publish(self, values: Mapping[str, str], page: str) -> list[str]:
        text = "".join(f"DELIVER_{key.upper()}={value}\n" for key, value in values.items())
        return _append(self._environ.get("DELIVER_DOTENV"), text)


def dialect_for(ci: str, environ: Mapping[str, str]) -> Dialect | None:
    """ci: auto (by the environment), github, gitlab or none."""
    if ci == "github" or (ci == "auto" and environ.get("GITHUB_ACTIONS") == "true"):
        return GitHub(environ)
    if ci == "gitlab" or (ci == "auto" and environ.get("GITLAB_CI") == "true"):
        return GitLab(environ)
    return None


class CiReporter:
    """Implements engine.reporter.Reporter around Lines: only the log is grouped, the summary stands outside of every group."""

    def __init__(self, inner: Lines, dialect: Dialect, out: Out, now: Callable[[], float]) -> None:
        self._inner, self._dialect, self.out, self._now = inner, dialect, out, now
        self.lock = threading.RLock()
        self._group = ""

    @never_raises
    def update(self, release: Release, seen: Observation | None) -> None:
        title = group_title(release)
        if title != self._group and release.outcome is None:
            self._close()
            self.out.write(self._dialect.open(title, self._now()))
            self._group = title
        self._inner.update(release, seen)

    @never_raises
    def note(self, text: str) -> None:
        self._inner.note(text)

    @never_raises
    def end(self, release: Release, seen: Observation | None) -> None:
        self._inner.update(release, seen)  # what is left of the journal belongs to the last group
        self._close()
        self._inner.end(release, seen)
        good = release.outcome is Outcome.PROMOTED
        self.out.write(self._dialect.annotate(good=good, title=f"deliver: {result_word(release)[1]}", text=headline(release)))
        view = release_view(release, seen, self._now())
        values = {"result": view["outcome"] or "", "release": view["id"], "reason": view["reason"]}
        for trouble in self._dialect.publish(values, page(release, view)):
            self._inner.note(trouble)

    def _close(self) -> None:
        if self._group:
            self.out.write(self._dialect.close(self._now()))
        self._group = ""


def group_title(release: Release) -> str:
    if release.course is Direction.ROLLING_BACK:
        return "rollback"
    if release.course is Direction.PROMOTING:
        return "finish"
    return clean(f"step {release.step + 1}/{len(release.plan.steps)}: {release.current.name}")


def page(release: Release, view: View) -> str:
    """The step summary, Markdown: result, steps, checks."""
    sign = {Outcome.PROMOTED: "✅", Outcome.HELD: "⏸️"}.get(release.outcome, "❌") if release.outcome else "❔"
    words = words_in(view)
    lines = [f"### {sign} deliver: {markdown(where(view))} {result_word(release)[1]}", ""]
    lines += [f"{words.released_markdown(view)}, {duration(view['duration'])}, release {markdown(view['id'])}", ""]
    lines += [markdown(view["reason"]), ""] if view["reason"] else []
    lines += _rows(("step", "wanted", words.measure, "bake", "state"), [_step_row(step) for step in view["steps"]])
    lines += _rows(("check", "verdict", "candidate", "stable", "limit", "samples"), [_check_row(check) for check in view["checks"]])
    if view["evidence"]:
        lines += ["Last log lines of the candidate:", "", "```text", *(_no_fence(line) for line in view["evidence"]), "```", ""]
    lines += [f"Next: `{command}`  " for command in view["next"]]
    return "\n".join(lines) + "\n"


def _rows(header: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    body = [f"| {' | '.join(markdown(cell) for cell in row)} |" for row in rows]
    return [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *body, ""]


def _step_row(step: View) -> list[str]:
    return [step["name"], percent(step["weight"]), percent(step["endpoints"]), duration(step["bake"]), step["state"]]


def _check_row(check: View) -> list[str]:
    return [check["name"], check["verdict"], *check_cells(check)]


def _no_fence(line: str) -> str:
    """A log line must not close the code block."""
    return re.sub(r"`{3,}|~{3,}", "'''", line)


def _append(path: str | None, text: str) -> list[str]:
    """The file may hold what other steps wrote. A file that cannot be written costs a warning, not the release."""
    if not path:
        return []
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return [f"cannot write {count(len(text.splitlines()), 'line')} to {path}: {error.strerror}"]
    return []
