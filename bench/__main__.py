"""`python -m bench [NAME...]`: measure, print, and exit 1 when a figure is not what it must be."""

import importlib
import sys
import time

from bench.table import show

ALL = ("startup", "rollback", "breach", "lost", "requests", "weighing", "thousand", "hour", "sandbox")


def main(names: list[str]) -> int:
    rows = []
    for name in names or ALL:
        print(f"bench {name}", file=sys.stderr)
        begin = time.monotonic()
        rows += importlib.import_module(f"bench.{name}").measure()
        print(f"bench {name} took {time.monotonic() - begin:.0f} s", file=sys.stderr)
    show(rows)
    return int(any(row.ok is False for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
