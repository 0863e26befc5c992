"""init and the questions it asks: on a terminal, and off one, where a question is bad input."""

import io
import sys
from pathlib import Path

import pytest

from deliver.cli.prompt import ask
from deliver.discovery.types import Choice, Question
from deliver.model.errors import InputError
from tests.cli.conftest import Deliver

WHICH = Question("Which of these", (Choice("the first", "--take first", 1), Choice("the second", "--take second", 2)))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch):
    def type_(text: str) -> Terminal:
        screen = Terminal()
        monkeypatch.setattr(sys, "stdin", Terminal(text))
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return type_


def test_a_number_chooses(typed) -> None:
    screen = typed("2\n")
    assert ask(WHICH) == 2
    assert screen.getvalue() == "Which of these?\n  1. the first\n  2. the second\nNumber from 1 to 2: "


def test_what_is_no_number_is_asked_for_again(typed) -> None:
    typed("no\n3\n1\n")
    assert ask(WHICH) == 1


@pytest.mark.parametrize("text", ["", "no\nno\nno\n", "0\n-1\n\n"])
def test_no_answer_is_bad_input_that_says_what_to_type(typed, text: str) -> None:
    typed(text)
    with pytest.raises(InputError) as caught:
        ask(WHICH)
    assert caught.value.hint == "e.g. --take first"


def test_off_a_terminal_the_choices_are_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    with pytest.raises(InputError) as caught:
        ask(WHICH)
    assert (caught.value.what, caught.value.why) == ("not clear: Which of these", "(1) the first; (2) the second")


def test_steering_characters_never_reach_the_screen(typed) -> None:
    screen = typed("1\n")
    ask(Question("Which", (Choice("a\x1b[2Jb", "", 1), Choice("c", "", 2))))
    assert "\x1b" not in screen.getvalue()


def test_a_file_that_is_there_is_not_overwritten(deliver: Deliver, folder: Path) -> None:
    (folder / "mine.yaml").write_text("kept")
    run = deliver("init", "web", "-o", "mine.yaml")
    assert (run.code, "mine.yaml is there already" in run.err) == (2, True)
    assert (folder / "mine.yaml").read_text() == "kept"


def test_without_a_cluster_nothing_is_written(deliver: Deliver, folder: Path) -> None:
    run = deliver("init", "web", "-o", "new.yaml")
    assert run.code == 2
    assert not (folder / "new.yaml").exists()


@pytest.mark.parametrize("header", ["X-Scope-OrgID", "=shop", "X-Scope-OrgID="])
def test_a_header_is_a_name_and_a_value(deliver: Deliver, header: str) -> None:
    run = deliver("validate", "web", "-f", "none", "--prometheus", "a/b:1", "--prometheus-header", header)
    assert (run.code, "a header is NAME=VALUE" in run.err) == (2, True)


def test_a_header_that_may_be_a_secret_belongs_into_the_environment_and_is_not_repeated(deliver: Deliver) -> None:
    run = deliver("validate", "web", "-f", "none", "--prometheus", "a/b:1", "--prometheus-header", "X-Auth-Token=hunter2")
    assert (run.code, "headers_env" in run.err) == (2, True)
    assert "hunter2" not in run.out + run.err


@pytest.mark.parametrize("address", ["a/b:1/prometheus", "a/b:1/select/0/prometheus/"])
def test_an_address_may_have_a_path(deliver: Deliver, address: str) -> None:
    assert deliver("validate", "web", "-f", "none", "--prometheus", address, "--prometheus-header", "X-Scope-OrgID=env:TENANT").code == 0
