"""flagd in a ConfigMap: what is refused before a release starts, and options that make no sense."""

import pytest
from pydantic import ValidationError

from deliver.flags.flagd import Flagd
from deliver.flags.options import ConfigMapOptions
from deliver.model.errors import Forbidden, NotFound
from tests.flags.desk import FLAG, Desk
from tests.flags.support import SHOP, pod, pod_spec, reach, workload


@pytest.fixture
def desk():
    return Desk()


# ------------------------------------------------------------------ before a release


def rules(found):
    return [(one.rule, one.level) for one in found]


def test_a_flag_that_all_pods_read_and_serve_may_be_released(desk):
    assert desk.check() == []


def test_pods_that_do_not_mount_it(desk):
    assert rules(desk.check(pod_spec(volumes=[], mounts=[]))) == [("not-mounted", "input")]
    other = pod_spec(volumes=[{"name": "flags", "configMap": {"name": "api-flags"}}])
    assert "api-flags" in desk.check(other)[0].hint
    only = pod_spec(volumes=[{"name": "flags", "configMap": {"name": "web-flags", "items": [{"key": "else", "path": "x"}]}}])
    assert rules(desk.check(only)) == [("not-mounted", "input")]
    assert rules(desk.check(pod_spec(mounts=[]))) == [("not-mounted", "input")]


def test_a_projected_volume_is_a_mount_too(desk):
    projected = {"name": "flags", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "web-flags"}}]}}
    assert desk.check(pod_spec(volumes=[projected]), pods=[]) == []


def test_a_mount_by_sub_path_never_sees_a_change(desk):
    spec = pod_spec(mounts=[{"name": "flags", "mountPath": "/etc/flags.json", "subPath": "flags.json"}])
    assert rules(desk.check(spec)) == [("sub-path", "input")]
    spec["containers"].append({"name": "flagd", "image": "flagd", "volumeMounts": [{"name": "flags", "mountPath": "/etc/flagd"}]})
    assert desk.check(spec) == []


@pytest.mark.parametrize(
    "container",
    [
        {"envFrom": [{"configMapRef": {"name": "web-flags"}}]},
        {"env": [{"name": "F", "valueFrom": {"configMapKeyRef": {"name": "web-flags", "key": "flags.json"}}}]},
    ],
)
def test_an_environment_variable_is_read_once(desk, container):
    assert rules(desk.check(pod_spec(volumes=[], mounts=[], **container))) == [("in-env", "input")]


def test_running_pods_of_an_older_template(desk):
    found = desk.check(pods=[pod("web-0", pod_spec(volumes=[], mounts=[]))])
    assert rules(found) == [("not-mounted", "input")]
    assert "web-0" in found[0].message


def test_an_immutable_configmap():
    assert ("immutable", "input") in rules(Desk(immutable=True).check())


def test_a_configmap_that_is_nearly_full():
    assert ("too-large", "input") in rules(Desk(binaryData={"logo": "x" * 1_047_000}).check())


def test_a_configmap_that_git_applies():
    desk = Desk()
    fields = {"f:data": {"f:flags.json": {}}}
    entry = {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": fields}
    obj = desk.world.api.store.get("configmaps", SHOP, "web-flags")
    obj["metadata"]["managedFields"] = [entry]
    assert rules(desk.check()) == [("gitops", "warn")]


def test_no_such_configmap_key_or_flag(desk):
    found = desk.again(key="flag.json").check(FLAG, workload(), [])
    assert (found[0].rule, found[0].level) == ("no-flag", "input")
    assert "no key `flag.json`" in found[0].message
    missing = Flagd(ConfigMapOptions(configmap="nope"), reach(desk.world)).check(FLAG, workload(), [])
    assert "no ConfigMap nope in namespace shop" in missing[0].message
    assert "kubectl -n shop create configmap nope" in missing[0].hint
    nearest = desk.backend.check("new-chekout", workload(), [])
    assert "did you mean `new-checkout`?" in nearest[0].hint


def test_a_broken_document_a_binary_one_and_a_marked_flag(desk):
    desk.set(5)
    assert ("marked", "refuse") in rules(desk.check())
    desk.edit("{")
    assert "not a valid flagd document" in desk.check()[0].message
    with pytest.raises(NotFound) as binary:
        Desk(data={}, binaryData={"flags.json": "e30="}).backend.read(FLAG)
    assert "binaryData" in binary.value.hint


def test_pods_that_cannot_be_asked(desk):
    del desk.fleet.instances["web-1"]
    found = desk.check()
    assert rules(found) == [("no-ofrep", "refuse")]
    assert "web-1" in found[0].message
    assert "port: 0" in found[0].hint
    assert desk.check(port=0) == []


def test_pods_that_read_another_document(desk):
    desk.fleet.instances["web-1"].load('{"flags": {"another": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}')
    assert "knows no flag `new-checkout`" in desk.check()[0].message


def test_an_api_server_that_is_away_or_says_no_is_said_as_that(desk):
    desk.world.cluster.allow = lambda *call: False
    with pytest.raises(Forbidden):
        desk.check()


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"configmap": "Web_Flags"},
        {"configmap": "w", "treatment": "x", "safe": "x"},
        {"configmap": "w", "port": 70000},
        {"configmap": "w", "users": 5},
        {"configmap": "w", "token_env": "not a name"},
        {"configmap": "w", "token_header": "Authorization"},
        {"configmap": "w", "path": "ofrep"},
        {"configmap": "w", "flag": "typo"},
    ],
)
def test_options_that_make_no_sense(options):
    with pytest.raises(ValidationError):
        ConfigMapOptions.model_validate(options)
