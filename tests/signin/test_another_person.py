"""Another person signs in under the same session name: finds nothing of the first one's, and gives away no keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import boto3
import pytest

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.errors import SignInChanged
from sso_magic.kernel import person
from sso_magic.kernel.kernel_role import KERNEL

ACCOUNT = "payments-dev"


@pytest.fixture
def users(center) -> tuple[str, str]:
    """Two people; the second one may use the same role."""
    first, second = [user.name for user in center.organization.users][:2]
    account = next(each.id for each in center.organization.accounts if each.name == ACCOUNT)
    center.organization.assign(second, account, "ReadOnly")
    return first, second


@pytest.fixture
def sign_in(center, prompt):
    """Sign in as somebody, asked or not."""

    def run(user: str, *, force: bool = True) -> IdentityCenter:
        center.auto_approve = user
        corp = IdentityCenter("corp")
        corp.sign_in(force=force, method="device", prompt=prompt)
        return corp

    return run


def name_in(credentials) -> str:
    client = boto3.client(
        "sts",
        region_name="eu-west-1",
        aws_access_key_id=credentials.access_key_id.reveal(),
        aws_secret_access_key=credentials.secret_access_key.reveal(),
        aws_session_token=credentials.session_token.reveal(),
    )
    return client.get_caller_identity()["Arn"].rsplit("/", 1)[1]


def test_nothing_of_the_first_person_is_handed_out(users, sign_in, center):
    corp = sign_in(users[0])
    first = corp.role(ACCOUNT, "ReadOnly").credentials()
    mine = set(corp.inventory().account_id)
    assert corp.role(ACCOUNT, "ReadOnly").credentials().access_key_id == first.access_key_id, "nothing is cached at all"
    again = sign_in(users[1])
    for each in (corp, again, IdentityCenter("corp")):
        assert name_in(each.role(ACCOUNT, "ReadOnly").credentials()) == users[1]
        assert (
            name_in(
                each.role(ACCOUNT, "ReadOnly").boto3_session().get_credentials().get_frozen_credentials()
                and each.role(ACCOUNT, "ReadOnly").credentials()
            )
            == users[1]
        )
        theirs = set(each.inventory().account_id)
        assert theirs == {account.id for account in center.organization.accounts_of(users[1])}
    assert mine == {account.id for account in center.organization.accounts_of(users[0])}


def test_boto3_sessions_hand_out_what_credentials_hands_out(users, sign_in):
    corp = sign_in(users[0])
    kept = corp.role(ACCOUNT, "ReadOnly").boto3_session(region="eu-west-1")
    sign_in(users[1])
    made = corp.role(ACCOUNT, "ReadOnly").boto3_session(region="eu-west-1")
    assert made.client("sts").get_caller_identity()["Arn"].endswith(users[1])
    assert kept.client("sts").get_caller_identity()["Arn"].endswith(users[0]), "made as the first, signs as the second"
    frozen = made.get_credentials().get_frozen_credentials()
    assert frozen.access_key == corp.role(ACCOUNT, "ReadOnly").credentials().access_key_id


def test_an_emulator_that_was_reset_isolates(users, sign_in, center):
    sign_in(users[0]).role(ACCOUNT, "ReadOnly").boto3_session(region="eu-west-1")
    center.reset()
    session = sign_in(users[0]).role(ACCOUNT, "ReadOnly").boto3_session(region="eu-west-1")
    assert session.client("sts").get_caller_identity()["Arn"].endswith(users[0])


def test_the_files_of_the_first_person_are_gone_for_the_aws_cli_too(users, sign_in):
    corp = sign_in(users[0])
    key = corp.role(ACCOUNT, "ReadOnly").credentials().access_key_id.reveal()
    sign_in(users[1])
    assert not [path for path in cache.role_directory().glob("*.json") if key in path.read_text()]


def test_another_kernel_hands_out_nothing_of_the_first_person(users, sign_in, center):
    code = (
        "import sys, json\n"
        "from sso_magic import IdentityCenter\n"
        "corp = IdentityCenter('corp')\n"
        "def role(): return corp.role('payments-dev', 'ReadOnly')\n"
        "def now(): return role().credentials().access_key_id.reveal(), len(corp.inventory())\n"
        "for _ in range(2):\n"
        "    sys.stdin.readline(); print(json.dumps(now()), flush=True)\n"
    )
    sign_in(users[0])
    kernel = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    answers = []
    for user in (None, users[1]):
        if user:
            sign_in(user)
        kernel.stdin.write("\n")
        kernel.stdin.flush()
        answers.append(json.loads(kernel.stdout.readline()))
    kernel.communicate()
    here = IdentityCenter("corp")
    assert answers[0][0] != answers[1][0]
    assert answers[1] == [here.role(ACCOUNT, "ReadOnly").credentials().access_key_id.reveal(), len(here.inventory())]


def test_a_role_in_use_is_not_renewed_with_another_persons_token(users, sign_in, shell):
    corp = sign_in(users[0])
    use = corp.role(ACCOUNT, "ReadOnly").use().use
    before = os.environ["AWS_ACCESS_KEY_ID"]
    sign_in(users[1])
    make_due(use.role)
    use.role.renew()
    assert os.environ["AWS_ACCESS_KEY_ID"] == before
    warning = use.role.warning()
    assert f"the current one is {users[1]}" in warning
    assert "Run %sso_use again" in warning
    use.role.retry_now()
    use.role.renew()
    assert KERNEL.before_cell() == warning
    assert KERNEL.before_cell() is None, "it is said twice"
    corp.role(ACCOUNT, "ReadOnly").use()
    assert name_in(KERNEL.current.credentials) == users[1]


@pytest.mark.parametrize("ended", [False, True])
def test_the_same_person_signs_in_again_and_the_role_goes_on(users, sign_in, center, ended):
    corp = sign_in(users[0])
    use = corp.role(ACCOUNT, "ReadOnly").use().use
    before = os.environ["AWS_ACCESS_KEY_ID"]
    if ended:
        center.end_session()
        make_due(use.role)
        use.role.renew()
        assert "Run %sso_login corp" in use.role.warning()
    sign_in(users[0], force=not ended)
    make_due(use.role)
    use.role.renew()
    assert use.role.warning() is None
    assert os.environ["AWS_ACCESS_KEY_ID"] != before


def test_keys_that_ended_before_anybody_was_asked_are_not_renewed_by_a_new_sign_in(users, sign_in):
    corp = sign_in(users[0])
    role = corp.role(ACCOUNT, "ReadOnly").use().use.role
    sign_in(users[0])
    ended = datetime.now(timezone.utc) - timedelta(seconds=5)
    role._credentials = replace(role._credentials, expires_at=ended)
    with pytest.raises(SignInChanged) as caught:
        role.get()
    assert str(caught.value).endswith(
        "was fetched with an earlier sign-in, and the current one may be another person. Run %sso_use again to use the "
        "role with the current sign-in."
    )


def test_a_refresh_keeps_everything(users, sign_in, center):
    corp = sign_in(users[0])
    key = corp.role(ACCOUNT, "ReadOnly").credentials().access_key_id
    corp.inventory()
    mark = corp.tokens.mark()
    for _ in range(3):
        expire()
        corp.tokens.get()
    center.requests.clear()
    assert corp.tokens.mark() == mark == IdentityCenter("corp").tokens.mark()
    assert corp.role(ACCOUNT, "ReadOnly").credentials().access_key_id == key
    assert len(IdentityCenter("corp").inventory()) > 5
    assert center.requests.total() == 0


@pytest.mark.parametrize("rotate", [True, False])
def test_a_refresh_by_botocore_keeps_the_mark(users, sign_in, center, clean_environment, rotate):
    center.rotate_refresh_tokens = rotate
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write("\n[profile pay]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = R\nregion = eu-west-1\n")
    center.access_token_lifetime = 300
    corp = sign_in(users[0])
    mark, token = corp.tokens.mark(), corp.tokens.peek().access_token
    code = "import botocore.session\nbotocore.session.Session(profile='pay').get_auth_token().get_frozen_token()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert corp.tokens.peek().access_token != token
    assert corp.tokens.mark() == mark


def test_a_sign_in_by_another_tool_with_the_same_registration_is_another_one(users, sign_in, center):
    corp = sign_in(users[0])
    mark = corp.tokens.mark()
    content = json.loads(cache.token_path("corp").read_text())
    session = center.sign_in(users[1])
    tokens = {"accessToken": center.access_token(session=session), "refreshToken": session.refresh_token}
    cache.write(cache.token_path("corp"), content | tokens)
    assert corp.tokens.mark() != mark
    assert name_in(corp.role(ACCOUNT, "ReadOnly").credentials()) == users[1]


def test_entries_that_the_aws_cli_wrote_before_the_sign_in_are_not_handed_out(users, sign_in):
    corp = sign_in(users[0])
    key = corp.role(ACCOUNT, "ReadOnly").credentials().access_key_id
    (path,) = cache.role_directory().glob("*.json")
    content = json.loads(path.read_text())
    del content["SsoMagic"]
    cache.write(path, content)
    assert corp.role(ACCOUNT, "ReadOnly").credentials().access_key_id == key
    sign_in(users[1])
    assert name_in(corp.role(ACCOUNT, "ReadOnly").credentials()) == users[1]


def test_the_mark_is_no_secret(users, sign_in):
    corp = sign_in(users[0])
    token = corp.tokens.peek()
    for path in (cache.own_directory() / "sign-ins").glob("*.json"):
        text = path.read_text()
        assert token.access_token.reveal() not in text
        assert token.refresh_token.reveal() not in text
        assert token.client_secret.reveal() not in text
        assert path.stat().st_mode & 0o777 == 0o600


def test_nobody_asks_aws_for_a_person_of_a_portal_elsewhere(users, sign_in, monkeypatch):
    keys = sign_in(users[0]).role(ACCOUNT, "ReadOnly").credentials()
    assert person.name_of(keys) == users[0]
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert person.name_of(keys) is None


def make_due(role) -> None:
    """Make the role due for renewal; its keys are valid for a minute."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=60)
    role._credentials = replace(role._credentials, expires_at=soon)
    role.retry_now()


def expire(seconds: float = -5) -> None:
    path = cache.token_path("corp")
    moment = cache.format_timestamp(datetime.now(timezone.utc) + timedelta(seconds=seconds))
    cache.write(path, json.loads(path.read_text()) | {"expiresAt": moment})
