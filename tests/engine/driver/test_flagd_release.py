"""A release of a flag that stands in a real flagd document: what strangers do to it, and another process that takes it back."""

import json
import signal
from typing import Any

import pytest

from deliver.cluster.port import Access, Cluster
from deliver.engine.runtime.flag_client import FlagClient
from deliver.engine.runtime.stop_signal import Stop
from deliver.flags.flagd import Flagd
from deliver.model.plan import FlagPlan
from deliver.model.spec import Analysis, Limits, ReleaseSpec
from deliver.model.verdict import Verdict
from deliver.plugins.flags import FlagReach
from deliver.render.sentences import sentence
from tests.engine.rig import METRIC, TARGET, Rig, in_step
from tests.flags.support import DOCUMENT

BACKEND = {"flagd": {"configmap": "web-flags", "port": 0, "wait": "90s"}}


class FlagdRig(Rig):
    """The pods mount ConfigMap web-flags; nobody can be asked, so time confirms."""

    def begun(self) -> "FlagdRig":
        self.world.cluster.create("configmaps", "shop", {"metadata": {"name": "web-flags"}, "data": {"flags.json": DOCUMENT}})
        [container] = self.get("deployments", "web")["spec"]["template"]["spec"]["containers"]
        mounted = {**container, "volumeMounts": [{"name": "flags", "mountPath": "/etc/flags"}]}
        pods = {"containers": [mounted], "volumes": [{"name": "flags", "configMap": {"name": "web-flags"}}]}
        self.edit("deployments", "web", {"spec": {"template": {"spec": pods}}})
        self.world.clock.wait(90.0)
        self.flag_clients = self.flag_client
        return self

    def flag_client(self, cluster: Cluster, namespace: str, plan: FlagPlan) -> FlagClient:
        reach = FlagReach(
            namespace=namespace,
            get=lambda kind, name: cluster.get(kind, namespace, name),
            list=lambda kind, selector: cluster.list(kind, namespace, selector=selector),
            pod=lambda name, port: Access(f"http://{name}", dict),
            service=lambda name: Access(f"http://{name}", dict),
            clock=self.world.clock.now,
        )
        return FlagClient(plan.flag, Flagd(Flagd.Options.model_validate(plan.backend.options), reach))

    def spec(self, *_: Any, **more: Any) -> ReleaseSpec:
        options = {"flag": "new-checkout", "weight": [5, 50], "bake": "60s", "backend": BACKEND}
        return ReleaseSpec(TARGET, "", "flag", options, analysis=Analysis(metrics=(METRIC,), poll=5.0), limits=Limits(**more))

    def text(self) -> str:
        text: str = self.get("configmaps", "web-flags")["data"]["flags.json"]
        return text

    def put(self, text: str) -> None:
        self.edit("configmaps", "web-flags", {"data": {"flags.json": text}})

    def stopped(self) -> None:
        """Half of the users have it, and the process that gave it to them is gone."""
        self.when(in_step(2), lambda: self.stop.request(signal.SIGTERM))
        assert self.run().outcome == "HELD"
        self.stop = Stop()


@pytest.fixture
def rig() -> FlagdRig:
    return FlagdRig.make().begun()


def test_a_rollback_puts_the_document_back_byte_for_byte(rig: FlagdRig):
    rig.stopped()
    assert rig.verb("rollback").outcome == "ROLLED_BACK"
    assert rig.text() == DOCUMENT


def test_a_flag_that_cannot_be_rewritten_any_more_is_put_back_by_a_process_that_never_saw_it_whole(rig: FlagdRig):
    """Without its safe variant. The record has what stood before, which gives the treatment to nobody."""
    rig.stopped()
    document = json.loads(rig.text())
    document["flags"]["new-checkout"] |= {"variants": {"on": True}, "defaultVariant": "on", "targeting": {}}
    rig.put(json.dumps(document))
    began = rig.world.clock.now()
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert json.loads(rig.text()) == json.loads(DOCUMENT)
    assert release.ended - began < 120.0


@pytest.mark.parametrize("outcome", ["PROMOTED", "ROLLED_BACK"])
def test_another_flag_of_the_document_may_be_changed_meanwhile_by_a_tool_that_lays_it_all_out_anew(rig: FlagdRig, outcome: str):
    """jq, or a page in a browser: every byte is another, and our flag says what it said."""

    def edit() -> None:
        document = json.loads(rig.text())
        document["flags"]["other"]["defaultVariant"] = "b"
        rig.put(json.dumps(document, indent=4, sort_keys=True))
        rig.judge.verdict = Verdict.FAIL if outcome == "ROLLED_BACK" else Verdict.PASS

    rig.when(in_step(2), edit)
    release = rig.run()
    assert release.outcome == outcome, release.reason
    expected = json.loads(DOCUMENT)
    expected["flags"]["other"]["defaultVariant"] = "b"
    if outcome == "PROMOTED":
        expected["flags"]["new-checkout"]["defaultVariant"] = "on"
    assert json.loads(rig.text()) == expected


def test_where_nobody_can_be_asked_a_wait_is_no_trouble_to_tell_of(rig: FlagdRig):
    rig.stopped()
    release = rig.verb("rollback")
    assert not [entry for entry in release.journal if "not seen to be served" in sentence(entry, release)]
