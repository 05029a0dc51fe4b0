"""After a sign-out nothing of the session is on disk, whatever ran beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sso_magic import IdentityCenter

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


def files_with(home: Path, *secrets: str) -> list[Path]:
    found = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in found if any(secret.encode() in path.read_bytes() for secret in secrets)]


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_what_killed_processes_were_writing_is_removed(corp, clean_environment):
    token = corp.tokens.peek()
    for write in (
        "tokens.save(corp.session, corp.tokens.peek())",
        "corp.role_credentials(account, 'ReadOnly', refresh=True)",
    ):
        code = KILLED_WHILE_IT_WRITES.format(write=write)
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    left = list(clean_environment.rglob("*.tmp"))
    assert len(left) == 2
    corp.sign_out()
    assert list(clean_environment.rglob("*.tmp")) == []
    secrets = (token.access_token.reveal(), token.refresh_token.reveal(), "ASIA")
    assert files_with(clean_environment, *secrets) == []


def test_credentials_on_the_wire_during_a_sign_out_are_not_written(corp, clean_environment, monkeypatch):
    account = corp.find_account("payments-dev")
    ask = corp.portal.get_role_credentials

    def sign_out_meanwhile(**named):
        output = ask(**named)
        IdentityCenter("corp").sign_out()
        return output

    monkeypatch.setattr(corp.portal, "get_role_credentials", sign_out_meanwhile)
    credentials = corp.role_credentials(account, "ReadOnly", refresh=True)
    assert files_with(clean_environment, credentials.access_key_id.reveal()) == []
