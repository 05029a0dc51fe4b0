"""The files shared with the AWS CLI and the SDKs: named, read and written as they do it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from sso_magic.common import cache
from sso_magic.errors import CacheError

URL = "https://d-1234567890.awsapps.com/start"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("my-sso", "0ad374308c5a4e22f723adf10145eafad7c4031c"),
        ("admin", "d033e22ae348aeb5660fc2140aec35850c4da997"),
        ("default", "7505d64a54e061b7acd54ccd58b49dc43500b635"),
        ("sessión", "e2804f3701f36ca9fde4792737a2e90ab948da24"),
        (URL, "7487b5b67d5fa1132cf33fa93ae51ef38cc37752"),
        (f"{URL}/", "ae4321de83751a696d13fbefb87d776773c41e1c"),
        (f"{URL}/#", "80db20643f72d3967a43ec12b64df41e9db38799"),
    ],
)
def test_a_token_file_is_named_as_every_sdk_names_it(key, name, clean_environment):
    assert cache.token_path(key) == clean_environment / ".aws" / "sso" / "cache" / f"{name}.json"


@pytest.mark.parametrize(
    ("scopes", "session_name", "name"),
    [
        (["sso:account:access"], "my-sso", "a8343d65418848d0bc13a5f25cbb32508ceec5d1"),
        (None, None, "365414a68be7c9bfc776c660981dbdbd942acea4"),
        (None, "my-sso", "8b2cedd020fb181ad4cf906d1d27b232fd31557e"),
        (["sso:account:access", "codewhisperer:completions"], "my-sso", "9e94e01ea9138dcff6b4c1caa09d3787e04b2b08"),
        (("sso:account:access",), "sessión", "613101ebf0ed136a9b876c3109b5f1e138ed1c9a"),
    ],
)
def test_a_registration_file_is_named_as_the_aws_cli_names_it(scopes, session_name, name):
    path = cache.registration_path(region="us-east-1", scopes=scopes, session_name=session_name, start_url=URL)
    assert path.stem == name


@pytest.mark.parametrize(
    ("session_name", "name"),
    [("my-sso", "4d591a7ab0da2e15379d89377621ae9cda619cc3"), (None, "286e93c3018b44f21e1f9bca8bfbca4be8834fc9")],
)
def test_a_role_file_is_named_as_the_aws_cli_names_it(session_name, name):
    path = cache.role_path(account_id="111111111111", role_name="Admin", session_name=session_name, start_url=URL)
    assert path.stem == name
    assert path.parent == cache.role_directory()


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T09:28:20Z",
        "2026-11-25T09:28:20.155Z",
        "2026-11-25T09:28:20.155123456Z",
        "2026-11-25T09:28:20UTC",
        "2026-11-25T09:28:20",
        "2026-11-25T10:28:20+01:00",
        "2026-11-25T10:28:20.1+01:00",
    ],
)
def test_every_writers_timestamp_is_read(text):
    moment = cache.parse_timestamp(text)
    assert moment.replace(microsecond=0) == datetime(2026, 11, 25, 9, 28, 20, tzinfo=timezone.utc)
    assert cache.format_timestamp(moment) == "2026-11-25T09:28:20Z"


@pytest.mark.parametrize("value", ["", "soon", 1795573325, None, "2026-13-45T00:00:00Z"])
def test_what_is_no_timestamp_is_none(value):
    assert cache.parse_timestamp(value) is None


def test_a_file_that_holds_something_else_is_none_and_stays(clean_environment):
    directory = cache.sso_directory()
    directory.mkdir(parents=True)
    for name, content in {"a": b"", "b": b"{", "c": b"\xff\xfe", "d": b"[1]", "e": b"[" * 100_000}.items():
        (directory / f"{name}.json").write_bytes(content)
        assert cache.read(directory / f"{name}.json") is None
    (directory / "f.json").mkdir()
    (directory / "session.db").write_bytes(b"SQLite format 3\x00")
    (directory / "z.json").write_text('{"accessToken": 1}')
    assert [value for _, value in cache.scan(directory)] == [{"accessToken": 1}]
    assert len(list(directory.iterdir())) == 8


@pytest.mark.parametrize("home", ["gone", "n" * 300])  # no system looks for a name of 300 characters
def test_a_directory_that_is_missing_or_cannot_be_looked_at_is_empty(clean_environment, monkeypatch, home):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(clean_environment / home))
    assert list(cache.scan(cache.sso_directory())) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_files_and_directories_are_the_owners_alone(clean_environment):
    path = cache.token_path("corp")
    cache.write(path, {"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, clean_environment / ".aws"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_write_leaves_only_the_file(clean_environment):
    path = cache.token_path("corp")
    cache.write(path, {"a": 1})
    cache.write(path, {"a": "é"})
    assert [*path.parent.iterdir()] == [path]
    assert json.loads(path.read_text()) == {"a": "é"}


def test_a_write_that_fails_keeps_the_old_file_and_says_so(monkeypatch):
    path = cache.token_path("corp")
    cache.write(path, {"a": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError) as caught:
        cache.write(path, {"a": 2})
    assert str(caught.value) == (
        f"{path} cannot be written (No space left on device). Nothing is lost in this kernel; make {path.parent} "
        "writable to keep it for the next one."
    )
    assert cache.read(path) == {"a": 1}
    assert [*path.parent.iterdir()] == [path]


def test_a_home_that_is_no_directory_is_one_line(clean_environment):
    (clean_environment / ".aws").write_text("in the way")
    with pytest.raises(CacheError, match="cannot be written"):
        cache.write(cache.token_path("corp"), {})


def test_a_file_that_cannot_be_removed_is_one_line(clean_environment):
    cache.token_path("corp").mkdir(parents=True)
    with pytest.raises(CacheError, match=r"cannot be removed .* Remove it by hand"):
        cache.remove(cache.token_path("corp"))
    assert cache.remove(cache.token_path("other")) is False


def test_the_lock_holds_one_thread_at_a_time():
    inside, most = 0, 0
    guard = threading.Lock()

    def work():
        nonlocal inside, most
        with cache.lock("corp"):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with guard:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_the_lock_of_a_process_that_died_is_free(clean_environment):
    code = "import os\nfrom sso_magic.common import cache\nwith cache.lock('corp'):\n    os._exit(1)"
    subprocess.run([sys.executable, "-c", code], check=False, env=os.environ)
    assert list((cache.own_directory() / "locks").iterdir())
    entered = []
    thread = threading.Thread(target=lambda: [entered.append(1) for _ in [cache.lock("corp").__enter__()]], daemon=True)
    thread.start()
    thread.join(5)
    assert entered


def test_without_a_place_for_the_lock_the_work_goes_on(clean_environment):
    (clean_environment / ".aws").write_text("in the way")
    with cache.lock("corp"):
        entered = True
    assert entered
    assert Path(clean_environment / ".aws").read_text() == "in the way"


def test_tokens_and_keys_are_secrets_from_the_moment_they_are_read(tmp_path):
    keys = {"AccessKeyId": "ASIAPLANTED", "SecretAccessKey": "planted", "SessionToken": "planted", "Expiration": "x"}
    cache.write(tmp_path / "x.json", {"accessToken": "planted", "refreshToken": None, "other": 1, "Credentials": keys})
    content = cache.read(tmp_path / "x.json")
    assert "planted" not in repr(content).lower()
    assert content["accessToken"] == content["Credentials"]["SessionToken"] == "planted"
    assert content["refreshToken"] is None
    assert content["Credentials"]["Expiration"] == "x"
