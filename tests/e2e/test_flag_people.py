"""People who change a flag while its release runs, with real pods and a real Unleash: their off stays off, and that is said."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.events import baking, ended
from tests.e2e.support.flagged import FLAG, lab, until
from tests.e2e.support.process import Result
from tests.e2e.support.unleashed import Server
from tests.e2e.test_flags import Shop
from tests.lab.apps import manifests

pytestmark = [pytest.mark.cluster, pytest.mark.lab, pytest.mark.timeout(300)]
STAFF = {f"user-{n}" for n in range(5)}
OFF = "environment `development` was switched off by somebody: it stays off"


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:30].strip("-")
    one = Shop(f"flagpeople-{name}-{uuid.uuid4().hex[:6]}")
    one.folder, one.started = tmp_path, []
    yield one
    for command in one.started:
        command.stop_all()
    one.close()


@pytest.fixture(scope="module")
def server() -> Server:
    lab("unleash", "up")
    return Server(lab("unleash", "env"))


@pytest.fixture
def driven(place: Shop, server: Server) -> dict[str, Any]:
    """Staff have the feature by a strategy of their own; the release drives the other one."""
    server.flag()
    here = f"/{server.name}/environments/development"
    constraints = [{"contextName": "userId", "operator": "IN", "values": sorted(STAFF)}]
    parameters = {"rollout": "100", "stickiness": "default", "groupId": server.name}
    server.ask(
        "POST", f"{here}/strategies", {"name": "flexibleRollout", "title": "staff", "parameters": parameters, "constraints": constraints}
    )
    strategy = server.made["strategies"][0]["id"]
    server.made = server.state()
    place.up(manifests.unleash_app(lab("image", "unleash-python"), 2, url=server.url, token=server.client, FLAG=server.name))
    return {"unleash": {"url": server.url, "environment": "development", "refresh": "3s", "strategy": strategy}}


def clicked(server: Server, what: str) -> None:
    server.ask("POST", f"/{server.name}/environments/development/{what}")


def rolled_back(place: Shop, server: Server) -> Result:
    result = place.on_call("rollback", UNLEASH_TOKEN=server.admin)
    assert result.code == 0, result
    return result


def test_an_environment_that_a_person_switched_off_stays_off(place: Shop, server: Server, driven: dict[str, Any]) -> None:
    with place.load():
        running = place.release(driven, [25, 50], bake="120s", flag=server.name, UNLEASH_TOKEN=server.admin)
        running.wait_for("25 %", baking(0))
        assert place.treated() >= STAFF
        clicked(server, "off")
        view = ended(running.end(), 7, "HELD")
        assert "was switched off by somebody: it is off in environment `development`" in view["reason"]
        result = rolled_back(place, server)
    assert server.state() == {**server.made, "enabled": False}
    assert place.treated() == set()
    assert OFF in result.said
    assert "every user gets the safe variant again, and what somebody else changed in the flag stays" in result.said


def test_where_nobody_switched_it_off_staff_keep_what_they_had_and_nobody_is_told_otherwise(
    place: Shop, server: Server, driven: dict[str, Any]
) -> None:
    with place.load():
        running = place.release(driven, [25, 50], bake="120s", flag=server.name, UNLEASH_TOKEN=server.admin)
        running.wait_for("25 %", baking(0))
        result = rolled_back(place, server)
        running.end()
    assert server.state() == server.made
    until(lambda: place.treated() == STAFF, 20)
    assert "no user gets the treatment by this release any more; its other strategies (`staff`) may give it to some" in result.said
    assert "every user" not in result.said


def test_a_flag_that_a_person_archived_stays_archived_and_whoever_revives_it_finds_the_share_of_before(
    place: Shop, server: Server, driven: dict[str, Any]
) -> None:
    with place.load():
        running = place.release(driven, [25, 50], bake="120s", flag=server.name, UNLEASH_TOKEN=server.admin)
        running.wait_for("25 %", baking(0))
        server.ask("DELETE", f"/{server.name}")
        ended(running.end(), 7, "HELD")
        result = rolled_back(place, server)
    assert f"flag `{server.name}` was archived by somebody: it stays archived" in result.said
    assert server.state()["strategies"] == server.made["strategies"]


def test_a_flagd_flag_that_a_person_disabled_stays_so_without_our_share(place: Shop, tmp_path: Path) -> None:
    place.start(tmp_path, lab("image", "flagd-python"))
    before = json.loads(place.document())
    with place.load():
        running = place.release({"flagd": {"configmap": manifests.CONFIGMAP, "users": 300}}, [25, 50], bake="120s")
        running.wait_for("25 %", baking(0))
        document = json.loads(place.document())
        document["flags"][FLAG]["state"] = "DISABLED"
        place.cluster.patch("configmaps", place.namespace, manifests.CONFIGMAP, {"data": {manifests.KEY: json.dumps(document)}})
        ended(running.end(), 7, "HELD")
        result = place.on_call("rollback")
    assert result.code == 0, result
    before["flags"][FLAG]["state"] = "DISABLED"
    assert json.loads(place.document()) == before
    assert f"flag `{FLAG}` was set to DISABLED by somebody: it stays so" in result.said
    assert "every user" not in result.said
