"""An organization from a file: what it may say, and that a mistake names its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import boto3
import pytest

from sso_magic.__main__ import main
from sso_magic.local import LocalIdentityCenter, Organization
from sso_magic.local.errors import OrganizationFileError

PAGE = Path(__file__).parents[2] / "notebooks" / "testing.md"
[EXAMPLE] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def read(tmp_path):
    def read(text, name="organization.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return Organization.from_file(tmp_path / name)

    return read


def test_the_pages_example_has_what_it_says(read):
    found = read(EXAMPLE)
    assert [user.name for user in found.users] == ["kim", "lee"]
    assert found.users[0].display_name == "Kim Park"
    assert found.groups == {"developers": ("kim", "lee")}
    assert found.roles_of("kim", "111122223333") == ("Admin", "ReadOnly")
    assert found.roles_of("lee", "111122223333") == found.roles_of("lee", "444455556666") == ("ReadOnly",)
    assert [account.name for account in found.accounts_of("kim")] == ["dev", "prod"]
    assert found.permission_set("ReadOnly").managed_policies == ("arn:aws:iam::aws:policy/ReadOnlyAccess",)


def test_json_says_the_same(read):
    document = {
        "users": [{"name": "kim"}],
        "accounts": [{"id": "000000000001", "name": "dev"}],
        "assignments": [{"user": "kim", "account": "dev", "permission_set": "Admin"}],
    }
    found = read(json.dumps(document), "x.JSON")
    assert found.roles_of("kim", "000000000001") == ("Admin",)
    assert found.users[0].email == "kim@example.com"


def test_its_buckets_are_there_and_empty_and_others_have_the_sample(read, wire_to):
    with LocalIdentityCenter(read(EXAMPLE)) as center:
        for account, buckets in (("111122223333", ["dev-reports", "dev-data"]), ("444455556666", ["company-figures"])):
            answer = wire_to(center.url).get(
                "/federation/credentials", center.access_token(), role_name="ReadOnly", account_id=account
            )
            keys = answer.json["roleCredentials"]
            s3 = boto3.client(
                "s3",
                region_name="eu-west-1",
                endpoint_url=center.aws_url,
                aws_access_key_id=keys["accessKeyId"],
                aws_secret_access_key=keys["secretAccessKey"],
                aws_session_token=keys["sessionToken"],
            )
            assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == buckets
            assert bool(s3.list_objects_v2(Bucket=buckets[0])["KeyCount"]) == (account == "111122223333")


USER = '[[users]]\nname = "kim"\n'
ACCOUNT = '[[accounts]]\nid = "000000000001"\nname = "dev"\n'
ASSIGN = '[[assignments]]\nuser = "kim"\naccount = "dev"\npermission_set = "Admin"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "users: at least one is required."),
        ("users = 1", "users: a list is expected, not 1."),
        ("users = [1]", "users[0]: a table of display_name, email, name is expected, not 1."),
        ("[[user]]\nname='x'", "the file: user is unknown. Did you mean users?"),
        ("[[users]]\n", "users[0]: name is missing."),
        ("[[users]]\nname = 5", "users[0].name: text in quotation marks is expected, not 5."),
        ("[[users]]\nname = ''", "users[0].name: text in quotation marks is expected, not ''."),
        (USER + USER, "users[1]: users has name 'kim' twice, first in users[0]."),
        (USER + "[[groups]]\nname='g'\nmembers='kim'", "groups[0].members: a list of texts is expected, not 'kim'."),
        (
            USER + "[[groups]]\nname='g'\nmembers=['x']",
            "groups[0].members: There is no user 'x' in this organization. Users: kim.",
        ),
        (USER + "[[accounts]]\nid = 1", "accounts[0].id: text in quotation marks is expected, not 1."),
        (USER + "[[accounts]]\nid = '1'", "accounts[0].id: An account's id is 12 digits, as text, not '1'."),
        (USER + ACCOUNT + ACCOUNT, "accounts[1]: accounts has id '000000000001' twice, first in accounts[0]."),
        (
            USER + ACCOUNT + "buckets=['A']",
            "accounts[0].buckets: 'A' is no bucket's name. Use 3 to 63 of a-z, 0-9, hyphen and dot.",
        ),
        (
            USER + ACCOUNT + "buckets=['abc', 'abc']",
            "accounts[0].buckets: 'abc' is in accounts[0] already.",
        ),
        (
            USER + "[[permission_sets]]\nname='a b'",
            "permission_sets[0]: A permission set's name is 1 to 32 letters, digits and +=,.@-_, not 'a b'.",
        ),
        (USER + ACCOUNT + ASSIGN + "group='g'", "assignments[0]: either user or group is expected."),
        (USER + ACCOUNT + ASSIGN + "accounts=['dev']", "assignments[0]: either account or accounts is expected."),
        (USER + ASSIGN, "assignments[0]: no account is 'dev'."),
        (
            USER + ACCOUNT + ACCOUNT.replace("1", "2") + ASSIGN,
            "assignments[0]: 2 accounts are called 'dev'; name one by its id.",
        ),
        (
            USER + ACCOUNT + ASSIGN.replace("kim", "x"),
            "assignments[0]: There is no user 'x' in this organization. Users: kim.",
        ),
        (
            USER + ACCOUNT + ASSIGN.replace('user = "kim"', 'group = "x"'),
            "assignments[0]: There is no group 'x' in this organization. Call add_group first.",
        ),
    ],
)
def test_a_mistake_names_its_place(read, tmp_path, text, message):
    with pytest.raises(OrganizationFileError) as caught:
        read(text)
    assert str(caught.value) == f"{tmp_path / 'organization.toml'}: {message}"


@pytest.mark.parametrize(("name", "text", "kind"), [("a.toml", "x", "TOML"), ("a.json", "{", "JSON")])
def test_what_is_no_toml_or_json_is_one_line(read, name, text, kind):
    with pytest.raises(OrganizationFileError, match=rf"{name} is not valid {kind}: .+\.$"):
        read(text, name)


def test_the_command_reads_it_and_says_what_is_wrong(tmp_path, capsys):
    path = tmp_path / "none.toml"
    assert main(["local", "--port", "0", "--no-aws", "--organization", str(path)]) == 1
    assert capsys.readouterr().err == f"sso-magic: {path} cannot be read: No such file or directory.\n"


def test_the_tricky_sample_is_served_and_configured_without_a_trap_in_the_file():
    import configparser

    with LocalIdentityCenter(Organization.tricky(), aws=False) as center:
        organization = center.organization
        names = [account.name for account in organization.accounts]
        assert None in names
        assert len(set(names)) < len(names)
        parser = configparser.RawConfigParser(default_section="")
        parser.read_string(center.config_text(profiles=1000))
        assert len(parser.sections()) == 1 + len(organization.accounts)
