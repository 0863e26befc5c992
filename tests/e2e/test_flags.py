"""`deliver flag` end to end: real users with ids of their own, pods with flagd's provider or Unleash's client, the real command."""

import json
import math
import re
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.e2e.support.events import Event, baking, did, ended, says, unix
from tests.e2e.support.flagged import FLAG, Flagged, kubectl, lab, until
from tests.e2e.support.load import Load
from tests.e2e.support.pace import REAL
from tests.e2e.support.process import Deliver, Result, Running, clean_environ, script
from tests.e2e.support.unleashed import Server
from tests.lab.apps import manifests

pytestmark = [pytest.mark.cluster, pytest.mark.lab, pytest.mark.timeout(300)]
USERS = 400
ERRORS = {"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total", "max": "5%", "min_samples": 10}


class Shop(Flagged):
    """Deployment `checkout` whose pods read the flag, with users on its Service."""

    folder: Path
    started: list[Deliver]

    def start(self, folder: Path, image: str, **environ: str) -> None:
        self.folder = folder
        self.configmap(manifests.document(), manifests.CONFIGMAP)
        self.up(manifests.flagd_app(image, 2, **environ))

    def up(self, objects: list[dict[str, Any]]) -> None:
        deployment, service = objects
        self.cluster.create("services", self.namespace, service)
        self.run(deployment)

    def document(self) -> str:
        return str(self.cluster.get("configmaps", self.namespace, manifests.CONFIGMAP)["data"][manifests.KEY])

    def deliver(self, **environ: str) -> Deliver:
        one = Deliver(clean_environ() | {"HOME": str(self.folder)} | environ, self.folder, script, REAL)
        self.started.append(one)
        return one

    def release(
        self,
        backend: dict[str, Any],
        weights: list[int],
        bake: str = "4s",
        flag: str = FLAG,
        *,
        approval: bool = False,
        analysis: Mapping[str, Any] | None = None,
        **environ: str,
    ) -> Running:
        """approval: each step waits for a person, so that there is time to look. analysis: what is not as usual."""
        usual = {"prometheus": {"service": "monitoring/prometheus:9090"}, "poll": "2s", "metrics": [ERRORS | {"window": "20s"}]}
        steps = [{"weight": weight, "bake": bake, "approval": approval} for weight in weights]
        steps += [{"weight": 100, "bake": bake}]
        spec = {
            "target": {"deployment": "checkout", "namespace": self.namespace},
            "strategy": {"flag": {"flag": flag, "steps": steps, "backend": backend}},
            "analysis": usual | dict(analysis or {}),
            "limits": {"shift": "60s"},
        }
        (self.folder / "deliver.yaml").write_text(yaml.safe_dump(spec))
        return self.deliver(**environ).start("run", "-f", str(self.folder / "deliver.yaml"), "-o", "jsonl")

    def on_call(self, verb: str, **environ: str) -> Result:
        return self.deliver(**environ)(verb, "checkout", "-n", self.namespace)

    def treated(self) -> set[str]:
        """The users that get the treatment, asked of every pod; all pods say the same, once each has asked its flag system again."""
        answers: list[set[str]] = []

        def agree() -> bool:
            answers[:] = [{user for user, variant in self.variants(pod, USERS).items() if variant == "on"} for pod in self.pods("checkout")]
            return all(answer == answers[0] for answer in answers)

        until(agree, 20)
        return answers[0]

    @contextmanager
    def load(self) -> Iterator[Load]:
        """Users, known to Prometheus by now: a release would not know the metric's name before."""
        address = self.cluster.get("services", self.namespace, "checkout")["spec"]["clusterIP"]
        with Load(f"http://{address}/", rps=40) as load:
            until(self._counted, 60)
            yield load

    def _counted(self) -> bool:
        """Each pod has a sample."""
        query = quote(f'count(count by (pod) (http_requests_total{{namespace="{self.namespace}"}}))')
        path = f"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query={query}"
        found = json.loads(kubectl("get", "--raw", path))["data"]["result"]
        return bool(found) and int(found[0]["value"][1]) >= len(self.pods("checkout"))


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:30].strip("-")
    place = Shop(f"flag-{name}-{uuid.uuid4().hex[:6]}")
    place.folder, place.started = tmp_path, []
    yield place
    for one in place.started:
        one.stop_all()
    place.close()


@pytest.fixture
def flagd(shop: Shop, tmp_path: Path) -> dict[str, Any]:
    shop.start(tmp_path, lab("image", "flagd-python"))
    return {"flagd": {"configmap": manifests.CONFIGMAP, "users": 300}}


@pytest.fixture(scope="module")
def server() -> Server:
    lab("unleash", "up")
    return Server(lab("unleash", "env"))


def close_to(percent: float, count: int) -> bool:
    """Within four standard errors of the share."""
    share = percent / 100
    return abs(count / USERS - share) <= 4 * math.sqrt(share * (1 - share) / USERS) + 1e-9


def spoil(shop: Shop) -> None:
    """From now on 60 % of the requests with the treatment fail, in every pod."""
    for pod in shop.pods("checkout"):
        request = urllib.request.Request(f"http://{pod.ip}:8080/chaos?variant=on&errors=60", b"", method="POST")
        urllib.request.urlopen(request, timeout=5).close()


# ---------------------------------------------------------------- flagd in a ConfigMap


def test_a_good_flag_reaches_everyone_by_cohorts_that_only_grow(shop: Shop, flagd: dict[str, Any]) -> None:
    has: set[str] = set()
    with shop.load() as load:
        running = shop.release(flagd, [5, 25, 50], approval=True)
        for step, percent in enumerate((5, 25, 50)):
            running.wait_for(f"{percent} %", baking(step))
            now = shop.treated()
            assert close_to(percent, len(now)), f"{len(now)} of {USERS} at {percent} %"
            assert has <= now, "who had it has it still"
            has = now
            assert shop.on_call("promote").code == 0
        view = ended(running.end(), 0, "PROMOTED")
    assert len(shop.treated()) == USERS
    load.traffic.lost_none()
    assert view["flag"] == view["flag"] | {"name": FLAG, "backend": "flagd", "serves": 100.0}
    definition = json.loads(shop.document())["flags"][FLAG]
    assert (definition["defaultVariant"], "targeting" in definition, "metadata" in definition) == ("on", False, False)
    annotations = shop.cluster.get("deployments", shop.namespace, "checkout")["metadata"]["annotations"]
    assert not any(name.startswith("deliver.dev/") for name in annotations)


def test_a_bad_treatment_is_taken_from_everyone_within_seconds_and_the_flag_is_as_before(shop: Shop, flagd: dict[str, Any]) -> None:
    before = shop.document()
    with shop.load() as load:
        running = shop.release(flagd, [25, 50], bake="40s")
        running.wait_for("25 %", baking(0))
        had = shop.treated()
        spoil(shop)
        view = ended(running.end(), 3, "ROLLED_BACK")
    assert "errors: " in view["reason"]
    killed = next(event for event in running.events if did("kill-flag")(event))
    proven = next(event for event in running.events if says("no user gets the treatment any more")(event))
    assert unix(proven["at"]) - unix(killed["at"]) < 5.0, "confirmed by evaluation"
    assert shop.document() == before, "byte for byte"
    assert had, "somebody had it"
    assert shop.treated() == set(), "and sees the old variant again"
    load.traffic.lost_none()


def test_rollback_by_the_person_on_call_goes_over_a_strangers_edit(shop: Shop, flagd: dict[str, Any]) -> None:
    before = shop.document()
    with shop.load():
        running = shop.release(flagd, [5, 50], bake="120s")
        running.wait_for("5 %", baking(0))
        edited = shop.document().replace('"on", 5000', '"on", 77000').replace('["on",5000]', '["on",77000]')
        assert edited != shop.document()
        shop.cluster.patch("configmaps", shop.namespace, manifests.CONFIGMAP, {"data": {manifests.KEY: edited}})
        ended(running.end(), 7, "HELD")
        assert shop.document() == edited, "a stranger's work is not written over"
        result = shop.on_call("rollback")
    assert result.code == 0, result
    assert shop.document() == before
    assert shop.treated() == set()


def test_a_killed_driver_is_succeeded_and_a_second_release_of_the_flag_is_refused_meanwhile(shop: Shop, flagd: dict[str, Any]) -> None:
    with shop.load():
        running = shop.release(flagd, [50], bake="5s")
        running.wait_for("50 %", baking(0))
        running.kill()
        second = shop.release(flagd, [50]).end()
        assert second.code == 6, second
        result = shop.on_call("resume")
    assert result.code == 0, result
    assert len(shop.treated()) == USERS


@pytest.mark.parametrize(
    ("backend", "flag", "code", "says"),
    [
        ({"flagd": {"configmap": "checkout-flags"}}, "no-such-flag", 2, "no-such-flag"),
        ({"flagd": {"configmap": "no-such-map"}}, FLAG, 2, "no-such-map"),
        ({"flagd": {"configmap": "unmounted"}}, FLAG, 2, "mount"),
        ({"flagdd": {"configmap": "x"}}, FLAG, 2, "did you mean `flagd`?"),
        ({"flagd": {"configmap": "checkout-flags", "portt": 1}}, FLAG, 2, "portt"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(
    shop: Shop, flagd: dict[str, Any], backend: dict[str, Any], flag: str, code: int, says: str
) -> None:
    shop.configmap(manifests.document(), "unmounted")
    before = shop.document()
    result = shop.release(backend, [50], flag=flag).end()
    assert result.code == code, result
    assert says in result.err, result
    assert "Traceback" not in result.said
    assert shop.document() == before


def test_a_flag_that_everyone_has_already_is_already_so(shop: Shop, flagd: dict[str, Any]) -> None:
    document = json.loads(shop.document())
    document["flags"][FLAG]["defaultVariant"] = "on"
    shop.cluster.patch("configmaps", shop.namespace, manifests.CONFIGMAP, {"data": {manifests.KEY: json.dumps(document)}})
    result = shop.release(flagd, [50]).end()
    assert result.code == 11, result
    assert "serves 100 % already" in result.said


# ---------------------------------------------------------------- Unleash


@pytest.fixture
def unleashed(shop: Shop, server: Server, tmp_path: Path) -> dict[str, Any]:
    server.flag()
    shop.folder = tmp_path
    shop.up(manifests.unleash_app(lab("image", "unleash-python"), 2, url=server.url, token=server.client, FLAG=server.name))
    return {"unleash": {"url": server.url, "environment": "development", "refresh": "3s"}}


def test_a_flag_in_unleash_is_raised_and_taken_back(shop: Shop, server: Server, unleashed: dict[str, Any]) -> None:
    with shop.load():
        running = shop.release(unleashed, [25, 50], bake="30s", flag=server.name, UNLEASH_TOKEN=server.admin)
        running.wait_for("25 %", baking(0))
        assert close_to(25, len(shop.treated()))
        spoil(shop)
        view: Event = ended(running.end(), 3, "ROLLED_BACK")
    assert "errors: " in view["reason"]
    assert server.state()["strategies"][0]["parameters"]["rollout"] == "0"
    assert server.state()["enabled"] == server.made["enabled"]
    assert server.admin not in f"{running.errors}{running.lines}", "a token is never shown"


@pytest.mark.parametrize(("token", "code"), [("", 2), ("*:*.wrong", 8), ("expired", 8), ("client", 8)])
def test_a_token_that_cannot_do_it_is_found_before_the_release(
    shop: Shop, server: Server, unleashed: dict[str, Any], token: str, code: int
) -> None:
    value = {"expired": server.expired, "client": server.client}.get(token, token)
    result = shop.release(unleashed, [25], flag=server.name, UNLEASH_TOKEN=value).end()
    assert result.code == code, result
    assert not value or value not in result.said
    assert server.state()["strategies"][0]["parameters"]["rollout"] == "0"
