"""Only one process sends from a data directory; a lock that was left behind locks nobody out."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from monitor.errors import StoreError
from monitor.lock import is_at_work, sole_sender


def test_the_second_is_refused_in_one_clear_line(tmp_path):
    second = sole_sender(tmp_path)
    with sole_sender(tmp_path), pytest.raises(StoreError, match="another monitor is at work") as caught:
        second.__enter__()
    assert str(tmp_path) in str(caught.value)


def test_it_is_free_again_afterwards_also_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="inside"), sole_sender(tmp_path):
        raise ValueError("inside")
    with sole_sender(tmp_path):
        pass


def test_who_is_at_work_is_seen_and_not_disturbed(tmp_path):
    assert not is_at_work(tmp_path / "nowhere")
    with sole_sender(tmp_path):
        assert is_at_work(tmp_path)
        assert is_at_work(tmp_path)
    assert not is_at_work(tmp_path)


def test_the_data_directory_is_made(tmp_path):
    with sole_sender(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()


def test_the_lock_of_a_killed_process_is_no_lock(tmp_path):
    script = (
        "import os, pathlib, signal, sys\n"
        "from monitor.lock import sole_sender\n"
        "with sole_sender(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "monitor.lock").exists()
    with sole_sender(tmp_path):
        pass
