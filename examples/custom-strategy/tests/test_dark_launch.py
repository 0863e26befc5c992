"""The suite that every strategy passes, and what is this one's own."""

from dark_launch import DarkLaunch, DarkLaunchOptions

from deliver.model.plan import Side
from deliver.model.spec import Facts, Target
from deliver.testing import StrategyContract


class TestDarkLaunch(StrategyContract):
    plugin = DarkLaunch
    examples = ({"dark": "20s", "bake": "30s"},)
    refused = ({"dark": "20"}, {"rate": 0}, {"port": 0}, {"weight": [10]})


def test_no_user_meets_it_in_the_dark():
    dark, everybody = DarkLaunch().plan(DarkLaunchOptions(rate=5.0), Facts(Target("shop", "web"), stable_pods=7)).steps
    assert (dark.side, dark.candidate_pods, dark.endpoints) == (Side.STABLE, 7, 0.0)
    assert dark.checks[0].options["rate"] == 5.0
    assert everybody.endpoints == 100.0
