"""An account, a role or a word that is not found: the answer says what is near, in a line that works."""

from __future__ import annotations

import re

import pytest

from sso_magic import errors
from sso_magic.kernel.kernel_role import KERNEL


@pytest.fixture
def known(shell, signed_in):
    """All accounts and roles cached, an account whose name has a space beside them."""
    signed_in.organization.add_account("900000000001", "Team Sandbox", "team@example.com")
    signed_in.organization.assign("alex", "900000000001", "ReadOnly")
    shell.run_line_magic("sso_inventory", "")
    return signed_in


@pytest.fixture
def fails(shell, capsys):
    def run(cell: str) -> str:
        capsys.readouterr()
        result = shell.run_cell(cell)
        assert isinstance(result.error_in_exec, errors.SSOMagicError), cell
        return str(result.error_in_exec)

    return run


SWAPPED = (
    "'ReadOnly' is not an account; the account comes before the role. Did you mean {magic} payments-prod ReadOnly?"
)


@pytest.mark.parametrize("magic", ["%sso_use", "%sso_console", "%sso_console --federated", "%%sso_as"])
def test_account_and_role_swapped(fails, shell, known, magic, monkeypatch):
    monkeypatch.setattr("sso_magic.magics.console.remote_signal", lambda: None)
    cell = f"{magic} ReadOnly payments-prod" + ("\n1" if magic.startswith("%%") else "")
    line = fails(cell)
    assert line == SWAPPED.format(magic=magic.split()[0])
    if magic == "%sso_use":
        [meant] = re.findall(r"Did you mean (.*)\?", line)
        assert shell.run_cell(meant).success
        assert KERNEL.current.credentials.account_name == "payments-prod"


def test_account_and_role_swapped_where_no_role_is_cached(fails, shell, signed_in):
    shell.run_line_magic("sso_accounts", "")
    assert fails("%sso_use ReadOnly payments-prod") == SWAPPED.format(magic="%sso_use")


def test_a_name_with_a_space_is_quoted_in_the_line_to_type(fails, known):
    assert fails('%sso_use ReadOnly "Team Sandbox"').endswith('Did you mean %sso_use "Team Sandbox" ReadOnly?')


def test_the_role_alone(fails, known):
    line = "'ReadOnly' is a role and no account. Name the account first: "
    assert fails("%sso_use readonly") == f"{line}%sso_use ACCOUNT ReadOnly"
    assert fails("%sso_roles ReadOnly") == f"{line}%sso_roles ACCOUNT"


def test_role_and_account_swapped_for_many_accounts(fails, known):
    assert fails("%%sso_each payments-prod ReadOnly\n1") == (
        "'payments-prod' is an account and no role; the role comes first. Did you mean %%sso_each ReadOnly "
        "payments-prod?"
    )


def test_a_profile_of_a_similar_name_is_offered(fails, shell, known, clean_environment):
    with (clean_environment / ".aws" / "config").open("a") as file:
        file.write(
            "\n[profile reporting]\nsso_session = corp\nsso_account_id = 731659028443\nsso_role_name = ReadOnly\n"
            "[profile reportink]\nregion = eu-west-1\n"
        )
    line = fails("%sso_use reportin")
    assert line.endswith(". Profiles of a similar name: %sso_use reporting")
    assert line.startswith("No account 'reportin' among your ")
    assert shell.run_cell("%sso_use reporting").success
    assert "Profiles" not in fails("%sso_use reportin --session corp")
    assert "Profiles" not in fails("%sso_roles reportin")


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("sso_accounts zzzz", r"No account contains 'zzzz'\. %sso_accounts lists all \d+\."),
        ("sso_accounts paymets", r"No account contains 'paymets'\. Nearest: payments-\w+, .*\."),
        ("sso_accounts paymets prod", r"No account contains 'paymets' and 'prod'\. Nearest: payments-prod.*\."),
        ("sso_inventory zzzz", r"No account or role contains 'zzzz'\. %sso_accounts lists all \d+\."),
        ("sso_inventory ReadOnyl", r"No account or role contains 'ReadOnyl'\. Nearest: ReadOnly\."),
    ],
)
def test_a_search_that_finds_nothing_says_so_and_what_is_near(shell, known, line, note):
    found = shell.run_line_magic(*line.split(" ", 1))
    assert found.empty
    assert list(found.columns)[:2] == ["account_id", "account_name"]
    assert re.fullmatch(note, repr(found))
    assert "<table" not in found._repr_html_()
    assert repr(found).split("'")[0] in found._repr_html_()


@pytest.mark.parametrize("write", ["", " --write"])
def test_profiles_of_nothing_say_so_and_write_nothing(shell, known, clean_environment, capsys, write):
    config = clean_environment / ".aws" / "config"
    before = config.read_bytes()
    found = shell.run_line_magic("sso_profiles", f"paymets{write}")
    assert found.empty
    assert repr(found).startswith("No account or role contains 'paymets'. Nearest: payments-")
    assert "<table" not in found._repr_html_()
    assert capsys.readouterr().out == ""
    assert config.read_bytes() == before


def test_words_of_a_cell_for_many_accounts_that_no_account_contains(fails, known):
    assert fails("%%sso_each ReadOnly paymets\n1").startswith("No account contains 'paymets'. Nearest: payments-")


def test_a_destination_that_is_no_url(fails, known):
    assert fails("%sso_console payments-prod ReadOnly --destination foo") == (
        "--destination foo is not a URL. Type the address of a console page: "
        "--destination https://console.aws.amazon.com/s3"
    )
    assert fails("%sso_console payments-prod ReadOnly --destination javascript:1").startswith("--destination java")
