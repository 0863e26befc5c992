"""What the engine gives a back end to get at things with."""

import time

from deliver.engine.runtime.flag_client import reach
from tests.flags.support import SHOP, world_with


def test_a_back_end_gets_the_real_time_for_its_versions():
    """With a clock that stands at 0 the next release of a flag would begin again at version 1, which a pod may still serve."""
    assert abs(reach(world_with().cluster, SHOP).clock() - time.time()) < 60
