"""What goes over the wire, and what an answer becomes."""

from collections.abc import Callable

import pytest

from deliver.cluster.client import KubernetesCluster
from deliver.model.errors import ClusterError, Conflict, Forbidden, Gone, InputError, NotFound, Rejected
from tests.cluster.stub import Stub, answer, ok, status


def test_a_patch_is_a_merge_patch_and_says_who_manages_the_fields(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(ok())
    cluster.patch("deployments", "shop", "web", {"spec": {}})
    request = stub.requests[0]
    assert request.headers["content-type"] == "application/merge-patch+json"
    assert request.path == "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=deliver"


def test_delete_has_preconditions_and_runs_in_the_background(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(ok())
    cluster.delete("deployments", "shop", "web", uid="abc", version="7")
    assert stub.requests[0].body["preconditions"] == {"uid": "abc", "resourceVersion": "7"}
    assert stub.requests[0].body["propagationPolicy"] == "Background"


def test_create_fills_in_kind_and_leaves_the_callers_body_alone(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(ok())
    body = {"metadata": {"name": "deliver-web"}}
    cluster.create("leases", "shop", body)
    assert stub.requests[0].body["apiVersion"] == "coordination.k8s.io/v1" and stub.requests[0].body["kind"] == "Lease"
    assert body == {"metadata": {"name": "deliver-web"}}


def test_names_cannot_leave_their_place_in_the_path(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(ok())
    cluster.get("pods", "shop/../kube-system", "a/../b?x=1")
    assert stub.requests[0].path == "/api/v1/namespaces/shop%2F..%2Fkube-system/pods/a%2F..%2Fb%3Fx%3D1"


def test_a_kind_without_namespace(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(ok())
    cluster.get("namespaces", "", "shop")
    assert stub.requests[0].path == "/api/v1/namespaces/shop"


@pytest.mark.parametrize(
    ("code", "error"),
    [(400, Rejected), (404, NotFound), (409, Conflict), (410, Gone), (413, Rejected), (422, Rejected), (302, Rejected)],
)
def test_each_status_has_its_error(cluster: KubernetesCluster, stub: Stub, code: int, error: type[ClusterError]) -> None:
    stub.script(status(code, "because of this"))
    with pytest.raises(error) as caught:
        cluster.patch("services", "shop", "web", {})
    assert type(caught.value) is error
    assert (caught.value.what, caught.value.status) == ("cannot change services/web in shop", code)
    assert (caught.value.why, caught.value.state) == ("because of this", "nothing was changed by this call")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ('services "web" is forbidden: User "ci" cannot patch resource "services" in API group "" in the namespace "shop"', Forbidden),
        ('forbidden: User "ci" cannot patch path "/api/v1/namespaces/shop/services/web"', Forbidden),
        ("", Forbidden),
        ('admission webhook "team.acme.dev" denied the request: every Service wants a label `team`', Rejected),
        (
            "services \"web\" is forbidden: ValidatingAdmissionPolicy 'team' with binding 'all' denied request: label team is missing",
            Rejected,
        ),
        (
            'deployments.apps "web-candidate" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: 2, limited: 2',
            Rejected,
        ),
        ('pods "web" is forbidden: [maximum cpu usage per Container is 1, but limit is 2]', Rejected),
        ('pods "web" is forbidden: violates PodSecurity "restricted:latest": privileged (container "web")', Rejected),
    ],
)
def test_a_403_is_no_missing_right_where_admission_denies_what_was_written(
    cluster: KubernetesCluster, stub: Stub, message: str, error: type[ClusterError]
) -> None:
    stub.script(status(403, message))
    with pytest.raises(error) as caught:
        cluster.patch("services", "shop", "web", {})
    assert type(caught.value) is error
    assert message in caught.value.told
    assert ("ask for this permission" in caught.value.hint) is (error is Forbidden)


def test_a_rehearsed_write_is_a_dry_run_whose_answer_need_not_be_stored(cluster: KubernetesCluster, stub: Stub) -> None:
    made = {"metadata": {"name": "web-preview", "uid": "u"}, "spec": {}}
    stub.script(answer(201, made), ok())
    dry = cluster.rehearsing()
    assert dry.create("services", "shop", made)["metadata"]["name"] == "web-preview"
    assert "dryRun=All" in stub.requests[0].path
    cluster.patch("services", "shop", "web", {})
    assert "dryRun" not in stub.requests[1].path, "the cluster that it was made of writes as before"


def test_a_read_that_is_forbidden_is_a_missing_right_whatever_it_says(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(status(403, "not for you"))
    with pytest.raises(Forbidden):
        cluster.get("services", "shop", "web")


def test_text_of_the_server_is_short_and_one_line_and_without_credentials(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(status(403, "\x1b[31mno\n the-secret-token https://me:pw@host Bearer abcdefghijkl " + "x" * 1200))
    with pytest.raises(Forbidden) as caught:
        cluster.get("services", "shop", "web")
    assert caught.value.why.startswith("no *** https://***@host Bearer *** xxx")
    assert len(caught.value.why) == 1024


@pytest.mark.parametrize("body", [b"", b"404 page not found", b"[" * 100_000, b"\xff\xfe"])
def test_an_error_without_a_status_body(cluster: KubernetesCluster, stub: Stub, body: bytes) -> None:
    stub.script(answer(404, body))
    with pytest.raises(NotFound) as caught:
        cluster.get("services", "shop", "web")
    assert caught.value.why


def test_allowed_asks_about_the_subresource_of_the_kinds_group(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(ok({"status": {"allowed": True}}), ok({"status": {"allowed": False}}), ok({}))
    assert cluster.allowed("patch", "deployments", "shop", "web", "scale")
    asked = stub.requests[0].body["spec"]["resourceAttributes"]
    assert asked == {
        "verb": "patch",
        "group": "apps",
        "resource": "deployments",
        "subresource": "scale",
        "namespace": "shop",
        "name": "web",
    }
    assert not cluster.allowed("get", "pods", "shop")
    assert not cluster.allowed("get", "pods", "shop")


def test_logs_are_text_without_escape_codes(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(answer(200, b"one\n\x1b[31mtwo\xff\n"))
    assert cluster.logs("shop", "web-1", "app", previous=True, lines=2) == "one\n [31mtwo\ufffd\n"
    assert stub.requests[0].path.startswith("/api/v1/namespaces/shop/pods/web-1/log?container=app&tailLines=2&")
    assert "previous=true" in stub.requests[0].path


def test_version(cluster: KubernetesCluster, stub: Stub) -> None:
    stub.script(ok({"gitVersion": "v1.37.2"}))
    assert cluster.version() == "v1.37.2"


def test_access_through_the_proxy(connect_to: Callable[..., KubernetesCluster]) -> None:
    cluster = connect_to("http://127.0.0.1:1", {"token": "t"})
    access = cluster.proxy("monitoring", "services", "prometheus", 9090)
    assert access.url == "http://127.0.0.1:1/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"
    assert access.headers() == {"Authorization": "Bearer t"}
    assert cluster.proxy("shop", "pods", "web-1", 8443, "https").url.endswith("/pods/https:web-1:8443/proxy")
    with pytest.raises(InputError):
        cluster.proxy("shop", "secrets", "x", 1)
