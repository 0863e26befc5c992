"""`deliver import`: what it writes is valid, what it leaves out is said, and nothing is overwritten."""

import io
import sys
from pathlib import Path

import pytest
import yaml

from deliver.cli.main import main
from deliver.importers.objects import MAX_BYTES
from deliver.model.exitcodes import ExitCode
from tests.importers.conftest import canary, query_template, template

EXAMPLES = Path(__file__).parents[2] / "examples" / "migration"
ERRORS = {"name": "errors", "successCondition": "result[0] < 0.05", "query": 'sum(rate(n{bad="1"}[2m])) / sum(rate(n[2m]))'}
SUCCESS = {"name": "request-success-rate", "thresholdRange": {"min": 99}, "interval": "1m"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *objects: object) -> str:
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


@pytest.mark.parametrize("name", ["argo.yaml", "flagger.yaml"])
def test_what_is_written_is_valid(name: str, here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["import", str(EXAMPLES / name), "-o", "made.yaml"]) == ExitCode.PROMOTED
    assert main(["validate", "-f", "made.yaml"]) == ExitCode.PROMOTED
    assert "wrote made.yaml" in capsys.readouterr().err


def test_without_a_file_it_goes_to_stdout_and_the_notes_to_stderr(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["import", write(here / "in.yaml", template([ERRORS, {"name": "job", "provider": {"job": {}}}]))]) == 0
    out, err = capsys.readouterr()
    assert yaml.safe_load(out)["analysis"]["metrics"][0]["name"] == "errors"
    assert "! AnalysisTemplate t, metric job: not converted: provider `job`" in err
    assert "# AnalysisTemplate t, metric job: not converted" in out


def test_what_is_not_known_is_asked_for_and_stands_in_until_then(here: Path, capsys: pytest.CaptureFixture[str]):
    found = canary({"metrics": [SUCCESS]})
    assert main(["import", write(here / "in.yaml", template([ERRORS]))]) == 0
    assert "`change-me` stands for it; give --deployment" in capsys.readouterr().err
    assert main(["import", write(here / "in.yaml", found)]) == 0
    assert "no address is named" in capsys.readouterr().err
    assert main(["import", write(here / "in.yaml", found), "--prometheus", "obs/prom:9090", "-n", "other"]) == 0
    out, err = capsys.readouterr()
    assert yaml.safe_load(out)["analysis"]["prometheus"] == {"service": "obs/prom:9090"}
    assert yaml.safe_load(out)["target"] == {"deployment": "web", "namespace": "other"}
    assert "stands for it" not in err


def test_lists_and_stdin_are_read(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [template([ERRORS])]}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed)))
    assert main(["import", "-", "--deployment", "web"]) == 0
    assert "errors" in capsys.readouterr().out


def test_what_belongs_together_may_be_in_several_files(here: Path, capsys: pytest.CaptureFixture[str]):
    found = canary({"metrics": [{"name": "own", "templateRef": {"name": "q"}, "thresholdRange": {"max": 5}}]})
    files = [write(here / "canary.yaml", found), write(here / "metric.yaml", query_template("max(x{a='1'})"))]
    assert main(["import", files[0]]) == ExitCode.USAGE
    assert "MetricTemplate q is not in what was read" in capsys.readouterr().err
    assert main(["import", *files]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["analysis"]["metrics"][0]["query"] == 'max(x{a="1",{candidate}})'


def shop(folder: Path) -> str:
    """Two Canaries, their templates and what else lies in such a folder."""
    (folder / "deep").mkdir(parents=True)
    api = canary({"metrics": [SUCCESS]}, targetRef={"kind": "Deployment", "name": "api"})
    write(folder / "web.yaml", canary({"metrics": [SUCCESS]}))
    write(folder / "deep" / "api.yml", api, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}})
    write(folder / "again.yaml", api)
    (folder / "notes.txt").write_text("{{")
    (folder / "chart.yaml").write_text("{{ if .Values.x }}")
    return str(folder)


def test_a_folder_becomes_a_file_for_each_target(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["import", shop(here / "in"), "-o", "out/"]) == 0
    out, err = capsys.readouterr()
    assert out == "" and sorted(file.name for file in (here / "out").iterdir()) == ["api.yaml", "web.yaml"]
    assert all(main(["validate", "-f", str(file)]) == 0 for file in (here / "out").iterdir())
    assert "! Service api: not converted: no object of Argo Rollouts or Flagger" in err
    assert "! in/chart.yaml" in err.replace(f"{here}/", "") and "not read: " in err and "notes.txt" not in err


def test_nothing_of_a_folder_is_written_over(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "out").mkdir()
    (here / "out" / "web.yaml").write_text("mine")
    assert main(["import", shop(here / "in"), "-o", "out"]) == ExitCode.USAGE
    assert [file.name for file in (here / "out").iterdir()] == ["web.yaml"]
    assert "web.yaml is there already" in capsys.readouterr().err
    assert main(["import", str(here / "in"), "-o", "out", "--force"]) == 0


def test_of_several_targets_one_is_named(here: Path, capsys: pytest.CaptureFixture[str]):
    folder = shop(here / "in")
    assert main(["import", folder]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == "" and "there are shop/api, shop/web" in err and "`-o FOLDER/` writes a file for each" in err
    assert main(["import", folder, "--deployment", "api"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["target"]["deployment"] == "api"
    assert main(["import", folder, "--deployment", "cart"]) == ExitCode.USAGE
    assert "--deployment cart is none of what was read" in capsys.readouterr().err


def test_each_rollout_has_the_templates_that_it_names(here: Path, capsys: pytest.CaptureFixture[str]):
    def rollout(name: str, template: str) -> dict[str, object]:
        spec = {
            "workloadRef": {"kind": "Deployment", "name": name},
            "strategy": {"canary": {"analysis": {"templates": [{"templateName": template}]}, "steps": [{"setWeight": 10}]}},
        }
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}, "spec": spec}

    left = {**template([ERRORS]), "metadata": {"name": "left"}}
    source = write(here / "in.yaml", rollout("a", "t"), rollout("b", "gone"), template([ERRORS]), left)
    assert main(["import", source, "-o", "./"]) == 0
    a, b = (yaml.safe_load((here / f"{name}.yaml").read_text()) for name in "ab")
    assert len(a["analysis"]["metrics"]) == 1 and "analysis" not in b
    assert "! AnalysisTemplate left: not converted: no Rollout or Canary here uses it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Service\napiVersion: v1\nmetadata: {name: web}\n", "nothing of in.yaml could be converted"),
        ("", "nothing of in.yaml could be converted"),
        ("a: [", "in.yaml:1:5: not valid YAML"),
        ("{{ if .Values.x }}\nkind: Canary", "not valid YAML"),
        ("[" * 2000, "not valid YAML"),
        ("kind: !!python/object:os.system x", "not valid YAML"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nspec: {metrics: [3, {name: x, provider: no}]}", "could be converted"),
        ("apiVersion: flagger.app/v1\nkind: Canary\nspec: {analysis: {stepWeight: a, metrics: 3}}", "could be converted"),
    ],
)
def test_when_nothing_is_converted_it_says_so_with_exit_code_2(text: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "in.yaml").write_text(text)
    assert main(["import", "in.yaml", "-o", "out.yaml"]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert said in err and out == "" and "Traceback" not in err
    assert not (here / "out.yaml").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "no file"),
        (("gone.yaml",), "cannot read gone.yaml"),
        (("gone.yaml", "--arg", "x"), "`x` is not NAME=VALUE"),
        (("empty/",), "nothing of empty/ could be converted"),
    ],
)
def test_bad_input_is_said(args: tuple[str, ...], said: str, here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "empty").mkdir()
    assert main(["import", *args]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_a_file_that_is_too_big_is_said(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "big.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    assert main(["import", "big.yaml"]) == ExitCode.USAGE
    assert "big.yaml: the file is too big" in capsys.readouterr().err


def test_a_file_that_is_there_is_not_written_over(here: Path, capsys: pytest.CaptureFixture[str]):
    source = write(here / "in.yaml", template([ERRORS]))
    (here / "out.yaml").write_text("mine")
    assert main(["import", source, "-o", "out.yaml"]) == ExitCode.USAGE
    assert (here / "out.yaml").read_text() == "mine" and "--force" in capsys.readouterr().err
    assert main(["import", source, "-o", "out.yaml", "--force"]) == 0
    assert "errors" in (here / "out.yaml").read_text()
