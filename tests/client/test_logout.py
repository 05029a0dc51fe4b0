"""A logout ends the session at the service and removes what is stored of it here (PROTOCOL.md 6.1, 6.3, 11.2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sso_magic.client.signout import remove_role_credentials
from sso_magic.common import cache
from sso_magic.errors import CacheError, ConnectError
from sso_magic.portal import LogoutCommand, SSOServiceException, UnauthorizedException

TOKEN = "aoaPLANTEDaccessTOKEN"
CORP = "https://d-corp.awsapps.com/start"
OTHER = "https://d-other.awsapps.com/start"

CONFIG = f"""
[sso-session corp]
sso_start_url = {CORP}
sso_region = eu-west-1
[sso-session other]
sso_start_url = {OTHER}
sso_region = eu-west-1
[profile of-corp]
sso_session = corp
sso_account_id = 000000000001
sso_role_name = Admin
[profile of-other]
sso_session = other
sso_account_id = 000000000002
sso_role_name = ReadOnly
"""


@pytest.fixture
def config(clean_environment):
    path = clean_environment / ".aws" / "config"
    path.parent.mkdir()
    path.write_text(CONFIG)
    return path


def store_token(key, access_token, start_url=CORP):
    path = cache.token_path(key)
    cache.write(path, {"startUrl": start_url, "region": "eu-west-1", "accessToken": access_token, "expiresAt": "2099"})
    return path


def store_role(session, account, role, *, start_url="", own=None):
    path = cache.role_path(account_id=account, role_name=role, session_name=session, start_url=start_url)
    entry = {"ProviderType": "sso", "Credentials": {"AccessKeyId": "ASIA1", "AccountId": account}}
    cache.write(path, entry | ({"SsoMagic": own} if own else {}))
    return path


def test_the_stored_token_and_the_role_credentials_of_the_session_go(sso, config):
    token = store_token("corp", TOKEN)
    role = store_role("corp", "000000000001", "Admin")
    sso.logout(access_token=TOKEN)
    assert not token.exists()
    assert not role.exists()


def test_another_sessions_token_and_role_credentials_stay(sso, config):
    store_token("corp", TOKEN)
    token = store_token("other", "another token", OTHER)
    role = store_role("other", "000000000002", "ReadOnly")
    sso.logout(access_token=TOKEN)
    assert token.exists()
    assert role.exists()


def test_it_is_done_when_the_service_says_that_the_session_has_ended_already(sso, service, config):
    token = store_token("corp", TOKEN)
    role = store_role("corp", "000000000001", "Admin")
    service.plan(service.answer({"__type": "UnauthorizedException"}, status=401))
    with pytest.raises(UnauthorizedException):
        sso.logout(access_token=TOKEN)
    assert not token.exists()
    assert not role.exists()


@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 403}, {"raw": b""}])
def test_nothing_is_removed_when_the_session_may_still_live(sso, service, config, answer):
    token = store_token("corp", TOKEN)
    service.plan(service.answer({}, **answer))
    with pytest.raises((SSOServiceException, ConnectError)):
        sso.logout(access_token=TOKEN)
    assert token.exists()


def test_the_command_does_both_halves_too(sso, config):
    token = store_token("corp", TOKEN)
    sso.send(LogoutCommand(access_token=TOKEN))
    assert not token.exists()


def test_a_token_of_the_legacy_format_and_its_role_credentials_go(sso, clean_environment):
    token = store_token(CORP, TOKEN)
    role = store_role(None, "000000000001", "Admin", start_url=CORP)
    sso.logout(access_token=TOKEN)
    assert not token.exists()
    assert not role.exists()


def test_another_start_urls_role_credentials_stay(sso, clean_environment):
    store_token(CORP, TOKEN)
    ours, others = (
        store_role(None, "000000000001", "Admin", start_url=url, own={"startUrl": url}) for url in (CORP, OTHER)
    )
    sso.logout(access_token=TOKEN)
    assert [path.exists() for path in (ours, others)] == [False, True]


def test_every_file_that_holds_the_token_goes(sso, config):
    paths = [store_token("corp", TOKEN), store_token(CORP, TOKEN), store_token("copy", TOKEN)]
    sso.logout(access_token=TOKEN)
    assert not [path for path in paths if path.exists()]


def test_registrations_other_tools_files_and_what_is_no_json_stay(sso, config):
    store_token("corp", TOKEN)
    registration = cache.sso_directory() / "registration.json"
    cache.write(registration, {"clientId": "CID", "clientSecret": "CSEC"})
    assumed = cache.role_directory() / "assumed.json"
    cache.write(assumed, {"Credentials": {"AccessKeyId": "ASIA2"}})
    database = cache.role_directory() / "session.db"
    database.write_bytes(b"SQLite format 3\x00")
    broken = cache.sso_directory() / "broken.json"
    broken.write_text("{")
    sso.logout(access_token=TOKEN)
    assert [path.exists() for path in (registration, assumed, database, broken)] == [True] * 4


def test_a_token_that_is_stored_nowhere_takes_nothing_along(sso, config):
    token = store_token("corp", "another token")
    role = store_role("corp", "000000000001", "Admin")
    sso.logout(access_token=TOKEN)
    assert token.exists()
    assert role.exists()


def test_without_any_directory_there_is_nothing_to_do(sso, clean_environment):
    sso.logout(access_token=TOKEN)
    assert list(clean_environment.iterdir()) == []


def test_role_credentials_that_nobody_can_be_shown_to_own_go_as_with_the_aws_cli(sso, config):
    store_token("corp", TOKEN)
    role = store_role("unknown", "000000000009", "SomeRole")
    sso.logout(access_token=TOKEN)
    assert not role.exists()


def test_what_this_package_wrote_says_whose_it_is(sso, config):
    store_token("corp", TOKEN)
    ours = store_role(
        "corp", "000000000007", "Role7", own={"sessionName": "corp", "startUrl": CORP, "roleName": "Role7"}
    )
    others = store_role(
        "unlisted", "000000000007", "Role7", own={"sessionName": "unlisted", "startUrl": CORP, "roleName": "Role7"}
    )
    legacy = store_role(
        None, "000000000007", "Role7", start_url=CORP, own={"sessionName": None, "startUrl": CORP, "roleName": "Role7"}
    )
    sso.logout(access_token=TOKEN)
    assert [path.exists() for path in (ours, others, legacy)] == [False, True, True]


def test_a_role_that_only_our_own_files_name_identifies_another_sessions_file_of_the_cli(sso, config):
    store_token("corp", TOKEN)
    store_role("other", "000000000008", "Role8", own={"sessionName": "other", "startUrl": OTHER, "roleName": "Role8"})
    of_the_cli = store_role("other", "000000000002", "Role8")
    sso.logout(access_token=TOKEN)
    assert of_the_cli.exists()


def test_role_credentials_of_one_session_can_be_removed_without_its_token(config):
    token = store_token("corp", TOKEN)
    ours, others = store_role("corp", "000000000001", "Admin"), store_role("other", "000000000002", "ReadOnly")
    remove_role_credentials(session_name="corp", start_url=CORP)
    assert [path.exists() for path in (token, ours, others)] == [True, False, True]


def test_a_slip_in_the_configuration_keeps_nobody_signed_in(sso, config):
    token = store_token("corp", TOKEN)
    role = store_role("corp", "000000000001", "Admin")
    config.write_text("no section\n")
    sso.logout(access_token=TOKEN)
    assert not token.exists()
    assert not role.exists()


def test_a_file_that_cannot_be_removed_is_named_and_the_session_has_ended_all_the_same(
    sso, service, config, monkeypatch
):
    token = store_token("corp", TOKEN)

    def refuse(path):
        raise CacheError(f"{path} cannot be removed (read-only). Remove it by hand.")

    monkeypatch.setattr(cache, "remove", refuse)
    with pytest.raises(CacheError) as error:
        sso.logout(access_token=TOKEN)
    assert str(error.value) == f"{token} cannot be removed (read-only). Remove it by hand."
    assert service.last.path == "/logout"


def test_role_credentials_that_cannot_be_removed_are_named_and_the_others_go(config, monkeypatch):
    stuck, other = sorted(store_role("corp", f"00000000000{number}", "Admin") for number in (1, 2))
    remove = Path.unlink

    def unlink(path, *arguments, **named):
        if path == stuck:
            raise PermissionError(13, "Permission denied")
        remove(path, *arguments, **named)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(CacheError) as error:
        remove_role_credentials(session_name="corp", start_url=CORP)
    assert str(error.value) == f"{stuck} cannot be removed (Permission denied). Remove it by hand."
    assert [path.exists() for path in (stuck, other)] == [True, False]


def test_what_is_removed_is_found_by_its_content_not_its_name(sso, clean_environment):
    path = cache.sso_directory() / "named-by-another-tool.json"
    cache.write(path, {"accessToken": TOKEN})
    assert json.loads(path.read_text())
    sso.logout(access_token=TOKEN)
    assert not path.exists()
