"""A refresh that gets no answer: a transport error, not the end of the sign-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone

import pytest

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.errors import ClientError, SignInRequired, TransportError
from sso_magic.local import Fault
from sso_magic.signin.access_token import TokenProvider

CALL = """
import json, sys
from sso_magic import IdentityCenter
corp = IdentityCenter("corp")
sys.stdin.readline()
print(json.dumps([len(corp.accounts()), corp.tokens.get().reveal()]))
"""


@pytest.fixture
def corp(center, prompt) -> IdentityCenter:
    """Signed in to corp; the access token has expired and can be refreshed."""
    found = IdentityCenter("corp")
    center.auto_approve = True
    found.sign_in(force=True, method="device", prompt=prompt)
    ends_in(-10)
    center.requests.clear()
    return found


def ends_in(seconds: float) -> None:
    path = cache.token_path("corp")
    moment = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    cache.write(path, json.loads(path.read_text()) | {"expiresAt": cache.format_timestamp(moment)})


@pytest.mark.parametrize("kind", ["reset", "drop", "truncate"])
def test_no_answer_is_a_transport_error_and_the_next_call_tries_again(corp, center, kind):
    center.faults.append(Fault("CreateToken", kind=kind))
    for _ in range(2):
        before = center.requests.total("CreateToken")
        with pytest.raises(TransportError):
            corp.accounts()
        assert center.requests.total("CreateToken") > before, "the second call did not ask"
    center.faults = []
    assert len(corp.accounts()) > 5


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_no_sign_out_either(corp, center, status):
    center.faults.append(Fault("CreateToken", status=status))
    with pytest.raises(ClientError) as caught:
        corp.accounts()
    assert not isinstance(caught.value, SignInRequired)
    center.faults = []
    assert len(corp.accounts()) > 5


def test_login_reports_the_fault_and_asks_nobody(corp, center, shell, capsys):
    center.faults.append(Fault("CreateToken", kind="reset"))
    with pytest.raises(TransportError):
        shell.run_line_magic("sso_login", "")
    assert center.requests.total("StartDeviceAuthorization") == 0
    center.faults = []
    shell.run_line_magic("sso_login", "")
    assert "Signed in to corp" in capsys.readouterr().out


def test_a_token_that_is_still_valid_stays_in_use(corp, center):
    ends_in(60)
    center.faults.append(Fault("CreateToken", kind="reset"))
    token = corp.tokens.get()
    asked = center.requests.total("CreateToken")
    assert corp.tokens.get() == token
    assert center.requests.total("CreateToken") == asked, "each call pays for a service that is down"


def test_threads_that_wait_for_one_attempt_share_its_failure(corp, center):
    center.faults.append(Fault("CreateToken", kind="reset"))
    errors, together = [], threading.Barrier(8)

    def call():
        together.wait()
        try:
            corp.tokens.get()
        except TransportError as error:
            errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 8
    assert center.requests.total("CreateToken") <= 6, "every thread made its own attempts, one after another"


@pytest.mark.parametrize("fault", ["CreateToken times=1 kind=reset", "ListAccounts times=1 kind=reset"])
def test_eight_kernels_one_expired_rotating_token_one_reset(corp, center, fault):
    center.rotate_refresh_tokens, center.refresh_grace = True, 0
    center.faults.append(Fault.parse(fault))
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", CALL],
            env=os.environ,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(8)
    ]
    for kernel in kernels:
        kernel.stdin.write("\n")
        kernel.stdin.flush()
    answers = []
    for kernel in kernels:
        out, err = kernel.communicate(timeout=120)
        assert kernel.returncode == 0, err
        answers.append(json.loads(out))
    assert {count for count, _ in answers} == {len(corp.accounts())}
    assert len({token for _, token in answers}) == 1
    answered = [each for each in center.requests if each.operation == "CreateToken" and each.status == 200]
    assert len(answered) == 1


def test_looking_at_the_token_never_waits_for_a_refresh(corp):
    asked, answered = threading.Event(), threading.Event()

    class Service:
        def create_token(self, **_):
            asked.set()
            answered.wait()
            raise TransportError("No answer.")

    provider = TokenProvider(corp.session, oidc=Service, portal=Service)
    errors = []

    def call():
        try:
            provider.get()
        except TransportError as error:
            errors.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    asked.wait()
    seen = threading.Thread(target=provider.peek, daemon=True)
    seen.start()
    seen.join(timeout=60)
    looked = not seen.is_alive()
    answered.set()
    caller.join()
    assert looked
    assert len(errors) == 1
