"""The words of registries, kubelets and admission, as they say them: which of them time may mend."""

import pytest

from deliver.engine.runtime.pod_causes import APPLIED_LATE, config_patience, creation_is_final, pull_is_final, pull_says_why

IMAGE = "registry.example.com/team/web:1.2.3"
HEAD = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '


@pytest.mark.parametrize("state", ["ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"])
@pytest.mark.parametrize(
    "words",
    [
        "unexpected status from HEAD request to https://registry.example.com/v2/team/web/manifests/1.2.3: 429 Too Many Requests",
        "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
        "unexpected status from HEAD request to https://registry.example.com/v2/team/web/manifests/1.2.3: 503 Service Unavailable",
        "failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.example.com/token: 502",
        'failed to do request: Head "https://registry.example.com/v2/team/web/manifests/1.2.3": dial tcp 10.0.0.1:443: i/o timeout',
        "dial tcp 10.0.0.1:5000: connect: connection refused",
        "read tcp 10.0.0.2:3344->10.0.0.1:443: read: connection reset by peer",
        "dial tcp: lookup registry.example.com on 10.96.0.10:53: no such host",
        "dial tcp: lookup registry.example.com: Temporary failure in name resolution",
        "net/http: TLS handshake timeout",
        "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
        "rpc error: code = Unknown desc = failed to read expected number of bytes: unexpected EOF",
        "pull QPS exceeded",
        "write /var/lib/containerd/x: no space left on device",
        "what nobody has said before",
        "",
    ],
)
def test_what_a_registry_or_a_network_says_that_is_busy_or_away_is_waited_for(state: str, words: str):
    assert not pull_is_final(state, f"{HEAD}{words}", IMAGE)


@pytest.mark.parametrize("state", ["ErrImagePull", "ImagePullBackOff"])
@pytest.mark.parametrize(
    "words",
    [
        "rpc error: code = NotFound desc = registry.example.com/team/web:1.2.3: not found",
        "manifest unknown: manifest unknown",
        "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
        "unexpected status from HEAD request to https://registry.example.com/v2/team/web/manifests/1.2.3: 401 Unauthorized",
        "unexpected status from HEAD request to https://registry.example.com/v2/team/web/manifests/1.2.3: 403 Forbidden",
        "no basic auth credentials",
        "no match for platform in manifest: not found",
        "no matching manifest for linux/arm64 in the manifest list entries",
        "SignatureValidationFailed: Source image rejected: A signature was required, but no signature exists",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "http: server gave HTTP response to HTTPS client",
        "tls: first record does not look like a TLS handshake",
    ],
)
def test_what_nobody_mends_by_waiting_is_final(state: str, words: str):
    assert pull_is_final(state, f"{HEAD}{words}", IMAGE)


@pytest.mark.parametrize("state", ["InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed"])
def test_a_state_that_has_one_cause_is_that_cause(state: str):
    assert pull_is_final(state, "", IMAGE)


@pytest.mark.parametrize("image", ["registry/denied:not-found", "registry/timeout:429", "not-found/web@sha256:503abc"])
def test_the_name_of_an_image_is_no_cause(image: str):
    head = f'failed to pull and unpack image "{image}": '
    assert not pull_is_final("ErrImagePull", f"{head}dial tcp: connection refused", image)
    assert not pull_is_final("ErrImagePull", f"{head}what nobody has said before", image)
    assert pull_is_final("ErrImagePull", f"{head}manifest unknown", image)


def test_an_older_kubelet_backs_off_without_a_word_of_why():
    assert not pull_says_why(f'Back-off pulling image "{IMAGE}"')
    assert not pull_says_why("")
    assert pull_says_why(f'Back-off pulling image "{IMAGE}": ErrImagePull: not found')


@pytest.mark.parametrize(
    ("words", "patience"),
    [
        ('configmap "settings" not found', APPLIED_LATE),
        ('secret "password" not found', APPLIED_LATE),
        ("couldn't find key URL in ConfigMap shop/settings", APPLIED_LATE),
        ("failed to sync configmap cache: timed out waiting for the condition", 0.0),
        ("services have not yet been read at least once, cannot construct envvars", 0.0),
        ('failed to reserve container name "web_x": name "web_x" is reserved for "abc"', 0.0),
        ("container has runAsNonRoot and image will run as root", None),
        ('exec: "nope": executable file not found in $PATH: unknown', None),
        ("no command specified", None),
    ],
)
def test_a_container_that_cannot_be_made(words: str, patience: float | None):
    assert config_patience(words) == patience


@pytest.mark.parametrize(
    ("words", "final"),
    [
        ('pods "web-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=4, limited: pods=4', False),
        (
            'Internal error occurred: failed calling webhook "x": dial tcp 10.0.0.1:443: connect: connection refused',
            False,
        ),
        ('Internal error occurred: failed calling webhook "x": no endpoints available for service "x"', False),
        ('Internal error occurred: failed calling webhook "x": context deadline exceeded', False),
        ('error looking up service account shop/web: serviceaccount "web" not found', False),
        ('admission webhook "policy.example.com" denied the request: label team is missing', True),
        ('pods "web-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', True),
        ('pods "web-1" is forbidden: maximum cpu usage per Container is 1, but limit is 2', True),
        ('Pod "web-1" is invalid: spec.containers[0].image: Required value', True),
    ],
)
def test_a_pod_that_the_api_server_did_not_take(words: str, final: bool):
    assert creation_is_final(words) is final
