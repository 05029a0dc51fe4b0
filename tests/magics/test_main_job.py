"""The main job, through the magics: sign in, list, use, switch, go back, release, sign out."""

from __future__ import annotations

import os
import subprocess
import sys

import boto3
import pytest

PROD, DEV = "payments-prod", "payments-dev"
ASK_AWS = "import boto3; print(boto3.client('sts', region_name='eu-west-1').get_caller_identity()['Account'])"


def account_here() -> str:
    return boto3.client("sts", region_name="eu-west-1").get_caller_identity()["Account"]


def account_of_a_child() -> str:
    done = subprocess.run([sys.executable, "-c", ASK_AWS], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def my_profile(clean_environment, monkeypatch):
    """The person's own profile, active."""
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write("\n[profile mine]\nregion = us-west-2\n")
    monkeypatch.setenv("AWS_PROFILE", "mine")


@pytest.fixture
def ids(signed_in):
    return {account.name: account.id for account in signed_in.organization.accounts}


def test_sign_in_asks_once_and_then_is_silent(shell, center, person, capsys):
    person.approves()
    shell.run_line_magic("sso_login", "")
    out = capsys.readouterr().out
    assert "Sign in to corp" in out
    assert "/device" in out
    assert "Signed in to corp until" in out
    assert "renews automatically" in out
    shell.run_line_magic("sso_login", "")
    out = capsys.readouterr().out
    assert out.startswith("Signed in to corp until")
    assert center.requests.total("StartDeviceAuthorization") == 1


def test_accounts_and_roles_are_dataframes_that_can_be_assigned(shell, signed_in):
    shell.run_cell("accounts = %sso_accounts\nroles = %sso_roles payments-prod")
    accounts, roles = shell.user_ns["accounts"], shell.user_ns["roles"]
    assert list(accounts.columns) == ["account_id", "account_name", "email_address"]
    assert list(roles.columns) == ["account_id", "account_name", "role_name"]
    assert PROD in set(accounts["account_name"].dropna())
    assert "ReadOnly" in set(roles["role_name"])
    assert set(roles["account_name"]) == {PROD}


def test_words_narrow_the_accounts_down(shell, signed_in):
    found = shell.run_line_magic("sso_accounts", "PAYMENTS prod")
    assert set(found["account_name"]) >= {PROD}
    assert found["account_name"].str.contains("payments").all()
    assert len(found) < len(shell.run_line_magic("sso_accounts", ""))


def test_a_role_speaks_for_its_account_here_and_in_child_processes(shell, ids):
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    assert account_here() == account_of_a_child() == ids[PROD]
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    assert account_here() == account_of_a_child() == ids[DEV]
    shell.run_line_magic("sso_use", "-")
    assert account_here() == account_of_a_child() == ids[PROD]


def test_release_brings_back_exactly_what_was_there(shell, ids, my_profile, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_SECURITY_TOKEN", "legacy")
    before = dict(os.environ)
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly --region eu-west-1")
    assert {name: os.environ.get(name) for name in ("AWS_PROFILE", "AWS_SECURITY_TOKEN", "AWS_REGION")} == {
        "AWS_PROFILE": None,
        "AWS_SECURITY_TOKEN": None,
        "AWS_REGION": "eu-west-1",
    }
    assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert os.environ["AWS_ACCOUNT_ID"] == ids[PROD]
    assert os.environ["AWS_CREDENTIAL_EXPIRATION"].endswith("Z")
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    assert os.environ["AWS_REGION"] == "eu-west-1"
    shell.run_line_magic("sso_use", "--off")
    assert dict(os.environ) == before


def test_use_says_account_role_region_end_and_production(shell, ids, my_profile, capsys):
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly --region eu-west-1")
    line = capsys.readouterr().out
    assert line.startswith(f"PRODUCTION Using {PROD} ({ids[PROD]}) / ReadOnly in eu-west-1, until ")
    assert "AWS_PROFILE is ignored until %sso_use --off." in line
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    assert capsys.readouterr().out.startswith(f"Using {DEV} ({ids[DEV]}) / ReadOnly in eu-west-1, until ")
    shell.run_line_magic("sso_use", "--off")
    assert capsys.readouterr().out == (
        f"Released {DEV} ({ids[DEV]}) / ReadOnly; the environment is what it was before.\n"
    )


def test_the_pattern_for_production_can_be_set(shell, ids, capsys):
    shell.run_line_magic("config", "SSOMagics.production = 'dev'")
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    assert capsys.readouterr().out.startswith("PRODUCTION Using")


def test_a_profile_can_be_used_by_its_name(shell, ids, clean_environment, capsys):
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(
            f"\n[profile pay]\nsso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly\n"
            "region = eu-central-1\n"
        )
    shell.run_line_magic("sso_use", "pay")
    assert account_here() == ids[DEV]
    assert os.environ["AWS_REGION"] == "eu-central-1"


def test_an_account_with_one_role_needs_no_role(shell, signed_in):
    organization = signed_in.organization
    single = next(account for account in organization.accounts if len(organization.roles_of("alex", account.id)) == 1)
    shell.run_line_magic("sso_use", single.id)
    assert account_here() == single.id


def test_cached_credentials_are_used_again_without_a_request(shell, ids, signed_in):
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    signed_in.requests.clear()
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    assert signed_in.requests.total() == 0


def test_sign_out_ends_everything(shell, ids, signed_in, clean_environment, capsys):
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    shell.run_line_magic("sso_logout", "")
    assert capsys.readouterr().out.endswith("Signed out of corp.\n")
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    assert list((clean_environment / ".aws" / "sso" / "cache").glob("*.json")) == []
    assert list((clean_environment / ".aws" / "cli" / "cache").glob("*.json")) == []
    assert signed_in.sessions() == []
    shell.run_line_magic("sso_logout", "")
    assert capsys.readouterr().out == "corp was not signed in.\n"


def test_sign_out_of_all_takes_sessions_that_no_file_names(shell, signed_in, clean_environment, capsys):
    cache = clean_environment / ".aws" / "sso" / "cache"
    [known] = cache.glob("*.json")
    (cache / "deadbeef.json").write_text(known.read_text())
    (cache / "registration.json").write_text('{"clientId": "x"}')
    shell.run_line_magic("sso_logout", "--all")
    assert "Signed out of corp" in capsys.readouterr().out
    assert [path.name for path in cache.glob("*.json")] == ["registration.json"]


def test_status_tells_session_role_and_what_competes(shell, ids, capsys):
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    os.environ["AWS_PROFILE"] = "later"
    status = shell.run_line_magic("sso_status", "")
    assert (status.account_id, status.role_name) == (ids[PROD], "ReadOnly")
    assert [session.name for session in status.sessions] == ["corp"]
    text = repr(status)
    assert "signed in until" in text
    assert f"In use: {PROD} ({ids[PROD]}) / ReadOnly" in text
    assert "AWS_PROFILE was set after %sso_use and may win over it" in text
    assert "<table" in status._repr_mimebundle_()["text/html"]


def test_status_tells_that_somebody_has_set_other_keys(shell, ids, monkeypatch):
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
    assert " ".join(repr(shell.run_line_magic("sso_status", "")).split()).endswith(
        " The AWS keys in the environment are no longer those of the role in use. Run %sso_use again."
    )
