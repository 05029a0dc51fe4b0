"""After a sign-out nothing of the session is on disk, whatever ran beside it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from sso_magic import IdentityCenter, sign_out_all
from sso_magic.common import cache, leftovers, whole_file
from sso_magic.errors import SSOMagicError
from sso_magic.signin import registration

if TYPE_CHECKING:
    from pathlib import Path

KILLED_WHILE_IT_WRITES = """
import os, signal
from sso_magic import IdentityCenter
from sso_magic.signin import tokens
corp = IdentityCenter("corp")
account = corp.find_account("payments-dev")
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
{write}
"""


@pytest.fixture
def corp(center, prompt) -> IdentityCenter:
    found = IdentityCenter("corp")
    center.auto_approve = True
    found.sign_in(force=True, method="device", prompt=prompt)
    found.accounts()
    return found


@pytest.fixture
def killed_writers(corp, clean_environment):
    """Temporary files of processes that were killed while they wrote a token, a registration and role credentials."""
    left = {}
    for write in (
        "tokens.save(corp.session, corp.tokens.peek())",
        "from sso_magic.signin import registration; registration.register(corp.oidc, corp.session)",
        "corp.role_credentials(account, 'ReadOnly', refresh=True)",
    ):
        code = KILLED_WHILE_IT_WRITES.format(write=write)
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
        left |= {path: path.read_bytes() for path in clean_environment.rglob("*.tmp")}
    for path, content in left.items():  # each process has removed what the one before it left
        path.write_bytes(content)
    return list(left)


def files_with(home: Path, *secrets: str) -> list[Path]:
    found = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in found if any(secret.encode() in path.read_bytes() for secret in secrets)]


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_what_killed_processes_were_writing_is_removed(corp, clean_environment, killed_writers):
    token = corp.tokens.peek()
    assert killed_writers
    corp.sign_out()
    assert list(clean_environment.rglob("*.tmp")) == []
    secrets = (token.access_token.reveal(), token.refresh_token.reveal(), token.client_secret.reveal(), "ASIA")
    assert files_with(clean_environment, *secrets, "clientSecret") == []


NEXT_START = {
    "the extension": """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_cell("%load_ext sso_magic")  # swept when the cell has run
""",
    "a session": "from sso_magic import IdentityCenter\nIdentityCenter('corp')",
}


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("first", NEXT_START)
def test_the_next_start_removes_what_killed_processes_left(corp, clean_environment, killed_writers, center, first):
    assert len(killed_writers) == 3
    center.requests.clear()
    subprocess.run([sys.executable, "-c", NEXT_START[first]], check=True)
    assert list(clean_environment.rglob("*.tmp")) == []
    assert center.requests.total() == 0
    assert corp.tokens.get()


WRITES_UNTIL_TOLD = """
import os, sys
from pathlib import Path
from sso_magic.common import whole_file
path = Path(sys.argv[1])
rename = os.replace
def later(*names):
    print("ready", flush=True)
    sys.stdin.readline()
    rename(*names)
os.replace = later
whole_file.replace(path, "{}")
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no locks on open files; it refuses to remove them")
def test_what_a_living_process_writes_stays(corp, clean_environment):
    path = cache.sso_directory() / f"{cache.sha1('another')}.json"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITES_UNTIL_TOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "ready\n"
    leftovers.sweep()
    [temporary] = path.parent.glob("*.tmp")
    assert temporary.name.startswith(f".{path.name}.")
    writer.communicate("\n")
    assert writer.returncode == 0
    assert path.read_text() == "{}"


def test_other_tools_files_and_odd_ones_stay(corp, clean_environment):
    folder = cache.sso_directory()
    others = [folder / "tmpabc.tmp", folder / ".notes.tmp", clean_environment / ".aws" / ".config.swp.tmp"]
    for path in others:
        path.write_text("another tool's")
    odd = folder / f".{'0' * 40}.json.abc{whole_file.SUFFIX}"
    odd.mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / f".{'1' * 40}.json.abc{whole_file.SUFFIX}")
    leftovers.sweep()
    assert all(path.exists() for path in [*others, odd])


def test_a_file_that_a_sweep_removes_before_it_is_locked_is_written_again(tmp_path, monkeypatch):
    hold, path, held = whole_file._hold, tmp_path / "a.json", []

    def swept_first(file, name):
        held.append(name)
        if len(held) == 1:
            whole_file.remove_left(tmp_path)
        return hold(file, name)

    monkeypatch.setattr(whole_file, "_hold", swept_first)
    whole_file.replace(path, "{}")
    assert len(held) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("scopes", [None, ("sso:account:access", "other:scope")])
def test_the_registration_and_its_secret_go_with_the_sign_in(corp, center, prompt, clean_environment, scopes):
    if scopes:  # registered under other scopes than the configuration has now
        content = json.loads(registration.path(corp.session).read_text())
        registration.path(corp.session).unlink()
        cache.write(cache.sso_directory() / "of_other_scopes.json", content)
    another = cache.sso_directory() / "of_another_session.json"
    cache.write(another, {"clientId": "another", "clientSecret": "another's", "expiresAt": "2030-01-01T00:00:00Z"})
    assert len(files_with(clean_environment, "clientSecret")) == 3
    corp.sign_out()
    assert files_with(clean_environment, "clientSecret") == [another]
    corp.sign_in(method="device", prompt=prompt)
    assert len(corp.accounts()) > 5


def test_the_registration_of_a_session_without_a_name_goes_with_all(corp, clean_environment):
    (clean_environment / ".aws" / "config").write_text("")
    assert len(files_with(clean_environment, "clientSecret")) == 2
    assert sign_out_all()
    assert files_with(clean_environment, "clientSecret") == []


def test_an_inventory_on_the_wire_during_a_sign_out_is_not_written(corp, clean_environment, monkeypatch):
    corp.inventory(refresh=True)
    ask = corp.patient_portal.list_account_roles
    first, done, ended = threading.Lock(), threading.Event(), []

    def sign_out_meanwhile(**named):
        output = ask(**named)
        if first.acquire(blocking=False):  # several threads list the roles
            ended.append(IdentityCenter("corp").sign_out())
            done.set()
        return output

    monkeypatch.setattr(corp.patient_portal, "list_account_roles", sign_out_meanwhile)
    with contextlib.suppress(SSOMagicError):
        corp.inventory(refresh=True)
    assert done.wait(60)  # another thread's call may have ended the listing before
    assert ended == [True]
    assert files_with(clean_environment, "payments-dev") == []


def test_credentials_on_the_wire_during_a_sign_out_are_not_written(corp, clean_environment, monkeypatch):
    account = corp.find_account("payments-dev")
    ask = corp.credentials_portal.get_role_credentials

    def sign_out_meanwhile(**named):
        output = ask(**named)
        IdentityCenter("corp").sign_out()
        return output

    monkeypatch.setattr(corp.credentials_portal, "get_role_credentials", sign_out_meanwhile)
    credentials = corp.role_credentials(account, "ReadOnly", refresh=True)
    assert files_with(clean_environment, credentials.access_key_id.reveal()) == []
