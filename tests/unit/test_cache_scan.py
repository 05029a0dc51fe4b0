"""What may lie in a cache directory: nothing of it stops a scan or makes it wait."""

from __future__ import annotations

import json
import os
import socket
import threading

import pytest

from sso_magic.common import cache


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "good.json").write_text(json.dumps({"a": 1}))
    return tmp_path


def found(directory) -> list[str]:
    """The names of the files that a scan reads; fails instead of waiting if it blocks."""
    names: list[str] = []
    thread = threading.Thread(target=lambda: names.extend(path.name for path, _ in cache.scan(directory)), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "the scan waits"
    return names


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among files")
def test_a_pipe_does_not_stop_a_scan(directory):
    os.mkfifo(directory / "fifo.json")
    assert found(directory) == ["good.json"]
    assert cache.read(directory / "fifo.json") is None


def test_folders_sockets_links_and_damaged_files_do_not_stop_a_scan(directory, monkeypatch):
    (directory / "folder.json").mkdir()
    (directory / "bytes.json").write_bytes(b"\xff\x00")
    monkeypatch.chdir(directory)  # the path of a socket is short
    if hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("socket.json")
    (directory / "nowhere.json").symlink_to(directory / "missing")
    (directory / "loop.json").symlink_to(directory / "loop.json")
    assert found(directory) == ["good.json"]


def test_a_huge_file_is_not_read(directory):
    with (directory / "huge.json").open("wb") as file:
        file.truncate(cache.LARGEST + 1)
    assert found(directory) == ["good.json"]


def test_a_file_up_to_the_limit_is_read(directory, monkeypatch):
    monkeypatch.setattr(cache, "LARGEST", len(json.dumps({"a": 1})))
    assert found(directory) == ["good.json"]
