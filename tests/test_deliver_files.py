"""The files channel: files are written whole or not at all, only under safe names, with clear errors."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from monitor.deliver import files
from monitor.errors import DeliveryError, StoreError
from monitor.models import Delivery, RenderedDigest

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
EDITION = RenderedDigest(
    key="digest:2026-11-23",
    date=date(2026, 11, 23),
    made_at=NOW,
    language="en",
    subject="Sora",
    preheader="",
    headlines=(),
    renderings={"md": "# Ä\n", "html": "<p>", "text": "T", "json": "{}", "atom": "<feed/>"},
)


def channel(folder, *formats):
    return files.Files(
        files.Settings(output_dir=folder, formats=formats or ("md", "html"), suffixes={"text": "txt"})
    )


def delivery(name, payload=b"new"):
    return Delivery(
        edition="digest:2026-11-23", channel="files", recipient=name, payload=payload, created_at=NOW
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_delivery_a_file(tmp_path):
    prepared = channel(tmp_path).prepare(EDITION, now=NOW)
    assert {one.recipient: one.payload for one in prepared} == {
        "2026-11-23.md": "# Ä\n".encode(),
        "2026-11-23.html": b"<p>",
    }
    assert {(one.edition, one.channel, one.state) for one in prepared} == {
        ("digest:2026-11-23", "files", "pending")
    }


def test_every_format_has_its_own_name(tmp_path):
    prepared = channel(tmp_path, "md", "html", "text", "json", "atom").prepare(EDITION, now=NOW)
    assert [one.recipient for one in prepared][:5] == [
        f"2026-11-23.{extension}" for extension in ("md", "html", "txt", "json", "atom")
    ]


def test_without_formats_nothing_is_written(tmp_path):
    settings = files.Settings(output_dir=tmp_path, formats=())
    assert files.Files(settings).prepare(EDITION, now=NOW) == ()


def test_an_alert_never_takes_the_place_of_the_digest(tmp_path):
    alert = replace(EDITION, key="alert:17/../x", renderings={"md": "!"})
    assert [one.recipient for one in channel(tmp_path).prepare(alert, now=NOW)] == [
        "2026-11-23-alert-17-x.md"
    ]


async def test_sending_makes_the_folder_and_writes_the_bytes(tmp_path):
    folder = tmp_path / "a" / "b"
    for one in channel(folder).prepare(EDITION, now=NOW):
        await channel(folder).send(one)
    assert (folder / "2026-11-23.md").read_text("utf-8") == "# Ä\n"
    assert names(folder) == ["2026-11-23.html", "2026-11-23.md"]


async def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path):
    (tmp_path / "index.html").write_bytes(b"old")
    with (tmp_path / "index.html").open("rb") as reader:
        await channel(tmp_path).send(delivery("index.html"))
        assert reader.read() == b"old"
    assert (tmp_path / "index.html").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["../evil.md", "a/b.md", ".hidden", "", "a b.md", "x" * 101, "a\n.md"])
async def test_no_other_name_is_ever_written(tmp_path, name):
    with pytest.raises(DeliveryError) as caught:
        await channel(tmp_path / "out").send(delivery(name))
    assert caught.value.permanent
    assert names(tmp_path) == []


async def test_the_archive_is_written_when_it_is_sent_and_freezes_nothing(tmp_path):
    written: list[Path] = []
    archive = files.Archive(files.Settings(output_dir=tmp_path), written.append)
    (one,) = archive.prepare(EDITION, now=NOW)
    assert (one.channel, one.recipient, one.payload) == ("archive", "index.html", b"")
    assert written == []
    await archive.send(one)
    assert written == [tmp_path]


def test_an_alert_calls_for_the_archive_and_a_monitor_without_files_for_none(tmp_path):
    archive = files.Archive(files.Settings(output_dir=tmp_path), lambda _: None)
    assert [one.recipient for one in archive.prepare(replace(EDITION, key="alert:17"), now=NOW)] == [
        "index.html"
    ]
    none = files.Archive(files.Settings(output_dir=tmp_path, formats=()), lambda _: None)
    assert none.prepare(EDITION, now=NOW) == ()


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), StoreError("the disk is full")])
async def test_an_archive_that_cannot_be_written_is_tried_again(tmp_path, trouble):
    def broken(_folder: Path) -> None:
        raise trouble

    archive = files.Archive(files.Settings(output_dir=tmp_path), broken)
    (one,) = archive.prepare(EDITION, now=NOW)
    with pytest.raises(DeliveryError, match="cannot write") as caught:
        await archive.send(one)
    assert not caught.value.permanent


async def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(DeliveryError, match=r"cannot write into .*out is not a folder") as caught:
        await channel(tmp_path / "out").send(delivery("index.html"))
    assert not caught.value.permanent


async def test_a_full_disk_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError, match="No space left on device") as caught:
        await channel(tmp_path).send(delivery("index.html"))
    assert not caught.value.permanent
    assert names(tmp_path) == ["index.html"]
    assert (tmp_path / "index.html").read_bytes() == b"old"
