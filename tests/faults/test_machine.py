"""What a machine can do to a person: its clock, a name, a certificate, the disk, HOME, a cache, a lock."""

from __future__ import annotations

import errno
import http.server
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import pytest
import trustme
from fault_bench import ASK, LEAVE, LOOK, PROD, is_one_line

from sso_magic import errors
from sso_magic.common import cache
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin import registration
from sso_magic.signin.sessions import find_session

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left")]

ENDPOINTS = ("AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SIGNIN")


def put_directory(path: pathlib.Path) -> None:
    """Has one stand where the file was."""
    path.unlink()
    path.mkdir()


def everything_fails_as(bench, kind: type[Exception], words: str) -> None:
    """Each magic that asks fails in one line with these words; a sign-out clears this machine, and says what it is."""
    for name, cell in ASK.items():
        error, shown = bench.run(cell)
        cause = error.__cause__ if isinstance(error, errors.InventoryError) else error
        assert isinstance(cause, kind), (name, error)
        assert is_one_line(error, shown), (name, shown)
        assert words in str(error), (name, error)
        assert KERNEL.current is None
        assert not bench.ran
    for name, cell in LEAVE.items():
        error, shown = bench.run(cell)
        assert isinstance(error.__cause__, kind), (name, error)
        assert is_one_line(error, shown), (name, shown)
        assert list(cache.sso_directory().glob("*.json")) == [], name


def everything_succeeds(bench, cells: dict[str, str], prepare=lambda: None) -> dict[str, str]:
    """What each printed."""
    printed = {}
    for name, cell in cells.items():
        error, printed[name] = bench.run(cell, prepare)
        assert error is None, (name, error)
    return printed


# ---- clock ----


@pytest.mark.parametrize(("seconds", "word"), [(-3600, "ahead"), (3600, "behind")])
def test_with_a_clock_an_hour_off_all_goes_on_and_the_doctor_says_it(bench, impatient, seconds, word):
    impatient.clock_offset = seconds
    cells = {name: ASK[name] for name in ("login", "accounts", "use", "as", "console, federated")}
    printed = everything_succeeds(bench, cells | LOOK | LEAVE)
    assert f"This machine's clock is 60 min {word}." in printed["doctor"]


@pytest.mark.parametrize(("seconds", "minutes"), [(-3700, 62), (-3600, 60)])
def test_a_clock_that_makes_keys_look_expired_is_named_once_and_nothing_is_asked_for_again(
    bench, impatient, seconds, minutes
):
    impatient.clock_offset = seconds
    cells = "get_ipython().run_cell('1')\nget_ipython().run_cell('2')"
    _, printed = bench.run(f"%sso_use {PROD} ReadOnly\n{cells}")
    assert printed.count(f"This machine's clock is {minutes} min ahead of AWS. Set it (NTP).") == 1
    assert impatient.requests.total("GetRoleCredentials") == 1


# ---- network ----


def test_a_host_that_has_no_address_is_named(bench, monkeypatch):
    real = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **named):
        if host == "portal.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ENDPOINTS:
        monkeypatch.setenv(name, "https://portal.invalid")
    everything_fails_as(bench, errors.ConnectError, "portal.invalid could not be connected to. Check network, VPN")
    printed = everything_succeeds(bench, LOOK)
    assert "The sign-in service does not answer: portal.invalid could not be connected to (" in printed["doctor"]


@pytest.fixture
def somebody_else(monkeypatch, tmp_path):
    """An https server with another name in its certificate, which is trusted; the requests that it was given."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def parse_request(self) -> bool:
            asked.append(self.requestline)
            return super().parse_request()

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("portal.example.com").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    authority.cert_pem.write_to_path(str(tmp_path / "company.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "company.pem"))
    for name in ENDPOINTS:
        monkeypatch.setenv(name, f"https://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_certificate_of_another_name_is_refused_before_a_byte_of_a_request_is_sent(bench, somebody_else):
    everything_fails_as(bench, errors.TLSError, "could not be trusted.")
    printed = everything_succeeds(bench, LOOK)
    assert "does not answer: 127.0.0.1" in printed["doctor"]
    assert somebody_else == []


# ---- disk and home ----


def full(patch):
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(os, "fsync", no_space)


def read_only(patch):
    """Root may write anywhere, and Windows has no modes for directories: so it is what the system answers."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    patch.setattr(tempfile, "mkstemp", refuse)
    for name in ("unlink", "mkdir"):
        patch.setattr(pathlib.Path, name, refuse)


def run_in(trouble, bench, cell: str) -> tuple[Exception | None, str]:
    with pytest.MonkeyPatch.context() as patch:
        return bench.run(cell, lambda: trouble(patch))


@pytest.mark.parametrize(("trouble", "number"), [(full, errno.ENOSPC), (read_only, errno.EROFS)])
def test_a_disk_that_takes_nothing_costs_the_files_and_no_result(bench, clean_environment, trouble, number):
    config = clean_environment / ".aws" / "config"
    before = config.read_bytes()
    printed = {}
    for name, cell in ASK.items():
        error, printed[name] = run_in(trouble, bench, cell)
        if name == "profiles, written":
            assert isinstance(error, errors.ConfigError)
            assert is_one_line(error, printed[name])
            assert f"{config} cannot be written ({os.strerror(number)}). It is as it was" in str(error)
        else:
            assert error is None, (name, error)
    for name in ("login", "inventory"):
        assert f"cannot be written ({os.strerror(number)}). Nothing is lost in this kernel" in printed[name]
    assert config.read_bytes() == before
    assert not list(clean_environment.rglob("*.tmp"))


def test_a_sign_out_that_can_remove_nothing_ends_the_session_and_names_the_token(bench, impatient):
    for cell in LEAVE.values():
        error, printed = run_in(read_only, bench, cell)
        assert isinstance(error, errors.CacheError)
        assert is_one_line(error, printed)
        assert str(error).startswith(f"{cache.token_path('corp')} cannot be removed")
    assert impatient.sessions() == []


def test_somebody_without_a_home_is_signed_in_in_memory_and_no_token_lands_in_the_working_directory(
    shell, impatient, monkeypatch, tmp_path, capsys
):
    impatient.auto_approve = True
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is where the system knows no home
    portal = f"{impatient.start_url} --region {impatient.region}"
    others = [cell for name, cell in ASK.items() if name not in ("login", "profiles, written")]
    cells = [f"%sso_login {portal} --device", *others, *LOOK.values(), "%sso_logout --all"]
    for cell in cells:
        shell.user_ns["RAN"] = []
        assert shell.run_cell(cell).error_in_exec is None, cell
    printed = capsys.readouterr().out
    assert "(this user has no home directory: set HOME). Nothing is lost in this kernel" in printed
    assert f"Signed out of {impatient.start_url}." in printed
    assert impatient.sessions() == []
    failed = shell.run_cell(f"%sso_login {portal} --save corp").error_in_exec
    assert isinstance(failed, errors.ConfigError)
    assert "cannot be written: this user has no home directory. Set HOME to a directory that you can write." in str(
        failed
    )
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_does_not_exist_is_made_for_its_owner_alone(shell, impatient, monkeypatch, tmp_path):
    impatient.auto_approve = True
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "gone"))
    cell = f"%sso_login {impatient.start_url} --region {impatient.region} --device"
    assert shell.run_cell(cell).error_in_exec is None
    assert shell.run_cell("%sso_accounts").error_in_exec is None
    assert cache.token_path(impatient.start_url).is_file()
    if os.name == "posix":
        assert (tmp_path / "gone").stat().st_mode & 0o077 == 0


# ---- cache and lock ----


def test_a_directory_in_a_cache_files_place_costs_the_file_and_no_result(bench, clean_environment):
    session = find_session("corp")
    role = cache.role_path(
        account_id=PROD, role_name="ReadOnly", session_name=session.name, start_url=session.start_url
    )
    inventory = cache.own_directory() / "inventory" / f"{cache.sha1(f'corp {session.portal_url}')}.json"
    for path in (role, inventory):
        path.mkdir(parents=True)
    registered = registration.path(session)
    for name in ("login", "accounts", "inventory", "use", "console, federated"):
        error, _ = bench.run(ASK[name], lambda: registered.mkdir(parents=True, exist_ok=True))
        registered.rmdir()
        assert error is None, (name, error)
    assert role.is_dir()
    assert inventory.is_dir()


def test_a_directory_in_the_tokens_place_costs_the_file_and_neither_the_sign_in_nor_the_sign_out(bench, impatient):
    token = cache.token_path("corp")

    error, printed = bench.run(
        "%sso_login --force --device\n%sso_accounts\n%sso_status\n%sso_logout", lambda: put_directory(token)
    )
    token.rmdir()
    assert f"{token} cannot be written" in printed
    assert isinstance(error, errors.CacheError)
    assert str(error).startswith(f"{token} cannot be removed")
    assert impatient.requests.total("Logout") == 1


def test_who_is_signed_in_in_memory_is_shown_as_signed_in(bench):
    token = cache.token_path("corp")

    _, printed = bench.run(
        "%sso_login --force --device\nget_ipython().run_cell('%sso_status')", lambda: put_directory(token)
    )
    token.rmdir()
    assert "signed in until" in printed.rpartition("Out[")[2]


HOLD = """
import time
from sso_magic.common import cache
with cache.lock("corp"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_process_that_was_killed_stops_nobody(bench, impatient):
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "held\n"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert list((cache.own_directory() / "locks").glob("*.lock"))
    everything_succeeds(bench, {"login": ASK["login"]} | LEAVE)
