"""Bad input: exit code 2, a message that says where and what, no traceback, and no cluster was asked (issue section 8)."""

import time
from pathlib import Path

import pytest

from tests.cli.conftest import FILE, Deliver

BASE = ("canary", "web", "-f", "none", "--image", "reg/web:1.1.0")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("weight: 10,", "weigth: 10,", ["deliver.yaml:5:14: unknown key `weigth`", "did you mean `weight`?"]),
        ("analysis:", "analisis:", ["deliver.yaml:6:1: unknown key `analisis`", "did you mean `analysis`?"]),
        ("namespace: shop", "namespce: shop", ["deliver.yaml:1:41: unknown key `namespce` under `target`", "did you mean `namespace`?"]),
        ("prometheus:", "promtheus:", ["deliver.yaml:7:3: unknown key `promtheus`", "did you mean `prometheus`?"]),
        ("http:", "htp:", ["deliver.yaml:10:13: unknown health check `htp`", "did you mean `http`?"]),
        ("canary:", "canry:", ["deliver.yaml:4:3: unknown strategy `canry`", "did you mean `canary`?"]),
        ("total:", "totl:", ["deliver.yaml:9:63: unknown key `totl`", "did you mean `total`?", "`total` is missing"]),
        ("port: 8080", "prot: 8080", ["unknown key `prot` under `analysis.health[0].http`", "did you mean `port`?"]),
        ("deployment: web", "deployment: [web]", ["deliver.yaml:1:22: `target.deployment`: must be text", "not a list"]),
        ("deployment: web", "deployment: Web_1", ["deliver.yaml:1:22:", "is not a Kubernetes name"]),
        ("image: ghcr.io/acme/web:1.4.2", "image: 1.4", ["deliver.yaml:2:8: `image`: must be text; put it in quotes, not `1.4`"]),
        ("web:1.4.2", "web", ["deliver.yaml:2:8: `image`: `ghcr.io/acme/web` has no tag"]),
        ("weight: 10,", "weight: 0,", ["weight 0 is not a share"]),
        ("weight: 10,", "weight: 101,", ["deliver.yaml:5:22:", "`101` is not between 0 and 100 percent"]),
        ("weight: 10,", "weight: -1,", ["deliver.yaml:5:22:", "`-1` is not between 0 and 100 percent"]),
        ("weight: 10,", "weight: abc,", ["deliver.yaml:5:22:", "`abc` is not a percentage"]),
        ("weight: 50", "weight: 10", ["deliver.yaml:5:5: weights must rise"]),
        ("bake: 5m", "bake: 5", ["deliver.yaml:5:32:", "`5` has no unit; write 5s or 5m"]),
        ("bake: 5m", "bake: 1.5", ["deliver.yaml:5:32:", "`1.5` has no unit"]),
        ("max: 1%", "max: 1.5.", ["deliver.yaml:9:96:", "is not a percentage"]),
        ("compare: stable", "compare: on", ["deliver.yaml:9:109:", "`on`"]),
        ("bad: ", "query: x, bad: ", ["unknown key `query`"]),
        ("analysis:", "analysis: &a", ["deliver.yaml:6:11: anchors and aliases are not allowed"]),
        ("namespace: shop", "namespace: *a", ["deliver.yaml:1:52: anchors and aliases are not allowed"]),
        ("image:", "target: {}\nimage:", ["deliver.yaml:2:1: duplicate key `target`", "it stands at line 1 already"]),
        ("image:", "image: !!python/object/apply:os.system", ["deliver.yaml:2:8: tag"]),
        ("image:", "  image:", ["deliver.yaml:2", "not valid YAML"]),
    ],
)
def test_a_file_with_a_mistake(deliver: Deliver, folder: Path, old: str, new: str, told: list[str]) -> None:
    assert old in FILE
    (folder / "deliver.yaml").write_text(FILE.replace(old, new, 1))
    for command in ("validate", "run"):
        began = time.process_time()
        run = deliver(command)
        assert (run.code, run.out) == (2, "")
        assert run.err.startswith("error: ")
        for text in told:
            assert text in run.err
        assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a: " + b"x" * (2 << 20), "deliver.yaml: the file is too big"),
        (b"a: " + b"[" * 10_000, "deliver.yaml:1:67: nested too deep"),
        (b"{a: " * 10_000, "nested too deep"),
        (b"target: \xff\xfe", "deliver.yaml:1:9: the file is not UTF-8"),
        (b"", "deliver.yaml: the file is empty"),
        (b"- a\n- b\n", "deliver.yaml:1:1: the file must be a mapping"),
        (b"a: 1\n---\nb: 2\n", "deliver.yaml:2:1: more than one document"),
        (b"a: \x00", "not valid YAML"),
    ],
    ids=["2 MiB", "10,000 lists deep", "10,000 mappings deep", "not UTF-8", "empty", "a list", "two documents", "NUL"],
)
def test_a_file_that_is_no_file_for_us(deliver: Deliver, folder: Path, content: bytes, told: str) -> None:
    (folder / "deliver.yaml").write_bytes(content)
    began = time.process_time()
    run = deliver("validate")
    assert (run.code, run.out) == (2, "")
    assert told in run.err
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((*BASE, "--weight", "0"), "weight 0 is not a share"),
        ((*BASE, "--weight", "101"), "option --weight: `101` is not between 0 and 100 percent"),
        ((*BASE, "--weight", "-1"), "option --weight: `-1` is not between 0 and 100 percent"),
        ((*BASE, "--weight", "abc"), "option --weight: `abc` is not a percentage"),
        ((*BASE, "--weight", "50,10"), "weights must rise: 10 comes after 50"),
        ((*BASE, "--weight", "10,10"), "weights must rise"),
        ((*BASE,), "needs `weight`"),
        ((*BASE, "--weight", "10", "--bake", "5"), "option --bake: `5` has no unit; write 5s or 5m"),
        ((*BASE, "--weight", "10", "--surge", "many"), "option --surge: must be a whole number, not `many`"),
        ((*BASE, "--weight", "10", "--poll", "5"), "option --poll: `5` has no unit"),
        ((*BASE, "--weight", "10", "--on-blind", "ignore"), "`ignore` is not one of hold, rollback"),
        ((*BASE, "--weight", "10", "--errors", "x"), "option --errors needs --requests"),
        ((*BASE, "--weight", "10", "--max-error-rate", "1%"), "option --max-error-rate has nothing to limit"),
        ((*BASE, "--weight", "10", "--window", "1m"), "option --window has no metric to apply to"),
        ((*BASE, "--weight", "10", "--errors", "x", "--requests", "y"), "metrics without a place to ask"),
        ((*BASE, "--weight", "10", "--prometheus", "prometheus"), "neither a URL nor NAMESPACE/NAME:PORT"),
        ((*BASE, "--weight", "10", "--health-http", "8080"), "`8080` is not a path and a port"),
        ((*BASE, "--weight", "10", "--health-tcp", "70000"), "`70000` is not a port"),
        ((*BASE, "--weight", "10", "--router", "istoi"), "unknown router `istoi`"),
        ((*BASE, "--weight", "10", "-n", "Shop"), "option --namespace: `Shop` is not a Kubernetes name"),
        ((*BASE, "--weight", "10", "--weigth", "5"), "no such option: --weigth"),
        (("canary", "web", "-f", "none", "--weight", "10"), "no image"),
        (("canary", "web", "-f", "none", "--image", "reg/web", "--weight", "10"), "option --image: `reg/web` has no tag"),
        (("canary", "web", "-f", "none", "--image", "reg:5000/web", "--weight", "10"), "has no tag"),
        (("canary", "web", "-f", "none", "--image", "reg/web:", "--weight", "10"), "option --image: `reg/web:` is not an image reference"),
        (("canary", "web", "-f", "none", "--image", "reg/web::1", "--weight", "10"), "`reg/web::1` is not an image reference"),
        (("canary", "-f", "none", "--weight", "10"), "no target"),
        (("flag", "new-checkout", "-f", "none", "--weight", "10"), "e.g. --target web"),
        (("flag", "new-checkout", "web", "-f", "none", "--weight", "10"), "the Deployment is named by `--target`"),
        (("canary", "statefulset/web", "--weight", "10"), "a statefulset cannot be released"),
        (("canary", "daemonsets/web", "--weight", "10"), "a daemonset cannot be released"),
        (("rollback", "statefulset/web"), "a statefulset cannot be released"),
        (("rollback", "We b"), "is not a Kubernetes name"),
        (("rollback",), "no target"),
        (("run", "web", "-f", "none", "--image", "reg/web:1"), "no strategy"),
        (("run", "-f", "no-such-file.yaml"), "cannot read no-such-file.yaml"),
        (("run", "-f", "."), "cannot read ."),
        (("plan", "web", "-f", "none", "--image", "a/b:1", "--strategy", "canry"), "no plugin `canry` among the strategies"),
        (("plan", "web", "-f", "none", "--image", "a/b:1", "--strategy", "canary", "--size", "3"), "no such option: --size"),
        (("promot",), "did you mean 'promote'"),
        (("canary", "web", "-f", "none", "--image", "a/b:1", "--weight", "10"), "KUBECONFIG names no file that exists"),
        (("status", "web", "--kubeconfig", "/no/such/file"), "kubeconfig /no/such/file does not exist"),
    ],
)
def test_an_option_with_a_mistake(deliver: Deliver, args: tuple[str, ...], told: str) -> None:
    began = time.process_time()
    run = deliver(*args)
    assert (run.code, run.out) == (2, "")
    assert told.lower() in run.err.lower()
    assert run.err.startswith("error: ")
    assert time.process_time() - began < 2


def test_a_kubeconfig_that_is_not_one(deliver: Deliver, folder: Path) -> None:
    (folder / "kubeconfig").write_text("{]")
    run = deliver("status", "web", "--kubeconfig", "kubeconfig")
    assert run.code == 2
    assert run.err.startswith("error: ")


def test_json_output_has_the_error_as_an_object_too(deliver: Deliver) -> None:
    import json

    run = deliver("status", "statefulset/web", "-o", "json")
    assert run.code == 2
    view = json.loads(run.out)
    assert (view["kind"], view["exit_code"]) == ("Error", 2)
    assert "statefulset" in view["error"]
