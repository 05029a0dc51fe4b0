"""``await`` outside a function, which ordinary cells allow."""

from __future__ import annotations

import pytest

from sso_magic import errors

ACCOUNTS = {"payments-dev", "payments-prod", "payments-prod-eu"}


@pytest.mark.parametrize("on", ["threads", "processes"])
def test_a_cell_awaits_in_each_account(shell, signed_in, on):
    shell.run_cell("import asyncio\nasync def named(account):\n    await asyncio.sleep(0)\n    return account.name")
    cell = f"%%sso_each ReadOnly payments --on {on}\nfound = await named(account)\n[found for _ in range(2)]"
    result = shell.run_cell(cell).result
    assert set(result["account_name"]) == set(result.iloc[:, -1]) == ACCOUNTS


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("await asyncio.sleep(0, account.name)", ACCOUNTS),
        ("async with asyncio.Lock():\n    name = account.name\nname", ACCOUNTS),
        ("x = await asyncio.sleep(0)", None),
        ("async def never(): raise KeyError\nnever().close()\naccount.name", ACCOUNTS),
    ],
)
def test_the_value_is_that_of_the_last_expression(shell, signed_in, cell, expected):
    shell.run_cell("import asyncio")
    result = shell.run_cell(f"%%sso_each ReadOnly payments\n{cell}").result
    assert (set(result.iloc[:, -1]) if expected else set()) == (expected or set())
    assert result.attrs["errors"] == []


def test_an_error_names_its_line(shell, signed_in, capsys):
    shell.run_cell("import asyncio")
    failed = shell.run_cell("%%sso_each ReadOnly payments\nawait asyncio.sleep(0)\n1 / 0").error_in_exec
    assert str(failed) == "All 3 accounts failed with ZeroDivisionError: division by zero (line 2)"


def test_a_cell_under_a_role_says_that_it_cannot_await(shell, signed_in, capsys):
    failed = shell.run_cell("%%sso_as payments-dev ReadOnly\nimport asyncio\nawait asyncio.sleep(0)").error_in_exec
    assert isinstance(failed, errors.UsageError)
    assert str(failed) == (
        "%%sso_as cannot run await outside a function (line 2). Run %sso_use ACCOUNT ROLE, and the code in the "
        "next cell."
    )
