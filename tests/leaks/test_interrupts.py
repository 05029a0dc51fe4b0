"""Ctrl-C at any moment of a call: no frame that a verbose traceback shows, or ``%debug`` steps into, has a secret."""

from __future__ import annotations

import json
import os
import sys
import threading
from types import SimpleNamespace

import pytest
from leak_search import reached

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.config.files import load_shared_config
from sso_magic.credentials.federation import federated_url
from sso_magic.errors import SSOMagicError
from sso_magic.kernel import chained
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.kernel.renewal import key_digest

ROLE = ("payments-prod", "ReadOnly")
MOMENTS = int(os.environ.get("SSO_MAGIC_MOMENTS", "12"))  # a call is interrupted at, in each test
# Where an interrupt would be of the test's own making, or leave a lock that is half taken.
NOT_IN = (
    "tests", "_pytest", "leak_search", "contextlib", "importlib", "threading", "filelock", "weakref", "_weakrefset",
    "queue", "concurrent", "logging", "sso_magic.local",
)  # fmt: skip


class Interrupt:
    """A profile function that counts the returns of functions, and raises KeyboardInterrupt at one of them."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.count = 0
        self.where = ""

    def __call__(self, frame, event, argument) -> None:
        name = frame.f_globals.get("__name__", "")
        if event != "return" or name.startswith(NOT_IN):
            return
        self.count += 1
        if self.count == self.at:
            self.where = f"{name}.{frame.f_code.co_name}, line {frame.f_lineno}"
            sys.setprofile(None)
            raise KeyboardInterrupt

    def during(self, call) -> BaseException | None:
        sys.setprofile(self)
        try:
            call()
        except KeyboardInterrupt as error:
            return error
        except SSOMagicError:
            pass  # it came where Python swallows it, in a destructor, and something was left half done
        finally:
            sys.setprofile(None)
        return None


@pytest.fixture
def corp(center, planted, prompt):
    center.auto_approve = True
    made = IdentityCenter("corp")
    made.sign_in(method="device", prompt=prompt)
    planted.tell(endpoint=KERNEL.endpoint.token)
    return made


@pytest.fixture
def calls(corp, center, prompt, clean_environment):
    """What waits, or has secrets in its hands."""

    def no_roles() -> None:
        for path in cache.role_directory().glob("*.json"):
            path.unlink()

    def use(**options) -> None:
        no_roles()
        corp.role(*ROLE).use(**options)

    ids = {account.name: account.id for account in center.organization.accounts}
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(
            f"[profile base]\nsso_session = corp\nsso_account_id = {ids['payments-dev']}\nsso_role_name = ReadOnly\n"
            f"[profile on-top]\nsource_profile = base\nrole_arn = arn:aws:iam::{ids['payments-prod']}:role/Deployer\n"
        )

    def chained_use() -> None:
        chained.assume("on-top", load_shared_config(), lambda: corp.role("payments-dev", "ReadOnly").credentials())

    return SimpleNamespace(
        use=use,
        use_cached=lambda: corp.role(*ROLE).use(),
        serve=lambda: use(serve=True),
        console=lambda: federated_url(corp.role(*ROLE).credentials(), endpoint=center.url),
        refresh=lambda: corp.tokens.get(refused=corp.tokens.get()),
        accounts=corp.accounts,
        chained=chained_use,
        sign_in=lambda: IdentityCenter("corp").sign_in(force=True, method="device", prompt=prompt),
        sign_out=lambda: (IdentityCenter("corp").sign_in(method="device", prompt=prompt), corp.sign_out()),
    )


# A socket is lost if it is interrupted while it is made; an interrupt is, in a destructor.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "name", ["use", "use_cached", "serve", "console", "refresh", "accounts", "chained", "sign_in", "sign_out"]
)
def test_an_interrupt_shows_nothing(planted, calls, center, name):
    call = getattr(calls, name)
    call()
    whole = Interrupt()
    whole.during(call)
    assert whole.count > MOMENTS
    found = []
    interrupted = 0
    for moment in range(MOMENTS):
        KERNEL.forget()
        one = Interrupt(1 + int((moment + 0.5) * whole.count / MOMENTS))
        error = one.during(call)
        interrupted += error is not None
        found += [f"at {one.where}: {path}" for path in reached(planted, error)]
    assert interrupted > MOMENTS / 2
    assert not found, "\n".join(found)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_at_any_moment_of_reading_keys_shows_nothing(planted, corp):
    path = next(iter(cache.role_directory().glob("*.json")), None)
    if path is None:
        corp.role(*ROLE).credentials()
        path = next(iter(cache.role_directory().glob("*.json")))
    number, found, where = 0, [], "the first"
    while where:
        number += 1
        one = Interrupt(number)
        error = one.during(lambda: key_digest(cache.read(path)["Credentials"]["AccessKeyId"]))
        where = one.where
        found += [f"at {where}: {leak}" for leak in reached(planted, error)]
    assert number > 10
    assert not found, "\n".join(found)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_at_any_moment_of_writing_keys_shows_nothing(planted, corp, tmp_path):
    keys = corp.role(*ROLE).credentials()
    content = {"accessToken": corp.tokens.get(), "keys": [keys.secret_access_key, {"token": keys.session_token}]}
    number, found, where = 0, [], "the first"
    while where:
        number += 1
        one = Interrupt(number)
        error = one.during(lambda: cache.write(tmp_path / "made.json", content))
        where = one.where
        found += [f"at {where}: {leak}" for leak in reached(planted, error)]
    assert number > 10
    assert not found, "\n".join(found)


@pytest.mark.parametrize("read", ["answer", "file"])
def test_an_interrupt_while_secrets_are_read_shows_nothing(planted, corp, center, monkeypatch, read):
    token = corp.tokens.get()
    prod = next(account.id for account in center.organization.accounts if account.name == ROLE[0])
    calls = {
        "answer": lambda: corp.portal.get_role_credentials(access_token=token, account_id=prod, role_name=ROLE[1]),
        "file": IdentityCenter("corp").tokens.get,
    }
    real = json.loads

    def interrupt(*arguments, **named):
        if threading.current_thread() is threading.main_thread():  # the Identity Center's own threads go on
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(json, "loads", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        calls[read]()
    monkeypatch.undo()
    assert reached(planted, caught.value) == []


def test_with_the_frames_left_in_the_same_search_finds_what_leaks(planted, corp, monkeypatch):
    def interrupt(connection, data):
        raise KeyboardInterrupt

    monkeypatch.setattr("http.client.HTTPConnection.send", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        corp.accounts()
    assert reached(planted, caught.value) == []
    monkeypatch.setattr("sso_magic.client.http.without_frames", lambda error: error)
    with pytest.raises(KeyboardInterrupt) as caught:
        corp.accounts()
    assert any("_send_output" in path and "access token" in path for path in reached(planted, caught.value))
