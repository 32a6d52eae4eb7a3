"""Secrets: found where the user put them, refused if others can read them, never repeated."""

from __future__ import annotations

import pytest

from monitor.deliver import secrets
from monitor.errors import ConfigError


def read(folder, *, environ=None, **named):
    return secrets.read("password", folder=folder, environ=environ or {}, **named)


def write(path, content="hunter2\n", mode=0o600):
    path.write_text(content)
    path.chmod(mode)
    return path


def fault_of(folder, **named):
    with pytest.raises(ConfigError) as caught:
        read(folder, **named)
    (fault,) = caught.value.faults
    assert "hunter2" not in str(fault)
    return fault


def test_none_named_is_none_wanted(tmp_path):
    assert not read(tmp_path)


def test_from_the_environment(tmp_path):
    assert read(tmp_path, env="SECRET", environ={"SECRET": "hunter2"}) == "hunter2"


def test_a_variable_that_is_not_set(tmp_path):
    fault = fault_of(tmp_path, env="SECRET")
    assert (fault.place, fault.message) == ("password_env", "the environment variable SECRET is not set")


def test_from_a_file_relative_to_the_configuration_without_its_line_end(tmp_path):
    write(tmp_path / "password", "hünter 2 \n")
    assert read(tmp_path, file="password") == "hünter 2 "


@pytest.mark.parametrize("written", [b"\xef\xbb\xbfhunter2\r\n", b"hunter2\r", b"hunter2\n\n"])
def test_what_an_editor_adds_is_no_part_of_it(tmp_path, written):
    path = write(tmp_path / "password")
    path.write_bytes(written)
    assert read(tmp_path, file="password") == "hunter2"
    assert read(tmp_path, env="SECRET", environ={"SECRET": "hunter2\r\n"}) == "hunter2"


def test_a_file_for_all_in_a_directory_for_one(tmp_path):
    """Like a container's secrets, which have mode 0444 that nobody can change."""
    private = tmp_path / "private" / "secrets"
    private.mkdir(parents=True)
    write(private / "password", mode=0o444)
    tmp_path.chmod(0o755)
    private.parent.chmod(0o755)
    private.chmod(0o700)
    assert read(tmp_path, file=str(private / "password")) == "hunter2"


def test_from_an_absolute_file_whatever_systemd_granted(tmp_path):
    path = write(tmp_path / "password")
    assert read(tmp_path / "x", file=str(path), environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "hunter2"


def test_a_credential_of_systemd_comes_first_and_keeps_its_own_permissions(tmp_path):
    granted = tmp_path / "credentials"
    granted.mkdir()
    write(granted / "password", "granted", mode=0o440)
    write(tmp_path / "password", "own")
    assert read(tmp_path, file="password", environ={"CREDENTIALS_DIRECTORY": str(granted)}) == "granted"
    assert read(tmp_path, file="password") == "own"


def test_without_such_a_credential_the_configuration_directory_is_meant(tmp_path):
    write(tmp_path / "password")
    assert (
        read(tmp_path, file="password", environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "x")}) == "hunter2"
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    path = write(tmp_path / "password", mode=mode)
    fault = fault_of(tmp_path, file="password")
    assert fault.message == f"others can read {path}: run chmod 600 on it"


@pytest.mark.parametrize(("content", "words"), [("", "is empty"), ("\r\n", "is empty")])
def test_a_file_without_a_secret(tmp_path, content, words):
    write(tmp_path / "password", content)
    assert words in fault_of(tmp_path, file="password").message


def test_a_file_that_is_not_there(tmp_path):
    assert fault_of(tmp_path, file="password").message == "cannot read password: No such file or directory"


def test_a_file_of_several_lines_is_taken_whole(tmp_path):
    write(tmp_path / "urls", "one\ntwo\n")
    assert secrets.read("urls", file="urls", folder=tmp_path, environ={}) == "one\ntwo"


def test_a_file_that_is_not_text(tmp_path):
    path = write(tmp_path / "password")
    path.write_bytes(b"\xff\xfe\x00")
    assert fault_of(tmp_path, file="password").message == "password is not UTF-8 text"
