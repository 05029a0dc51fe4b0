"""Roles beyond the plain %sso_use: for one cell, by a profile, chained, into the console, said before each cell."""

from __future__ import annotations

import http.client
import os
import sys
import threading
import types
from urllib.parse import urlsplit

import boto3
import botocore.client
import pytest
import requests

from sso_magic import errors
from sso_magic.center import shared
from sso_magic.kernel.kernel_role import KERNEL

PROD, DEV = "payments-prod", "payments-dev"


@pytest.fixture
def ids(signed_in, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return {account.name: account.id for account in signed_in.organization.accounts}


@pytest.fixture
def add_profile(clean_environment):
    def add(name: str, text: str) -> None:
        with (clean_environment / ".aws" / "config").open("a") as config:
            config.write(f"\n[profile {name}]\n{text}\n")

    return add


def account_here() -> str:
    return boto3.client("sts").get_caller_identity()["Account"]


CALLER = "import boto3\nboto3.client('sts').get_caller_identity()['Account']"


def test_one_cell_runs_under_a_role_and_then_all_is_as_before(shell, ids):
    before = dict(os.environ)
    assert shell.run_cell_magic("sso_as", f"{DEV} ReadOnly", CALLER) == ids[DEV]
    assert dict(os.environ) == before
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    assert shell.run_cell_magic("sso_as", f"{DEV} ReadOnly", f"x = 1\n{CALLER}") == ids[DEV]
    assert shell.user_ns["x"] == 1
    assert account_here() == ids[PROD]
    shell.run_line_magic("sso_use", "--off")
    assert dict(os.environ) == before


def test_an_error_or_an_interrupt_in_the_cell_brings_back_what_was_there(shell, ids):
    before = dict(os.environ)
    for raised in ("1 / 0", "raise KeyboardInterrupt"):
        result = shell.run_cell(f"%%sso_as {DEV} ReadOnly\n{raised}")
        assert result.error_in_exec is not None
        assert dict(os.environ) == before


def test_blocks_can_be_nested_in_blocks(shell, ids):
    inner = f"%%sso_as {PROD} ReadOnly\n{CALLER}"
    shell.run_cell(f"%%sso_as {DEV} ReadOnly\nouter = get_ipython().run_cell({inner!r}).result\n{CALLER}")
    assert shell.user_ns["outer"] == ids[PROD]
    assert shell.user_ns["_"] == ids[DEV]
    assert KERNEL.current is None


def test_the_cells_value_is_that_of_its_last_expression(shell, ids):
    assert shell.run_cell_magic("sso_as", f"{DEV} ReadOnly", "a = 2\na * 21") == 42
    assert shell.run_cell_magic("sso_as", f"{DEV} ReadOnly", "a * 21;") is None
    assert shell.run_cell_magic("sso_as", f"{DEV} ReadOnly", "a = 3") is None
    assert shell.run_cell_magic("sso_as", f"{DEV} ReadOnly", "# nothing") is None


def test_a_cell_that_cannot_be_read_uses_no_role(shell, ids, signed_in):
    signed_in.requests.clear()
    result = shell.run_cell(f"%%sso_as {DEV} ReadOnly\nif:\n")
    assert isinstance(result.error_in_exec, SyntaxError)
    assert signed_in.requests.total() == 0


def test_a_chained_profile_has_the_name_of_its_account_and_so_its_production_mark(shell, ids, add_profile, capsys):
    shell.run_line_magic("sso_accounts", "")
    add_profile("base", f"sso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly")
    add_profile("on-top", f"source_profile = base\nrole_arn = arn:aws:iam::{ids[PROD]}:role/ops/Deployer")
    capsys.readouterr()
    shell.run_line_magic("sso_use", "on-top")
    assert f"PRODUCTION Using {PROD} ({ids[PROD]}) / Deployer, until " in capsys.readouterr().out
    assert KERNEL.current.fetch().account_name == PROD  # also of a renewal


def test_a_kernel_that_has_used_no_session_knows_the_names_that_another_has_listed(shell, ids):
    shell.run_line_magic("sso_accounts", "")
    shared.SHARED.clear()  # as in a kernel that has just begun
    assert shared.known_account_name(ids[PROD]) == PROD
    assert shared.known_account_name("999999999999") is None


def test_an_account_that_is_listed_after_it_came_into_use_is_marked_as_production_from_then_on(shell, ids):
    magics = shell.magics_manager.registry["SSOMagics"]
    shell.run_line_magic("sso_use", f"{ids[PROD]} ReadOnly")
    assert KERNEL.current.credentials.account_name is None  # nothing has been listed
    assert not magics.is_production(KERNEL.current)
    shell.run_line_magic("sso_accounts", "")
    assert magics.is_production(KERNEL.current)
    assert "PRODUCTION In use: " in repr(shell.run_line_magic("sso_status", ""))


def test_a_chained_profile_is_assumed_on_top_of_its_source(shell, ids, add_profile):
    add_profile("base", f"sso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly")
    add_profile("on-top", f"source_profile = base\nrole_arn = arn:aws:iam::{ids[PROD]}:role/ops/Deployer")
    shell.run_line_magic("sso_use", "on-top")
    identity = boto3.client("sts").get_caller_identity()
    assert identity["Account"] == ids[PROD]
    assert "assumed-role/Deployer/sso_magic" in identity["Arn"]
    use = KERNEL.current
    assert (use.credentials.account_id, use.credentials.role_name) == (ids[PROD], "Deployer")
    fetched = use.fetch()
    assert fetched.access_key_id != use.credentials.access_key_id
    assert fetched.account_id == ids[PROD]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("role_arn = arn:aws:iam::111111111111:role/X", "has role_arn but no source_profile"),
        ("role_arn = x\nsource_profile = me", "go round in a circle"),
        ("role_arn = arn:aws:iam::111111111111:role/X\nsource_profile = keys", "Profile keys is not one of SSO"),
        ("role_arn = arn:aws:iam::111111111111:role/X\nsource_profile = keys", "as it is, with AWS_PROFILE=me."),
        ("role_arn = x\nsource_profile = base\ncredential_source = Environment", "has both source_profile and cred"),
        ("role_arn = x\nsource_profile = other", "The profiles me -> other -> me go round in a circle"),
        ("role_arn = nonsense\nsource_profile = base", "which is no role's ARN: correct it"),
        ("role_arn = arn:aws:iam::111111111111:role/X\nsource_profile = gone", "me has source_profile = gone, "),
    ],
)
def test_a_chain_that_cannot_be_followed_says_why(shell, ids, add_profile, text, message):
    add_profile("base", f"sso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly")
    add_profile("keys", "aws_access_key_id = AKIA\naws_secret_access_key = s")
    add_profile("other", "role_arn = x\nsource_profile = me")
    add_profile("me", text)
    with pytest.raises(errors.SSOMagicError) as caught:
        shell.run_line_magic("sso_use", "me")
    assert message in str(caught.value)
    assert KERNEL.current is None


def test_an_mfa_code_is_asked_for_without_showing_it_and_only_where_somebody_is(
    shell, ids, add_profile, monkeypatch, capsys
):
    add_profile("base", f"sso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly")
    mfa = "mfa_serial = arn:aws:iam::111111111111:mfa/me"
    add_profile("me", f"role_arn = arn:aws:iam::{ids[PROD]}:role/Deployer\nsource_profile = base\n{mfa}")
    monkeypatch.setattr("getpass.getpass", lambda question: asked.append(question) or "123456")
    asked: list[str] = []
    shell.run_line_magic("sso_use", "me")
    assert asked == ["Enter MFA code for arn:aws:iam::111111111111:mfa/me: "]
    assert account_here() == ids[PROD]
    assert "123456" not in capsys.readouterr().out
    with pytest.raises(errors.CredentialsError, match="and no one can enter the code here"):
        KERNEL.current.fetch()  # the renewal
    KERNEL.release()
    monkeypatch.setattr("sso_magic.display.prompt.has_person", lambda: False)
    with pytest.raises(errors.CredentialsError) as caught:
        shell.run_line_magic("sso_use", "me")
    assert str(caught.value).startswith("Profile me asks for MFA (mfa_serial), and no one can enter")
    assert len(asked) == 1


def test_an_external_id_and_a_duration_go_to_sts(shell, ids, add_profile, monkeypatch):
    asked = []
    real = botocore.client.BaseClient._make_api_call
    monkeypatch.setattr(
        botocore.client.BaseClient,
        "_make_api_call",
        lambda client, operation, given: asked.append((operation, given)) or real(client, operation, given),
    )
    add_profile("base", f"sso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly")
    role_arn = f"arn:aws:iam::{ids[PROD]}:role/Deployer"
    settings = "external_id = of-a-partner\nduration_seconds = 900\nrole_session_name = night-run"
    add_profile("on-top", f"source_profile = base\nrole_arn = {role_arn}\n{settings}")
    shell.run_line_magic("sso_use", "on-top")
    given = {
        "RoleArn": role_arn,
        "RoleSessionName": "night-run",
        "DurationSeconds": 900,
        "ExternalId": "of-a-partner",
    }
    assert asked == [("AssumeRole", given)]


def test_a_duration_that_is_no_number_is_named(shell, ids, add_profile):
    add_profile("base", f"sso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly")
    role_arn = f"arn:aws:iam::{ids[PROD]}:role/Deployer"
    add_profile("on-top", f"source_profile = base\nrole_arn = {role_arn}\nduration_seconds = an hour")
    with pytest.raises(errors.ConfigError) as caught:
        shell.run_line_magic("sso_use", "on-top")
    assert str(caught.value) == "Profile on-top has duration_seconds = an hour: give a number of seconds."


def test_without_boto3_a_chain_says_what_it_takes(shell, ids, add_profile, monkeypatch):
    add_profile("base", f"sso_session = corp\nsso_account_id = {ids[DEV]}\nsso_role_name = ReadOnly")
    add_profile("on-top", "source_profile = base\nrole_arn = arn:aws:iam::111111111111:role/X")
    monkeypatch.setitem(__import__("sys").modules, "botocore.exceptions", None)
    with pytest.raises(errors.CredentialsError, match="which takes boto3: pip install boto3, and run this again"):
        shell.run_line_magic("sso_use", "on-top")


def test_a_profile_with_an_accounts_name_is_never_guessed(shell, ids, add_profile):
    shell.run_line_magic("sso_accounts", "")
    add_profile(DEV, f"sso_session = corp\nsso_account_id = {ids[PROD]}\nsso_role_name = ReadOnly")
    with pytest.raises(errors.Ambiguous) as caught:
        shell.run_line_magic("sso_use", DEV)
    assert str(caught.value) == (
        f"{DEV} is a profile of account {ids[PROD]} and the name of account {ids[DEV]}: use the 12 digits, or name the "
        f"role as well (%sso_use {DEV} ROLE is the account)."
    )
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    assert account_here() == ids[DEV]


def test_a_profile_without_a_role_leaves_its_name_to_an_account(shell, ids, add_profile, signed_in):
    add_profile("ml-sandbox", "region = us-east-1")
    shell.run_line_magic("sso_use", "ml-sandbox")
    assert account_here() == ids["ml-sandbox"]


def test_a_profile_without_a_role_whose_name_is_no_accounts_either_says_what_it_lacks(shell, ids, add_profile):
    add_profile("keys", "aws_access_key_id = AKIA\naws_secret_access_key = s")
    with pytest.raises(errors.ConfigError) as caught:
        shell.run_line_magic("sso_use", "keys")
    assert str(caught.value) == (
        "Profile keys is not one of SSO: it lacks sso_session, sso_account_id and sso_role_name. boto3 and the AWS CLI "
        "use it as it is, with AWS_PROFILE=keys."
    )


def test_the_console_link_holds_no_secret(shell, ids, capsys):
    shell.run_line_magic("sso_console", f"{PROD} ReadOnly")
    out = capsys.readouterr().out
    assert f"/#/console?account_id={ids[PROD]}&role_name=ReadOnly" in out
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    capsys.readouterr()
    shell.run_line_magic("sso_console", "--destination https://console.aws.amazon.com/s3")
    out = capsys.readouterr().out
    assert f"account_id={ids[DEV]}&role_name=ReadOnly&destination=https%3A%2F%2F" in out


def test_the_console_of_no_account_says_so(shell, ids):
    with pytest.raises(errors.UsageError, match=r"Which account\? %sso_console ACCOUNT \[ROLE\]"):
        shell.run_line_magic("sso_console", "")


@pytest.fixture
def browser_here(monkeypatch, signed_in):
    monkeypatch.setattr("sso_magic.magics.console.remote_signal", lambda: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SIGNIN", signed_in.url)


def get(url: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=60)
    connection.request("GET", urlsplit(url).path, headers=headers)
    return connection.getresponse()


def gone_or_closed(url: str) -> bool:
    """Whether the link is used up: it says so until the listener, which ends on its own, has closed."""
    try:
        return get(url).status == 410
    except OSError:
        return True


def test_the_federated_link_leads_into_the_console_once(shell, ids, browser_here, signed_in, capsys):
    shell.run_line_magic("sso_console", f"--federated {PROD} ReadOnly")
    out = capsys.readouterr().out
    url = out.split(": ")[-1].strip()
    assert url.startswith("http://127.0.0.1:")
    assert "SigninToken" not in out
    assert get(url, Host="evil.test").status == 410
    first = get(url)
    assert first.status == 302
    target = first.headers["Location"]
    assert target.startswith(f"{signed_in.url}/federation?Action=login&")
    assert requests.get(target, timeout=60).status_code == 200
    assert gone_or_closed(url)


def test_the_federated_link_needs_a_browser_beside_the_kernel(shell, ids, monkeypatch):
    monkeypatch.setattr("sso_magic.magics.console.remote_signal", lambda: "SSH (SSH_TTY is set)")
    with pytest.raises(errors.UsageError) as caught:
        shell.run_line_magic("sso_console", f"--federated {PROD} ReadOnly")
    assert str(caught.value) == (
        "--federated needs a browser on the kernel's machine, and this is SSH (SSH_TTY is set). Leave it out: the "
        "portal's link works everywhere."
    )


def test_the_identity_line_is_said_before_each_cell_if_asked_for(shell, ids, capsys):
    shell.run_cell("1 + 1")
    assert "Using" not in capsys.readouterr().out
    shell.run_line_magic("config", "SSOMagics.identity_line = True")
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    capsys.readouterr()
    shell.run_cell("1 + 1")
    assert capsys.readouterr().out.startswith(f"PRODUCTION Running as {PROD} ({ids[PROD]}) / ReadOnly")


def test_a_role_that_cannot_be_renewed_is_said_before_the_next_cell(shell, ids, signed_in, capsys):
    signed_in.role_lifetime = 3
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    keys = os.environ["AWS_ACCESS_KEY_ID"]
    signed_in.organization.withdraw("alex", ids[DEV], "ReadOnly")
    capsys.readouterr()
    said = ""
    for _ in range(100):
        shell.run_cell("import time; time.sleep(0.1)")
        said += capsys.readouterr().out
        if said:
            break
    assert DEV in said
    assert "ReadOnly" in said
    assert os.environ["AWS_ACCESS_KEY_ID"] == keys
    assert len(said.splitlines()) == 1


def test_what_still_uses_the_old_role_is_named(shell, ids, capsys):
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    client = boto3.client("s3")
    capsys.readouterr()
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    assert f"1 boto3 client still uses {PROD} ({ids[PROD]}) / ReadOnly" in capsys.readouterr().out
    assert client


def test_unloading_releases_the_role_and_says_so(shell, ids, capsys):
    before = dict(os.environ)
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    capsys.readouterr()
    shell.run_line_magic("unload_ext", "sso_magic")
    assert dict(os.environ) == before
    assert capsys.readouterr().out == (
        f"Released {DEV} ({ids[DEV]}) / ReadOnly; the environment is what it was before.\n"
    )
    shell.run_line_magic("load_ext", "sso_magic")


def test_a_boto3_session_of_its_own_stays_with_its_role(ids):
    from sso_magic import IdentityCenter

    center = IdentityCenter("corp")
    dev = center.role(DEV, "ReadOnly").boto3_session(region="eu-west-1")
    prod = center.role(PROD, "ReadOnly").boto3_session(region="eu-west-1")
    for _ in range(2):
        assert dev.client("sts").get_caller_identity()["Account"] == ids[DEV]
        assert prod.client("sts").get_caller_identity()["Account"] == ids[PROD]
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_a_boto3_session_without_boto3_says_what_to_install(ids, monkeypatch):
    from sso_magic import IdentityCenter
    from sso_magic.kernel.libraries import boto_session

    boto_session.role_session_class.cache_clear()
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    line = r"^A boto3 session needs boto3: pip install boto3\. Without it, credentials has the role's keys\.$"
    with pytest.raises(errors.CredentialsError, match=line):
        IdentityCenter("corp").role(DEV, "ReadOnly").boto3_session()


def test_serving_puts_an_endpoint_in_the_environment_and_no_keys(shell, ids):
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly --serve")
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    assert os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
    assert account_here() == ids[DEV]


@pytest.mark.usefixtures("heap_of_this_module")
def test_what_the_search_has_found_is_printed_before_the_next_cell_in_a_terminal(shell, ids, capsys, monkeypatch):
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    made_up = types.ModuleType("made_up")
    made_up.cached_key = os.environ["AWS_ACCESS_KEY_ID"]
    monkeypatch.setitem(sys.modules, "made_up", made_up)
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    for search in [thread for thread in threading.enumerate() if thread.name == "sso_magic canary"]:  # may have ended
        search.join()
    found = f"1 module variable (made_up.cached_key) still uses {DEV} ({ids[DEV]}) / ReadOnly."
    assert found not in capsys.readouterr().out  # somebody may be typing
    shell.run_cell("1")
    assert found in capsys.readouterr().out
    shell.run_cell("1")
    assert found not in capsys.readouterr().out


@pytest.mark.usefixtures("heap_of_this_module")
def test_a_search_that_another_switch_has_made_obsolete_is_not_shown(shell, ids, capsys, monkeypatch):
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    made_up = types.ModuleType("made_up")
    made_up.cached_key = os.environ["AWS_ACCESS_KEY_ID"]
    monkeypatch.setitem(sys.modules, "made_up", made_up)
    shell.run_line_magic("sso_use", f"{PROD} ReadOnly")
    shell.run_line_magic("sso_use", f"{DEV} ReadOnly")
    for search in [thread for thread in threading.enumerate() if thread.name == "sso_magic canary"]:
        search.join()
    shell.run_cell("1")
    assert "cached_key" not in capsys.readouterr().out
