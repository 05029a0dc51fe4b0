"""%sso_inventory and %sso_profiles: at once where it is known, and true about how true it is."""

from __future__ import annotations

import re
import threading
import time

import pandas as pd
import pytest

from sso_magic import IdentityCenter, errors
from sso_magic.inventory import TqdmProgress
from sso_magic.local import Fault
from sso_magic.local.organization import Organization

COLUMNS = ["account_id", "account_name", "email_address", "role_name"]


@pytest.fixture
def inventory(shell, signed_in):
    return lambda line="": shell.run_line_magic("sso_inventory", line)


def until_refreshed(directory) -> None:
    deadline = time.monotonic() + 20
    while directory.is_refreshing:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def expected(center) -> int:
    organization = center.organization
    return sum(len(organization.roles_of("alex", account.id)) for account in organization.accounts_of("alex"))


def test_all_of_it_is_a_dataframe_with_a_line_under_it(inventory, signed_in, capsys):
    table = inventory()
    assert list(table.columns) == COLUMNS
    assert len(table) == expected(signed_in)
    assert {str(dtype) for dtype in table.dtypes} <= {"string", "str"}
    assert table.attrs["errors"] == {}
    about = rf"14 accounts, {len(table)} roles, fetched \d{{4}}-\d\d-\d\d \d\d:\d\d \S+ \((now|\d+ s ago)\)\."
    assert re.fullmatch(about, table.note)
    assert repr(table).endswith(table.note)
    assert table.note in table._repr_html_()
    assert f"14 accounts, {len(table)} roles in" in capsys.readouterr().out
    derived = table[table.role_name == "ReadOnly"]
    assert type(derived) is pd.DataFrame


def test_words_narrow_it_down_best_first(inventory):
    found = inventory("payments-prod ReadOnly")
    assert list(found.account_name) == ["payments-prod", "payments-prod-eu"]
    assert set(found.role_name) == {"ReadOnly"}


def test_what_is_cached_is_shown_without_a_request(inventory, signed_in):
    inventory()
    signed_in.requests.clear()
    assert len(inventory()) == expected(signed_in)
    assert signed_in.requests.total() == 0


def test_what_is_cached_is_shown_when_signed_out_by_another(inventory, signed_in):
    inventory()
    signed_in.end_session()
    assert len(inventory()) == expected(signed_in)


def test_a_session_that_was_given_another_start_url_shows_nothing_of_the_one_before(
    inventory, signed_in, clean_environment
):
    inventory()
    config = clean_environment / ".aws" / "config"
    config.write_text(config.read_text().replace(signed_in.start_url, "https://other.awsapps.com/start"))
    signed_in.requests.clear()
    with pytest.raises(errors.SignInRequired, match="the stored token is for"):
        IdentityCenter("corp").inventory()
    assert signed_in.requests.total() == 0, "the token went to another portal"


def test_what_is_old_is_shown_and_refreshed_behind(shell, inventory, signed_in):
    inventory()
    signed_in.organization.assign("alex", "268814057399", "NewRole")
    shell.run_line_magic("config", "SSOMagics.inventory_max_age = 0.0")
    first = inventory()
    assert "NewRole" not in set(first.role_name)
    assert "being refreshed" in first.note
    shell.run_line_magic("config", "SSOMagics.inventory_max_age = 3600.0")
    deadline = time.monotonic() + 20
    while "NewRole" not in set(inventory().role_name):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "Since the time before: 1 added (%sso_inventory --changes)." in inventory().note
    changes = IdentityCenter("corp").inventory_changes()
    assert changes[["change", "role_name"]].to_numpy().tolist() == [["added", "NewRole"]]


def test_a_refresh_behind_that_failed_is_told_until_one_goes_well(shell, inventory, signed_in):
    inventory()
    shell.run_line_magic("config", "SSOMagics.inventory_max_age = 0.0")
    signed_in.faults.append(Fault("ListAccounts", status=400, message="no\n\x1b[31m<b>such</b>"))
    assert "failed" not in inventory().note
    directory = shell.magics_manager.registry["SSOMagics"].center().directory
    until_refreshed(directory)
    shell.run_line_magic("config", "SSOMagics.inventory_max_age = 3600.0")
    table = inventory()
    said = re.sub(r", request id [\w-]+", "", table.note)
    assert said.endswith(
        ". The refresh failed: The accounts could not be listed: InvalidRequestException: no [31m<b>such</b> "
        "(HTTP 400). Run it again."
    )
    assert "<b>such" not in table._repr_html_()
    signed_in.faults.clear()
    directory.refresh_in_background()
    until_refreshed(directory)
    assert "failed" not in inventory().note


def test_a_fetch_that_somebody_else_ended_is_shown_as_not_all_of_it(shell, inventory, signed_in):
    signed_in.faults.append(Fault("ListAccountRoles", kind="stall", delay=1))
    center = shell.magics_manager.registry["SSOMagics"].center()
    ends = threading.Event()
    ends.set()

    def end_it() -> None:
        while not signed_in.requests.total("ListAccountRoles"):
            time.sleep(0.01)
        center.directory.fetch(cancel=ends)  # as a panel does that is closed while it loads

    other = threading.Thread(target=end_it)
    other.start()
    table = inventory()
    other.join()
    assert len(table) == 0
    assert table.note.startswith("14 accounts, 0 roles, fetched ")
    assert table.note.endswith(". Not all of it: the fetch was not finished. %sso_inventory --refresh goes on.")
    signed_in.faults.clear()
    assert len(inventory("--refresh")) == expected(signed_in)


def test_refresh_waits_for_it(inventory, signed_in):
    inventory()
    signed_in.organization.withdraw("alex", "268814057399", "Billing")
    assert len(inventory("--refresh")) == expected(signed_in)


def test_an_account_that_fails_keeps_its_error_and_the_rest_goes_on(inventory, signed_in, monkeypatch):
    signed_in.faults.append(Fault("ListAccountRoles", status=400, error="InvalidRequestException", times=1))
    table = inventory()
    [(account_id, error)] = table.attrs["errors"].items()
    assert f"Failed: {account_id} ({error})." in table.note
    assert len(set(table.account_id)) == 13


def test_nothing_at_all_is_an_error_not_an_empty_table(inventory, signed_in):
    signed_in.faults.append(Fault("ListAccountRoles", status=400, error="InvalidRequestException"))
    with pytest.raises(errors.InventoryError) as caught:
        inventory()
    assert len(str(caught.value).splitlines()) == 1


def test_no_accounts_is_an_empty_typed_table(inventory, signed_in):
    signed_in.organization = Organization()
    signed_in.organization.add_user("alex")
    table = inventory()
    assert (list(table.columns), len(table)) == (COLUMNS, 0)
    assert {str(dtype) for dtype in table.dtypes} <= {"string", "str"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sso_accounts", "No account is assigned to you. Contact your AWS administrator."),
        ("sso_accounts zzz", "No account is assigned to you. Contact your AWS administrator."),
        ("sso_roles", "No role is assigned to you. Contact your AWS administrator."),
        ("sso_inventory --accounts-only", "No account is assigned to you. Contact your AWS administrator."),
        ("sso_profiles", "No role is assigned to you. Contact your AWS administrator."),
    ],
)
def test_an_empty_list_is_a_sentence_and_no_header(shell, signed_in, line, said):
    signed_in.organization = Organization()
    signed_in.organization.add_user("alex")
    name, _, rest = line.partition(" ")
    table = shell.run_line_magic(name, rest)
    assert table.empty
    assert (repr(table), "<table" in table._repr_html_()) == (said, False)
    assert repr(shell.run_line_magic("sso_inventory", "zzz")).endswith(
        "No role is assigned to you. Contact your AWS administrator."
    )


def test_an_account_without_a_role_is_a_sentence_and_no_header(shell, signed_in):
    signed_in.faults.append(Fault("ListAccountRoles", body='{"roleList": []}'))
    table = shell.run_line_magic("sso_roles", "ml-sandbox")
    assert repr(table) == "You have no role in ml-sandbox (873320164592). %sso_accounts lists your accounts."


def test_not_signed_in_and_nothing_cached_says_so(inventory, signed_in):
    signed_in.end_session()
    with pytest.raises(errors.SignInRequired):
        inventory()


def test_rows_come_one_by_one(signed_in):
    center = IdentityCenter("corp")
    rows = list(center.iter_inventory())
    assert len(rows) == expected(signed_in)
    assert {row.account_name for row in rows} == {one.name for one in signed_in.organization.accounts_of("alex")}


def test_profiles_are_shown_first_and_written_if_asked(shell, signed_in, clean_environment, capsys):
    path = clean_environment / ".aws" / "config"
    before = path.read_text()
    planned = shell.run_line_magic("sso_profiles", "payments-prod --region eu-west-1")
    out = capsys.readouterr().out
    assert list(planned.columns)[:2] == ["change", "profile"]
    assert set(planned.change) == {"added"}
    assert f"Would write to {path}: 5 added, 0 unchanged. Add --write to do it." in out
    assert path.read_text() == before
    shell.run_line_magic("sso_profiles", "payments-prod --region eu-west-1 --write")
    out = capsys.readouterr().out
    assert f"Wrote to {path}: 5 added, 0 unchanged. The previous file is {path}.sso_magic.bak." in out
    assert path.read_text().startswith(before.rstrip("\n"))
    again = shell.run_line_magic("sso_profiles", "payments-prod --region eu-west-1 --write")
    assert (len(again), repr(again)) == (0, "No profile changes.")
    assert "5 unchanged." in capsys.readouterr().out


def test_a_written_profile_can_be_used_by_its_name(shell, signed_in, capsys):
    planned = shell.run_line_magic("sso_profiles", "payments-dev ReadOnly --write")
    [name] = planned.profile
    shell.run_line_magic("sso_use", name)
    assert "Using payments-dev" in capsys.readouterr().out


def test_a_template_that_names_something_else_is_refused(shell, signed_in):
    with pytest.raises(errors.UsageError):
        shell.run_line_magic("sso_profiles", "--template {team}")


def test_while_a_role_is_served_the_persons_own_file_is_written(shell, signed_in, clean_environment):
    path = clean_environment / ".aws" / "config"
    path.write_text(f"[default]\ncredential_process = false\n\n{path.read_text()}")
    shell.run_line_magic("sso_use", "payments-dev ReadOnly --serve")
    shell.run_line_magic("sso_profiles", "payments-dev ReadOnly --write")
    assert "payments-dev" in path.read_text()
    assert "credential_process = false" in path.read_text()


def test_a_list_of_accounts_shows_its_progress_when_it_takes_long(shell, signed_in, monkeypatch):
    seen = []

    class Seen(TqdmProgress):
        def close(self, state):
            seen.append(self._delay)
            super().close(state)

    monkeypatch.setattr("sso_magic.inventory.TqdmProgress", Seen)
    assert len(shell.run_line_magic("sso_accounts", "")) == 14
    assert seen == [1.0]


def test_what_changed_is_a_dataframe_on_request(inventory, signed_in):
    inventory()
    same = inventory("--changes")
    assert list(same.columns) == ["change", "account_id", "account_name", "role_name"]
    assert len(same) == 0
    assert same.note == "Nothing has changed between the last two fetches. %sso_inventory --refresh fetches again."
    name = signed_in.organization.account("268814057399").name
    signed_in.organization.assign("alex", "268814057399", "NewRole")
    changes = inventory("--refresh --changes")
    assert changes.to_numpy().tolist() == [["added", "268814057399", name, "NewRole"]]
    assert changes.note == "1 added since the time before."
    assert len(inventory(f"--changes {name.upper()} newrole")) == 1
    none = inventory("--changes nowhere")
    assert none.note.startswith("Nothing that contains nowhere has changed between the last two fetches.")
    assert len(inventory("--changes")) == 1, "to look at it asks for nothing"


def test_the_accounts_alone_are_listed_without_a_call_for_their_roles(inventory, signed_in):
    table = inventory("--accounts-only")
    assert list(table.columns) == ["account_id", "account_name", "email_address"]
    assert len(table) == 14
    assert {operation for operation, _ in signed_in.requests.counts} == {"ListAccounts"}
    signed_in.requests.clear()
    assert list(inventory("--accounts-only payments-prod").account_name) == ["payments-prod", "payments-prod-eu"]
    assert signed_in.requests.total() == 0
    inventory("--accounts-only --refresh")
    assert signed_in.requests.total() == 1


def test_the_accounts_alone_and_the_changes_are_not_one_table(inventory):
    with pytest.raises(errors.UsageError, match=r"^Type --accounts-only or --changes, not both\.$"):
        inventory("--accounts-only --changes")
