"""`make mutation PART=engine`: do the tests notice a changed line of the core? Prints the score, and each change that nobody noticed.

mutmut changes one thing at a time in a copy of the project and runs the tests that reach it. `--ending 7` plays one mutant in ten,
the same ones each time as long as their functions stay as they are. With `--keep DIR` the copy stays; `--keep DIR --again` brings it
up to date and plays those that nobody noticed once more, and what is left of the sample: what a new test costs is minutes.
"""

# ruff: noqa: T201  it is a command

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("deliver", "strategies", "sandbox", "tests", "pyproject.toml", "README.md")
MEMORY = 4 << 30  # bytes of address space: a mutant that loops keeps a journal of it
NOT_PLAYED = "not checked"
NOTICED = ("killed", "timeout", "suspicious", "segfault", "caught by type check")


@dataclass(frozen=True)
class Part:
    """What is changed, and the tests that are to notice."""

    changed: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = {
    "analysis": Part(("deliver/analysis/*",), ("tests/analysis", "tests/metrics/test_native.py", "tests/report/test_trail.py")),
    "engine": Part(("deliver/engine/core/*",), ("tests/engine",)),
}


def narrowed(part: Part, names: list[str]) -> Part:
    """To the files of those names."""
    if not names:
        return part
    folder = part.changed[0].rpartition("/")[0]
    return Part(tuple(f"{folder}/{name}.py" for name in names), part.tests)


def copied(folder: Path, part: Part) -> None:
    for old in (folder / "tests", folder / "mutants" / "tests"):  # of a run before: a test may be gone since
        shutil.rmtree(old, ignore_errors=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / name, folder / name)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(settings(part))


def settings(part: Part) -> str:
    plain = ["-m", "not slow and not cluster", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider"]
    plain += ["--hypothesis-profile=ci"]  # the same examples for each mutant, and no deadline that a busy machine could miss
    return f"""
[tool.mutmut]
source_paths = ["deliver/"]
only_mutate = {list(part.changed)}
pytest_add_cli_args_test_selection = {list(part.tests)}
pytest_add_cli_args = {plain}
also_copy = ["strategies", "sandbox", "tests"]
"""


def played(folder: Path, names: list[str], processes: int) -> int:
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(processes), *names]
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # noqa: E731  for the child alone
    return subprocess.run(command, cwd=folder, preexec_fn=limit, check=False).returncode


def results(folder: Path) -> dict[str, str]:
    """Mutant -> what became of it; NOT_PLAYED for most, in a sample."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    lines = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines if ": " in line)


def left(found: dict[str, str], endings: list[str]) -> list[str]:
    """What nobody noticed so far, and what is still to be played of these endings."""
    unplayed = [name for name, said in found.items() if said == NOT_PLAYED and name.endswith(tuple(endings))]
    return [*missed(found), *unplayed]


def missed(found: dict[str, str]) -> list[str]:
    return sorted(name for name, said in found.items() if said not in (*NOTICED, NOT_PLAYED))


def sentence_alone(folder: Path, name: str) -> bool:
    """Whether the change is one of words for people: inside quotes with a space between them."""
    command = [sys.executable, "-m", "mutmut", "show", name]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
    lines = [line[1:] for line in shown if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))]
    return len({re.sub(r'"[^"]* [^"]*"', '""', line) for line in lines}) == 1


def summed(found: dict[str, str]) -> str:
    counts = Counter(said for said in found.values() if said != NOT_PLAYED)
    noticed = sum(counts[said] for said in NOTICED)
    told = ", ".join(f"{count} {said}" for said, count in counts.most_common())
    return f"{noticed} of {counts.total()} mutants noticed, {100 * noticed / max(1, counts.total()):.1f} % ({told})"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--ending", action="append", default=[], help="only mutants whose number ends so; may be repeated")
    parser.add_argument("--only", action="append", default=[], help="only files of that name, without .py; may be repeated")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it")
    parser.add_argument("--again", action="store_true", help="in the folder of --keep: what nobody noticed, and the rest of --ending")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="deliver-mutation-"))
    try:
        copied(folder, narrowed(PARTS[options.part], options.only))
        names = left(results(folder), options.ending) if options.again else [f"*__mutmut_*{ending}" for ending in options.ending]
        code = played(folder, names, options.processes)
        found = results(folder)
        words = {name for name in missed(found) if found[name] == "survived" and sentence_alone(folder, name)}
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    for name in missed(found):
        print(f"{found[name]}{', a sentence alone' if name in words else ''}: {name}")
    print(summed(found), f"; {len(words)} of those that survived change a sentence alone", sep="")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
