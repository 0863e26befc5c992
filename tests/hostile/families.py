"""The families of hostile input, and each one's share of the cases."""

from collections.abc import Iterator

from tests.hostile import answers, arguments, kubeconfigs, objects, plugins, processes, specs
from tests.hostile.watch import Case

# name: (a case by its seed, its share in per mille)
FAMILIES: dict[str, tuple[Case, int]] = {
    "specs": (specs.case, 200),
    "arguments": (arguments.case, 100),
    "kubeconfigs": (kubeconfigs.case, 100),
    "answers": (answers.case, 430),
    "objects": (objects.case, 60),
    "plugins": (plugins.case, 107),
    "processes": (processes.case, 3),
}
REST = "answers"  # takes what rounding leaves


def jobs(cases: int, first: int, names: list[str]) -> Iterator[tuple[str, int]]:
    """(family, seed), so that every slice of them has some of each."""
    total = sum(FAMILIES[name][1] for name in names)
    counts = {name: max(1, cases * FAMILIES[name][1] // total) for name in names}
    counts[names[0] if REST not in names else REST] += cases - sum(counts.values())
    slots = sorted((at / count, name, at) for name, count in counts.items() for at in range(count))
    for _, name, at in slots:
        yield name, first + at
