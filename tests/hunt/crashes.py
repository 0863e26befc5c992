"""The crash matrix: dead before and after every API call of every strategy, forward and in rollback, and taken up by another (rule 8).

`python -m tests.hunt.crashes` plays all of them; pairs of crashes are sampled by `python -m tests.hunt`.
"""

# ruff: noqa: T201

import argparse
from itertools import product

from tests.engine.driver.test_crash import KINDS, STRATEGIES, crash, unkilled


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hunt.crashes")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=STRATEGIES)
    parser.add_argument("--stride", type=int, default=1, help="1: every call; n: every n-th")
    options = parser.parse_args()
    count = failing = 0
    for strategy, kind in product(options.strategies, KINDS):
        expected, calls = unkilled(strategy, kind)
        for nth, applied in product(range(1, calls + 1, options.stride), (False, True)):
            count += 1
            try:
                crash(strategy, kind, nth, applied=applied, expected=expected)
            except Exception as error:
                failing += 1
                when = f"{'after' if applied else 'before'} call {nth}"
                print(f"{strategy} {kind}, killed {when}: {type(error).__name__}: {error}", flush=True)
        print(f"{strategy} {kind}: {calls} calls", flush=True)
    print(f"{count} crashes, {failing} that did not end where the run without a crash ends")
    return 1 if failing else 0


if __name__ == "__main__":
    raise SystemExit(main())
