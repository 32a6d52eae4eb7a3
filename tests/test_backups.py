"""`backup` and `restore`: everything of the user's is saved and comes back; nothing that is in the way is
lost.
"""

from __future__ import annotations

import io
import re
import shutil
import sqlite3
import tarfile
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from newsroom import SETTINGS, Desk, at, polled, run

from monitor.lock import sole_sender

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = polled(tmp_path_factory.mktemp("desk"))
    assert run(directory, "digest", "--send", now=at(31)).code == 0
    return directory


@pytest.fixture(scope="module")
def whole(desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "all.tar.gz"
    (desk / "smtp-password").write_text("hunter2")
    assert run(desk, "backup", file, now=at(32)).code == 0
    return file


def test_a_backup_is_a_whole_database(tmp_path: Path) -> None:
    desk, copy = polled(tmp_path / "desk"), tmp_path / "copy.db"
    assert run(desk, "backup", copy, now=at(10)).code == 0
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        assert db.execute("select count(*) from entries").fetchone() == (3,)


def test_there_is_nothing_to_back_up_before_the_first_poll(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"])
    result = run(desk.directory, "backup", tmp_path / "copy.db")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert not (tmp_path / "copy.db").exists()


def test_a_folder_is_no_name_for_a_backup(desk: Path, tmp_path: Path) -> None:
    assert run(desk, "backup", tmp_path).code == 2
    assert run(desk, "backup", "").code == 2


def test_as_many_files_come_back_as_were_written(desk: Path, tmp_path: Path) -> None:
    wrote = run(desk, "backup", tmp_path / "b.tar.gz", now=at(32)).out
    brought = run(tmp_path / "new", "restore", tmp_path / "b.tar.gz").out
    assert re.findall(r"\d+ files", wrote)[-1] == re.findall(r"\d+ files", brought)[-1]


def test_a_backup_holds_everything_but_secrets(whole: Path) -> None:
    with tarfile.open(whole) as archive:
        names = set(archive.getnames())
        assert names >= {"data/monitor.db", "config/monitor.toml", "config/feeds.toml", "config/themes.toml"}
        assert any(name.startswith("digests/2024-12-03") for name in names)
        everything = b"".join(archive.extractfile(member).read() for member in archive)
    assert not any("password" in name for name in names)
    assert b"smtp-password" not in everything
    assert whole.stat().st_mode & 0o077 == 0


def test_a_backup_among_the_digests_holds_neither_itself_nor_those_before_it(tmp_path: Path) -> None:
    desk = polled(tmp_path / "desk")
    assert run(desk, "digest", "--send", now=at(31)).code == 0
    held = []
    for name in ("one", "two"):
        file = desk / "digests" / f"{name}.tar.gz"
        assert run(desk, "backup", file, now=at(32)).code == 0
        with tarfile.open(file) as archive:
            held.append(archive.getnames())
    assert held[0] == held[1]
    assert not [name for name in held[1] if ".part" in name or ".tar" in name]


def test_of_the_digests_folder_only_what_the_monitor_writes_is_taken_along(tmp_path: Path) -> None:
    desk = polled(tmp_path / "desk")
    settings = desk / "monitor.toml"
    settings.write_text(settings.read_text() + '[digest]\noutput_dir = "data"\n')
    assert run(desk, "digest", "--send", now=at(31)).code == 0
    (desk / "data" / "Thumbs.db").write_bytes(b"a file server's")
    (desk / "data" / "smtp-password").write_text("hunter2")
    assert run(desk, "backup", tmp_path / "b.tar.gz", now=at(32)).code == 0
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        digests = [name for name in archive.getnames() if name.startswith("digests/")]
    assert digests
    assert not [name for name in digests if "monitor." in name or "Thumbs" in name or "password" in name]
    brought = run(tmp_path / "new", "restore", tmp_path / "b.tar.gz")
    assert (brought.code, f"monitor --config {tmp_path / 'new'} check" in brought.err) == (0, True)
    assert run(tmp_path / "new", "entries", "--json").out == run(desk, "entries", "--json").out


def test_a_configuration_behind_links_goes_into_the_backup_itself(tmp_path: Path) -> None:
    desk, dotfiles = polled(tmp_path / "desk"), tmp_path / "dotfiles"
    dotfiles.mkdir()
    for name in ("feeds.toml", "monitor.toml"):
        (desk / name).rename(dotfiles / name)
        (desk / name).symlink_to(dotfiles / name)
    assert run(desk, "backup", tmp_path / "b.tar.gz").code == 0
    shutil.rmtree(dotfiles)
    assert run(tmp_path / "new", "restore", tmp_path / "b.tar.gz").code == 0
    assert len(run(tmp_path / "new", "feeds", "list", "--json").json) == 2


def test_a_file_among_the_digests_that_is_named_like_a_database_comes_back_as_it_is(
    whole: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old.tar"
    with tarfile.open(whole) as archive:
        members = {member.name: archive.extractfile(member).read() for member in archive}
    tar(old, **members, **{"digests/Thumbs.db": b"a file server's"})
    assert run(tmp_path / "new", "restore", old).code == 0
    assert (tmp_path / "new" / "digests" / "Thumbs.db").read_bytes() == b"a file server's"


def test_a_configuration_that_does_not_load_is_replaced(whole: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert run(new, "restore", whole).code == 0
    (new / "monitor.toml").write_text("language = ")
    assert run(new, "restore", whole).code == 2, "kept, as all that is there, and said to be at fault"
    done = run(new, "restore", whole, "--replace")
    assert done.code == 0, done.err
    assert (new / "monitor.toml.before").read_text() == "language = "
    assert run(new, "check").code == 0


def digests_of(desk: Path) -> dict[str, bytes]:
    folder = desk / "digests"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_comes_back_is_what_there_was(desk: Path, whole: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    result = run(new, "restore", whole, now=at(40))
    assert result.code == 0, result.err
    assert "as of 2024-12-03 08:00" in result.out
    for command in (("entries", "--json"), ("stories", "--json"), ("digests", "--json"), ("feeds", "list")):
        assert run(new, *command).out == run(desk, *command).out
    assert digests_of(new) == digests_of(desk)
    assert "no digest is due" in run(new, "digest", "--send", now=at(33)).out, "nothing is sent twice"


def test_nothing_in_the_way_is_lost(whole: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert run(new, "restore", whole).code == 0
    (new / "feeds.toml").write_text("# mine\n")
    refused = run(new, "restore", whole)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "--replace" in refused.err
    assert run(new, "restore", whole, "--replace").code == 0
    assert (new / "feeds.toml.before").read_text() == "# mine\n"
    assert (new / "data" / "monitor.db.before").exists()
    assert not list((new / "digests").rglob("*.before")), "what is the same needs no second copy"
    assert run(new, "restore", whole, "--replace").code == 0
    assert (new / "data" / "monitor.db.before-2").exists()


def test_what_a_link_leads_to_is_set_aside_and_replaced_and_the_link_stays(
    whole: Path, tmp_path: Path
) -> None:
    new, kept = tmp_path / "new", tmp_path / "dotfiles" / "feeds.toml"
    for folder in (new, kept.parent):
        folder.mkdir()
    kept.write_text("# mine\n")
    (new / "feeds.toml").symlink_to(kept)
    assert run(new, "restore", whole, "--replace").code == 0
    assert (new / "feeds.toml").is_symlink()
    assert "http://" in kept.read_text()
    assert kept.with_name("feeds.toml.before").read_text() == "# mine\n"


def test_a_copy_of_the_database_comes_back_too(desk: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert run(desk, "backup", copy).code == 0
    new = Desk(tmp_path / "new", ["https://news.test/feed"]).directory
    assert run(new, "restore", copy).code == 0
    assert len(run(new, "entries", "--json").json) == 2


def test_a_log_that_a_killed_service_left_is_not_played_into_what_comes_back(
    whole: Path, tmp_path: Path
) -> None:
    there = Desk(tmp_path / "there", ["https://news.test/feed"]).config.database
    there.parent.mkdir()
    with closing(sqlite3.connect(there)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table later (x)")
        log = there.with_name("monitor.db-wal").read_bytes()
    there.unlink()
    there.with_name("monitor.db-wal").write_bytes(log)
    done = run(tmp_path / "there", "restore", whole, now=at(40))
    assert done.code == 0
    assert "monitor.db.before-wal" in done.out
    assert len(run(tmp_path / "there", "entries", "--all", "--json").json) == 3
    with closing(sqlite3.connect(there)) as db:
        assert db.execute("select * from sqlite_master where name = 'later'").fetchall() == []


def test_a_running_service_is_not_restored_over(whole: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert run(new, "restore", whole).code == 0
    with sole_sender(new / "data"):
        result = run(new, "restore", whole, "--replace")
    assert result.code == 1
    assert "another monitor is at work" in result.err


def tar(file: Path, **members: bytes) -> Path:
    with tarfile.open(file, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def test_a_hostile_archive_writes_nothing_outside(whole: Path, tmp_path: Path) -> None:
    new, evil = tmp_path / "new", tmp_path / "evil.tar"
    with tarfile.open(whole) as good:
        database = good.extractfile("data/monitor.db").read()
    names = [
        "digests/../../../escaped",
        "/tmp/escaped",
        "digests/../escaped",
        "config/smtp-password",
        "escaped",
    ]
    settings = SETTINGS.encode()
    tar(evil, **{"data/monitor.db": database, "config/monitor.toml": settings, **dict.fromkeys(names, b"x")})
    with tarfile.open(evil, "a") as archive:
        link = tarfile.TarInfo("digests/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert run(new, "restore", evil).code == 0
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"evil.tar", "new/monitor.toml", "new/data/monitor.db", "new/data/monitor.lock"}


@pytest.mark.parametrize("content", [b"", b"rubbish" * 500, b"SQLite format 3\0" + b"x" * 5000])
def test_rubbish_is_no_backup(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    file.write_bytes(content)
    desk = Desk(tmp_path / "new", []).directory
    result = run(desk, "restore", file)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert not (desk / "data" / "monitor.db").exists()
    # If there is no configuration yet, the file is at fault and not the folder.
    assert "no configuration" not in run(tmp_path / "empty", "restore", file).err or content.startswith(
        b"SQLite"
    )


@pytest.mark.parametrize("note", [b"5", b"[]", b"rubbish", b'{"made_at": 7}'])
def test_a_note_that_is_none_is_refused_in_a_line(note: bytes, whole: Path, tmp_path: Path) -> None:
    with tarfile.open(whole) as archive:
        members = {member.name: archive.extractfile(member).read() for member in archive}
    file = tar(tmp_path / "b.tar", **(members | {"backup.json": note}))
    result = run(tmp_path / "new", "restore", file)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert not (tmp_path / "new").exists()


def test_a_damaged_archive_is_refused_in_a_line(whole: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole.read_bytes()[:3000])
    result = run(tmp_path / "new", "restore", cut)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert not (tmp_path / "new" / "data").exists()


def test_no_other_file_is_overwritten(desk: Path, tmp_path: Path) -> None:
    mine = tmp_path / "thesis.tar.gz"
    mine.write_bytes(b"years of work")
    assert run(desk, "backup", mine).code == 1
    assert mine.read_bytes() == b"years of work"
    again = tmp_path / "daily.tgz"
    assert run(desk, "backup", again).code == 0
    assert "over the earlier one" in run(desk, "backup", again).out
