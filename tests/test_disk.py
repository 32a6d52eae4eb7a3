"""Drafts of files: written whole or not at all, with the file's mode and through links; left-over ones are
removed.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from monitor import disk

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """\
import os, pathlib, signal, sys
from monitor import disk
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
with disk.replacing(pathlib.Path(sys.argv[1])) as draft:
    draft.write_bytes(b"half")
    draft.with_name(draft.name + "-journal").write_bytes(b"of SQLite's")
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_a_killed_process_left_goes_with_the_next_draft(tmp_path):
    path = tmp_path / "index[1].html"
    path.write_bytes(b"old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert len(names(tmp_path)) == 3
    (tmp_path / ".index[1].html.notes").write_bytes(b"the user's own")
    disk.write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == [".index[1].html.notes", "index[1].html"]


def test_two_drafts_of_one_file_leave_each_other_alone(tmp_path):
    path = tmp_path / "copy.db"
    with disk.replacing(path) as first:
        first.write_bytes(b"first")
        with disk.replacing(path) as second:
            second.write_bytes(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["copy.db"]


def test_a_draft_that_was_taken_for_abandoned_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    flock, calls = disk.fcntl.flock, []

    def cleaned_up_first(handle: int, how: int) -> None:
        calls.append(how)
        if len(calls) == 1:
            (left,) = tmp_path.iterdir()
            left.unlink()
        flock(handle, how)

    monkeypatch.setattr(disk.fcntl, "flock", cleaned_up_first)
    disk.write_atomically(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_mode_and_link_of_a_file_stay(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    disk.write_atomically(link, b"new")
    assert (link.is_symlink(), real.read_bytes(), mode(real)) == (True, b"new", 0o640)


def test_a_new_file_is_for_all_that_the_umask_lets_and_a_private_one_for_its_owner(tmp_path):
    before = os.umask(0o022)
    try:
        disk.write_atomically(tmp_path / "page.html", b"")
        with disk.replacing(tmp_path / "copy.db", private=True):
            pass
    finally:
        os.umask(before)
    assert (mode(tmp_path / "page.html"), mode(tmp_path / "copy.db")) == (0o644, 0o600)


def test_what_goes_wrong_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), disk.replacing(path) as draft:
        draft.write_bytes(None)
    assert (names(tmp_path), path.read_bytes()) == (["a"], b"old")


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch):
    def refused(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(disk.fcntl, "flock", refused)
    (tmp_path / ".a.part").write_bytes(b"of whoever writes just now")
    disk.write_atomically(tmp_path / "a", b"x")
    assert names(tmp_path) == [".a.part", "a"]


def test_a_draft_of_another_that_has_the_name_by_now_stays(tmp_path):
    with disk.scratch(tmp_path / "a") as draft:
        draft.replace(tmp_path / "a")
        draft.write_bytes(b"of whoever writes next")
    assert names(tmp_path) == [".a.part", "a"]


def test_to_write_a_file_its_folder_is_not_gone_through(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "scandir", None)
    monkeypatch.setattr(os, "listdir", None)
    disk.write_atomically(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"
