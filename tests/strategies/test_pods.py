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


@given(weight=st.integers(1, 49), stable=st.integers(1, 40), overshoot=st.integers(0, 20))
def test_the_proposed_surge_is_enough(weight: int, stable: int, overshoot: int):
    surge = pods.surge_for(weight, stable, overshoot)
    assert pods.share(1, stable + surge) <= weight + overshoot + 1e-9 or weight + overshoot >= 100


@given(stable=st.integers(1, 30), surge=st.integers(0, 5))
def test_achievable_shares_rise_and_are_true(stable: int, surge: int):
    found = pods.achievable(stable, surge)
    assert found == sorted(set(found))
    real = {round(pods.share(c, s), 1) for s in range(stable, stable + surge + 1) for c in range(1, s + 1)}
    assert set(found) <= real
