"""Users of the sandbox and their rights: tokens, impersonation, roles, over HTTP; and the same roles in-process."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deliver.model.errors import Forbidden
from deliver_sandbox.fixtures import world
from deliver_sandbox.http.server import Door
from deliver_sandbox.rbac import User, account, allows
from deliver_sandbox.world import World

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
PODS, MAPS = "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/configmaps"
TOKEN = "/api/v1/namespaces/shop/serviceaccounts/robot/token"
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
def made() -> World:
    made = world(replicas=1)
    made.api.create("serviceaccounts", "shop", {"metadata": {"name": "robot"}})
    made.api.create("roles", "shop", {"metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]})
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}
    ref = {"apiGroup": GROUP, "kind": "Role", "name": "r"}
    made.api.create("rolebindings", "shop", {"metadata": {"name": "b"}, "subjects": [subject], "roleRef": ref})
    return made


@pytest.fixture
def client(made: World) -> Iterator[httpx.Client]:
    with Door(made) as door, httpx.Client(base_url=door.url) as client:
        yield client


def bearer(client: httpx.Client) -> dict[str, str]:
    token: str = client.post(TOKEN, json={}).json()["status"]["token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_token_of_a_service_account_is_that_user(client: httpx.Client) -> None:
    headers = bearer(client)
    assert client.get(PODS, headers=headers).status_code == 200
    refused = client.get(MAPS, headers=headers)
    assert refused.status_code == 403
    assert refused.json()["message"] == (
        'configmaps is forbidden: User "system:serviceaccount:shop:robot" cannot list resource "configmaps" in API group "" '
        'in the namespace "shop"'
    )
    who = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={}, headers=headers).json()
    assert who["status"]["userInfo"]["username"] == "system:serviceaccount:shop:robot"


def test_a_token_that_nobody_handed_out_is_401(client: httpx.Client) -> None:
    assert client.get(PODS, headers={"Authorization": "Bearer made-up"}).status_code == 401
    assert client.get(PODS, headers={"Authorization": "Bearer sandbox"}).status_code == 200


def test_who_may_not_impersonate_is_refused(client: httpx.Client) -> None:
    refused = client.get(PODS, headers={**bearer(client), "Impersonate-User": "admin"})
    assert refused.status_code == 403
    assert 'cannot impersonate resource "users"' in refused.json()["message"]
    assert client.get(PODS, headers={"Impersonate-User": "nobody"}).status_code == 403


def test_a_watch_needs_the_right_to_watch(client: httpx.Client) -> None:
    assert client.get(f"{PODS}?watch=1&timeoutSeconds=1", headers=bearer(client)).status_code == 403


@pytest.mark.parametrize(("verb", "allowed"), [("list", True), ("delete", False)])
def test_a_review_answers_from_the_roles(client: httpx.Client, verb: str, allowed: bool) -> None:
    spec = {"resourceAttributes": {"verb": verb, "resource": "pods", "namespace": "shop"}}
    answer: Any = client.post(REVIEWS, json={"spec": spec}, headers=bearer(client)).json()
    assert answer["status"]["allowed"] is allowed


def test_the_same_roles_hold_in_process(made: World) -> None:
    made.cluster.allow = allows(made.store, account("shop", "robot"))
    assert len(made.cluster.list("pods", "shop")) == 1
    with pytest.raises(Forbidden):
        made.cluster.patch("deployments", "shop", "web", {"spec": {"replicas": 2}})
    assert allows(made.store, User("root", ("system:masters",)))("delete", "nodes", "", "n", "")


def test_a_role_that_is_taken_away_is_felt_at_once(client: httpx.Client, made: World) -> None:
    headers = bearer(client)
    made.api.delete("rolebindings", "shop", "b")
    assert client.get(PODS, headers=headers).status_code == 403


def test_a_body_in_protobuf_is_read(client: httpx.Client) -> None:
    """What `kubectl create namespace kube` sends, byte by byte."""
    head = b"\n\x0f\n\x02v1\x12\tNamespace"
    raw = b"\n\x06\n\x04kube\x12\x00\x1a\x00"
    body = b"k8s\x00" + head + b"\x12" + bytes([len(raw)]) + raw + b"\x1a\x00\x22\x00"
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    made = client.post("/api/v1/namespaces", content=body, headers=headers)
    assert (made.status_code, made.json()["metadata"]["name"]) == (201, "kube")
    broken = client.post("/api/v1/namespaces", content=body[:-9], headers=headers)
    assert broken.status_code == 400, json.dumps(broken.json())
    assert client.post("/api/v1/namespaces", content=b"nonsense", headers=headers).status_code == 400
