"""Requests without a whole answer during a whole release, good and bad, at 200 a second, half of them on fresh connections."""

from bench.shop import shop
from bench.table import Row

RPS = 200


def measure(rps: int = RPS) -> list[Row]:
    rows = []
    for version, code, name in (("1.1.0", 0, "good"), ("2.0.0-errors", 3, "bad")):
        with shop("lost") as world:
            with world.users(rps) as users:
                result = world.release(version).end()
            assert result.code == code, result
            crowds = [users.fresh.traffic, users.kept.traffic]
            failed, all_ = sum(crowd.failed for crowd in crowds), sum(crowd.requests for crowd in crowds)
            errors = {key: count for crowd in crowds for key, count in crowd.errors.items()}
            note = f" {errors}" if errors else ""
            rows.append(Row(f"failed requests in a whole {name} release", f"{failed} of {all_} at {rps} rps{note}", "0", failed == 0))
    return rows
