"""A document in a file: replaced whole, later than before, by one writer at a time."""

import json
import os
import threading
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from deliver.flags.file import FlagdFile, replace_file
from deliver.flags.options import FileOptions
from deliver.model.errors import Conflict, Forbidden, NotFound, Rejected, Superseded
from deliver.plugins.flags import FlagReach, Mark
from tests.flags.support import DOCUMENT, MARK, Evaluator, Fleet

FLAG = "new-checkout"


class Desk:
    def __init__(self, folder):
        self.file = folder / "flags.json"
        self.file.write_text(DOCUMENT)
        self.fleet = Fleet()
        self.backend = self.again()
        self.write = SimpleNamespace(confirm=lambda: None)

    def again(self, **options):
        reach = FlagReach("shop", None, None, self.fleet.pod, None, {}, lambda: 1.7e9)
        return FlagdFile(FileOptions.model_validate({"file": str(self.file), "port": 0, **options}), reach, self.fleet.caller)

    def set(self, percent, mark=MARK):
        return self.backend.set(self.write, FLAG, percent, mark, if_revision=self.backend.read(FLAG).revision)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_set_kill_and_restore_byte_for_byte(desk):
    before = desk.backend.read(FLAG)
    desk.set(25)
    assert desk.backend.read(FLAG).percent == 25
    desk.backend.kill(desk.write, FLAG, MARK)
    assert not Evaluator(desk.file.read_text()).resolve(FLAG, "anybody")["value"]
    assert desk.again().restore(desk.write, FLAG, before.document, MARK) == before.revision
    assert desk.file.read_bytes() == DOCUMENT.encode()


def test_what_somebody_saves_while_we_write_is_not_written_over(desk):
    """Between our reading and our replacing; an editor knows no lock of ours."""
    desk.set(25)
    saved = []

    def save():
        if not saved:
            saved.append(desk.file.write_text(desk.file.read_text().replace("1.50", "1.51")))

    desk.write.confirm = save
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0
    assert '"a": 1.51' in desk.file.read_text()


def test_nothing_but_the_file_is_left(desk):
    desk.set(25)
    desk.set(100, Mark(MARK.release, 2, 7))
    desk.backend.release(desk.write, FLAG)
    assert [one.name for one in desk.file.parent.iterdir()] == ["flags.json"]
    assert "deliver" not in desk.file.read_text()


# ------------------------------------------------------------------ how it is replaced


@pytest.mark.parametrize("old", [0, 2**31, 4_000_000_000])
def test_each_text_is_later_than_the_one_before_also_a_restored_one(desk, old):
    """flagd's Python provider never loads a file that looks older than the one it has."""
    os.utime(desk.file, (old, old))
    seen = [desk.file.stat().st_mtime]
    before = desk.backend.read(FLAG)
    desk.set(25)
    seen.append(desk.file.stat().st_mtime)
    desk.backend.restore(desk.write, FLAG, before.document, MARK)
    seen.append(desk.file.stat().st_mtime)
    assert seen[0] < seen[1] < seen[2]


def test_the_file_is_another_one_each_time_so_no_reader_meets_half_a_text(desk):
    with desk.file.open() as reader:
        desk.set(25)
        assert reader.read() == DOCUMENT


def test_mode_and_owner_stay(desk):
    desk.file.chmod(0o640)
    os.chown(desk.file, 12345, 12345) if os.getuid() == 0 else None
    before = desk.file.stat()
    desk.set(25)
    after = desk.file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_link_stays_a_link(desk, tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    desk.file.rename(real / "flags.json")
    desk.file.symlink_to(real / "flags.json")
    desk.set(25)
    assert desk.file.is_symlink()
    assert [one.name for one in real.iterdir()] == ["flags.json"]


def test_a_failed_write_leaves_the_old_text_and_no_rubbish(desk, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="cannot be read or replaced"):
        desk.set(25)
    assert desk.file.read_text() == DOCUMENT
    assert [one.name for one in desk.file.parent.iterdir()] == ["flags.json"]


# ------------------------------------------------------------------ whose write it is


def test_somebody_elses_edit_is_a_conflict(desk):
    old = desk.backend.read(FLAG).revision
    desk.file.write_text(DOCUMENT.replace("caf", "kaf"))
    with pytest.raises(Conflict):
        desk.backend.set(desk.write, FLAG, 5, MARK, if_revision=old)
    assert desk.file.read_text() == DOCUMENT.replace("caf", "kaf")


def test_of_two_writers_at_once_one_wins_and_the_other_is_told(desk):
    revision, told, gate = desk.backend.read(FLAG).revision, [], threading.Barrier(4)

    def one(number):
        gate.wait()
        try:
            desk.again().set(desk.write, FLAG, 5, Mark(f"web-{number}", 1, 7), if_revision=revision)
            told.append("won")
        except Conflict:
            told.append("lost")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(told) == ["lost", "lost", "lost", "won"]
    assert desk.backend.read(FLAG).percent == 5


def test_the_lock_is_asked_last_and_without_it_nothing_is_written(desk):
    def lost():
        raise Superseded("held by another")

    desk.write.confirm = lost
    for act in (lambda: desk.set(5), lambda: desk.backend.kill(desk.write, FLAG, MARK)):
        with pytest.raises(Superseded):
            act()
    assert desk.file.read_text() == DOCUMENT


@pytest.mark.parametrize("broken", [b"{", b'{"flags": "caf\xe9"}'])
def test_a_kill_over_a_broken_file(desk, broken):
    desk.set(50)
    desk.file.write_bytes(broken)
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0
    assert set(json.loads(desk.file.read_text())["flags"]) == {"other", FLAG, "third"}


# ------------------------------------------------------------------ confirm


def test_instances_that_read_the_file_are_asked(desk):
    desk.fleet.instances = {"flagd-1": Evaluator(), "flagd-2": Evaluator()}
    backend = desk.again(instances=["http://flagd-1", "http://flagd-2/"])
    revision = desk.set(25)
    assert backend.confirm(FLAG, revision, 25, []).acked == 0
    desk.fleet.load(desk.file.read_text())
    assert backend.confirm(FLAG, revision, 25, []).whole
    assert not backend.confirm(FLAG, "1-other", 25, []).whole


def test_with_nobody_to_ask_time_has_to_do(desk):
    ack = desk.backend.confirm(FLAG, desk.set(25), 25, [])
    assert (ack.total, ack.lag) == (0, 10.0)


# ------------------------------------------------------------------ bad input


def test_what_is_no_file_of_flags(desk, tmp_path):
    (tmp_path / "latin").write_bytes(b'{"flags": {"caf\xe9": 1}}')
    for name, kind, says in (
        ("nope.json", NotFound, "no file"),
        ("", Rejected, "is a directory"),
        ("latin", Rejected, "valid flagd document"),
    ):
        backend = desk.again(file=str(tmp_path / name))
        with pytest.raises(kind, match=says):
            backend.read(FLAG)
        assert backend.check(FLAG, {}, [])[0].level == "input"


def test_no_rights_to_the_file(desk, monkeypatch):
    def denied(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    with pytest.raises(Forbidden, match="may not be read or replaced"):
        desk.set(5)


def test_before_a_release(desk, monkeypatch):
    assert desk.backend.check(FLAG, {}, []) == []
    assert desk.again(instances=["http://flagd-1"]).check(FLAG, {}, [])[0].rule == "no-ofrep"
    monkeypatch.setattr(os, "access", lambda path, how: False)
    assert desk.backend.check(FLAG, {}, [])[0].rule == "read-only"


@pytest.mark.parametrize("more", [{"file": ""}, {"instances": ["flagd:8016"]}, {"instances": ["http://me:x@flagd"]}, {"wait": "0s"}])
def test_options_that_make_no_sense(more):
    with pytest.raises(ValidationError):
        FileOptions.model_validate({"file": "f", **more})


def test_an_instance_from_the_command_line_is_a_text():
    assert FileOptions.model_validate({"file": "f", "instances": "http://flagd:8016/"}).instances == ("http://flagd:8016",)


def test_a_file_is_made_where_none_was(tmp_path):
    replace_file(str(tmp_path / "new.json"), "{}")
    assert (tmp_path / "new.json").read_text() == "{}"
