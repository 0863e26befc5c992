"""Pod counts for a wanted share: the nearest that can be had, against trying them all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deliver_strategies import pods

shares = st.floats(0.5, 99.0)


@settings(max_examples=150, deadline=None)
@given(weight=shares, stable=st.integers(1, 12), surge=st.integers(0, 6))
def test_no_other_pair_comes_nearer(weight: float, stable: int, surge: int):
    candidate, side = pods.solve(weight, stable, surge)
    assert candidate >= 1
    assert stable <= side <= stable + surge
    best = min(abs(pods.share(c, s) - weight) for s in range(stable, stable + surge + 1) for c in range(1, 120 * s))
    assert abs(pods.share(candidate, side) - weight) <= best + 1e-6


@given(
    weights=st.lists(st.integers(1, 95), min_size=1, max_size=4, unique=True).map(sorted), stable=st.integers(1, 8), most=st.integers(2, 30)
)
def test_the_nearest_that_fits_keeps_to_its_bounds(weights: list[int], stable: int, most: int):
    found = pods.nearest(weights, stable, range(stable + 1, stable + 11), 15.0, most)
    if found is None:
        return
    assert pods.fits(weights, found, 15.0)
    assert max(candidate + side for candidate, side in found) <= most
    assert len({side for _, side in found}) == 1, "the stable side is at its size from the first step on"
    for side in range(stable + 1, stable + 11):
        other = [pods.solve(weight, side) for weight in weights]
        if pods.fits(weights, other, 15.0) and max(map(sum, other)) <= most:
            assert pods.off(weights, found) <= pods.off(weights, other) + 1e-6


@given(weights=st.lists(shares, min_size=1, max_size=4).map(sorted), stable=st.integers(1, 8), surge=st.integers(0, 8))
def test_the_stable_side_never_shrinks_on_the_way(weights: list[float], stable: int, surge: int):
    sides = [side for _, side in pods.rising(weights, stable, stable + surge)]
    assert sides == sorted(sides)
    assert stable <= sides[0] and sides[-1] <= stable + surge
