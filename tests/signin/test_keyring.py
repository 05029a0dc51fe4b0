"""Tokens in the system's keychain, and in the file where there is none."""

from __future__ import annotations

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.errors import CacheError, ConfigError, SignInRequired
from sso_magic.signin import store, tokens


class Keychain(KeyringBackend):
    """A keychain in memory."""

    priority = 5

    def __init__(self):
        super().__init__()
        self.kept, self.locked = {}, False

    def get_password(self, service, username):
        if self.locked:
            raise KeyringLocked
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        if self.locked:
            raise KeyringLocked
        self.kept[service, username] = password

    def delete_password(self, service, username):
        if self.locked:
            raise PasswordDeleteError("it is locked")
        del self.kept[service, username]


@pytest.fixture
def keychain():
    before = keyring.get_keyring()
    backend = Keychain()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def corp(center, keychain, prompt):
    store.choose("keyring")
    center.auto_approve = True
    found = IdentityCenter("corp")
    found.sign_in(method="device", prompt=prompt)
    return found


def test_the_token_is_in_the_keychain_and_in_no_file(corp, keychain):
    [(service, key)] = keychain.kept
    assert (service, key) == ("sso_magic", "corp")
    assert not cache.token_path("corp").exists()
    assert len(corp.accounts()) > 5


def test_another_kernel_finds_it_and_sees_the_sign_out(corp, keychain):
    other = IdentityCenter("corp")
    assert other.tokens.get() == corp.tokens.get()
    corp.sign_out()
    assert keychain.kept == {}
    with pytest.raises(SignInRequired, match=r"Not signed in to corp\."):
        other.tokens.get()


def test_a_file_from_before_is_taken_out(signed_in, keychain, prompt):
    assert cache.token_path("corp").exists()
    store.choose("keyring")
    signed_in.auto_approve = True
    IdentityCenter("corp").sign_in(force=True, method="device", prompt=prompt)
    assert not cache.token_path("corp").exists()


def test_a_file_from_before_is_used_until_its_token_is_refreshed_into_the_keychain(center, keychain, prompt):
    center.auto_approve = True
    corp = IdentityCenter("corp")
    corp.sign_in(method="device", prompt=prompt)
    store.choose("keyring")
    assert corp.tokens.get()
    assert keychain.kept == {}
    center.revoke()
    assert len(corp.accounts()) > 5
    assert ("sso_magic", "corp") in keychain.kept
    assert not cache.token_path("corp").exists()


def test_a_sign_out_takes_a_file_from_before_out_too_and_ends_its_session(signed_in, keychain):
    store.choose("keyring")
    assert IdentityCenter("corp").sign_out()
    assert not cache.token_path("corp").exists()
    assert signed_in.requests.total("Logout") == 1


def test_a_locked_keychain_costs_the_keeping_not_the_sign_in(center, keychain, prompt):
    store.choose("keyring")
    keychain.locked = True
    center.auto_approve = True
    corp = IdentityCenter("corp")
    corp.sign_in(method="device", prompt=prompt)
    assert len(corp.accounts()) > 5
    assert (
        "The keychain did not take the token (KeyringLocked). Nothing is lost in this kernel; unlock it, or keep "
        "tokens in the file: %config SSOMagics.token_store = 'file'" in prompt.lines[0]
    )


def test_a_keychain_that_does_not_let_go_says_so(corp, keychain, monkeypatch):
    def refuse(*_):
        raise PasswordDeleteError("it is locked")

    monkeypatch.setattr(keychain, "delete_password", refuse)
    with pytest.raises(CacheError, match=r"removed from the keychain \(it is locked\)\. Remove sso_magic there\."):
        tokens.delete(corp.session)


def test_a_token_that_is_removed_in_the_keychain_during_a_sign_out_is_no_error(corp, keychain, monkeypatch):
    def removed(service, username):
        keychain.kept.clear()
        raise PasswordDeleteError("not found")

    monkeypatch.setattr(keychain, "delete_password", removed)
    assert tokens.delete(corp.session)


def test_rubbish_in_the_keychain_is_no_token(corp, keychain):
    for rubbish in ("{", "[]", "null"):
        keychain.kept["sso_magic", "corp"] = rubbish
        assert tokens.load(corp.session) is None


def test_without_a_keychain_it_is_the_file_and_that_is_said(center, prompt):
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        store.choose("keyring")
    finally:
        keyring.set_keyring(before)
    center.auto_approve = True
    IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    assert cache.token_path("corp").exists()
    assert "Tokens are kept in the file: this system has no keychain." in prompt.lines[0]


def test_without_the_library_it_is_the_file_and_that_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    assert store.choose("keyring").notice == (
        'Tokens are kept in the file: keyring is not installed. pip install "sso-magic[keyring]"'
    )


def test_the_magics_choose_it_by_config(shell, center, keychain, person, capsys):
    shell.run_line_magic("config", "SSOMagics.token_store = 'keyring'")
    person.approves()
    shell.run_line_magic("sso_login", "--device")
    assert list(keychain.kept) == [("sso_magic", "corp")]


def test_a_store_that_is_none_is_refused():
    with pytest.raises(ConfigError) as caught:
        store.choose("sticky note")
    assert str(caught.value) == "token_store is 'sticky note': it can be 'file' or 'keyring'."
