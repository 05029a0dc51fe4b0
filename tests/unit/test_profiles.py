"""Sessions and profiles of ~/.aws/config, by botocore's rules."""

from __future__ import annotations

import re

import pytest

from sso_magic import IdentityCenter
from sso_magic.errors import Ambiguous, ConfigError, ProfileNotFound, SessionNotFound
from sso_magic.signin.sessions import Session, find_session, sessions, sso_profile

URL = "https://d-1234567890.awsapps.com/start"


@pytest.fixture
def config(clean_environment):
    def write(text: str):
        path = clean_environment / ".aws" / "config"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


CORP = f"[sso-session corp]\nsso_start_url = {URL}\nsso_region = eu-west-1\n"
PLAY = "[sso-session play]\nsso_start_url = https://play.awsapps.com/start\nsso_region = us-east-1\n"
LEGACY = "[profile old]\nsso_start_url = https://old.awsapps.com/start/#/\nsso_region = us-west-2\n"


def test_the_only_session_needs_no_name(config):
    config(CORP + "sso_registration_scopes = sso:account:access, codewhisperer:completions ,\n")
    assert find_session() == Session("corp", URL, "eu-west-1", ("sso:account:access", "codewhisperer:completions"))
    assert find_session("corp") == find_session()


def test_several_sessions_are_listed_never_guessed(config):
    config(CORP + PLAY + LEGACY)
    with pytest.raises(Ambiguous) as caught:
        find_session()
    assert str(caught.value) == "Which session? Name one: corp, play, https://old.awsapps.com/start/#/."


def test_the_active_profiles_session_is_taken(config, monkeypatch):
    config(CORP + PLAY + "[profile dev]\nsso_session = play\n")
    monkeypatch.setenv("AWS_PROFILE", "dev")
    assert find_session().name == "play"


def test_a_profile_stands_for_its_session(config):
    config(CORP + PLAY + "[profile dev]\nsso_session = play\n")
    assert find_session("dev").name == "play"


def test_no_configuration_at_all_says_how_to_begin(clean_environment):
    with pytest.raises(SessionNotFound) as caught:
        find_session()
    assert str(caught.value) == (
        f"No session is configured in {clean_environment / '.aws' / 'config'}. Sign in with your portal's start URL: "
        "%sso_login https://YOUR-PORTAL.awsapps.com/start --sso-region REGION"
    )


def test_a_misspelled_session_gets_the_nearest(config):
    config(CORP + PLAY)
    with pytest.raises(SessionNotFound, match=r"There is no session 'crop'\. Known: corp\."):
        find_session("crop")


def test_a_start_url_needs_no_file_but_a_region():
    with pytest.raises(ConfigError, match=r"The region of .* is not known. Add --sso-region"):
        find_session(URL)
    assert find_session(URL, sso_region="eu-west-1") == Session(None, URL, "eu-west-1", ("sso:account:access",))


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://ssoins-1234.portal.eu-west-3.app.aws", "eu-west-3"),
        ("https://identitycenter-x.eu-north-1.portal.amazonaws.com", "eu-north-1"),
        ("https://x.portal.cn-north-1.app.amazonwebservices.com.cn", "cn-north-1"),
        ("https://x.eusc-de-east-1.portal.amazonaws.eu", "eusc-de-east-1"),
    ],
)
def test_a_start_url_that_names_its_region_needs_none(url, region):
    assert find_session(url).sso_region == region


def test_a_start_url_finds_the_session_that_has_it(config):
    config(CORP + PLAY)
    assert find_session(f"{URL}/#/").name == "corp"


def test_one_start_url_under_two_names_is_two_people(config):
    config(CORP + CORP.replace("corp", "admin"))
    assert [session.name for session in sessions()] == ["corp", "admin"]
    with pytest.raises(Ambiguous, match=r"is used by the sessions corp, admin\. Name one of them"):
        find_session(URL)


def test_the_legacy_format_is_a_session_too(config):
    config(LEGACY)
    session = find_session()
    assert (session.name, session.key) == (None, "https://old.awsapps.com/start/#/")
    assert session.portal_url == "https://old.awsapps.com/start"


@pytest.mark.parametrize("emptied", ["sso_start_url", "sso_region"])
def test_a_profile_of_the_legacy_format_with_an_empty_setting_is_no_session(config, emptied):
    config(re.sub(f"{emptied} = .*", f"{emptied} =", LEGACY))
    assert sessions() == []


def test_a_region_that_contradicts_the_session_is_refused(config):
    path = config(CORP)
    with pytest.raises(ConfigError) as caught:
        find_session("corp", sso_region="us-east-1")
    assert str(caught.value) == (
        f"corp is in eu-west-1 ({path}), not in us-east-1: leave --sso-region out, or correct sso_region there."
    )


def test_a_session_without_its_region_is_named(config):
    path = config(f"[sso-session corp]\nsso_start_url = {URL}\n")
    with pytest.raises(ConfigError) as caught:
        find_session("corp")
    assert str(caught.value) == f"[sso-session corp] in {path} lacks sso_region: add it."


def test_a_session_and_a_start_url_are_one_too_many(config):
    config(CORP)
    with pytest.raises(ConfigError) as caught:
        IdentityCenter("corp", start_url=URL)
    assert str(caught.value) == "Give a session or a start URL, not both."


def test_a_profile_without_a_session_says_what_to_add(config):
    config(f"{CORP}[profile static]\nregion = us-east-2\n")
    with pytest.raises(SessionNotFound) as caught:
        find_session("static")
    assert str(caught.value) == ("Profile static has no SSO session: add sso_session = NAME to it, or name a session.")


def test_what_is_no_url_is_no_start_url():
    with pytest.raises(SessionNotFound, match="is not a start URL"):
        find_session("file:///etc/passwd")


def test_a_profile_names_account_and_role(config):
    config(
        f"{CORP}[profile dev]\nsso_session = corp\nsso_account_id = 011111111111\n"
        "sso_role_name = Admin\nregion = us-east-2\n"
    )
    profile = sso_profile("dev")
    assert (profile.session.name, profile.account_id, profile.role_name) == ("corp", "011111111111", "Admin")
    assert profile.region == "us-east-2"


def test_a_profile_without_sso_is_none(config):
    config("[profile static]\nregion = us-east-2\n")
    assert sso_profile("static") is None


def test_an_unknown_profile_gets_the_nearest(config):
    config("[profile development]\nregion = us-east-2\n")
    with pytest.raises(ProfileNotFound, match="development"):
        sso_profile("developmnt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sso_session = gone\nsso_account_id = 1\nsso_role_name = A\n", "has no \\[sso-session gone\\]: add it"),
        (
            "sso_session = corp\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = A\n",
            "has sso_region = us-east-1, its session corp has eu-west-1: remove sso_region from the profile",
        ),
        ("sso_session = corp\nsso_role_name = A\n", "lacks sso_account_id: add it"),
        ("sso_account_id = 1\nsso_role_name = A\n", "lacks sso_session: add it"),
    ],
)
def test_a_profile_that_contradicts_its_session_is_refused(config, text, message):
    config(f"{CORP}[profile dev]\n{text}")
    with pytest.raises(ConfigError, match=message):
        sso_profile("dev")


def test_the_console_link_carries_no_secret(config):
    session = Session("corp", f"{URL}/#/", "eu-west-1")
    link = session.console_link("111111111111", "Read Only", "https://console.aws.amazon.com/s3?x=1")
    assert link == (
        f"{URL}/#/console?account_id=111111111111&role_name=Read%20Only"
        "&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%3Fx%3D1"
    )
