"""%sso_use --pin and --pinned, and the check of the role in use against the pin."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from sso_magic import IdentityCenter
from sso_magic.errors import UsageError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local.organization import Organization
from sso_magic.notebook.identity_comm import COMM
from sso_magic.notebook.pin import Pin


@pytest.fixture
def ids(center):
    return {account.name: account.id for account in center.organization.accounts}


def run(kernel, text: str, number: int, session: str = "a") -> None:
    kernel.parent = {"msg_id": f"run-{number}", "session": session}
    kernel.shell.run_cell(text, store_history=True)


@pytest.fixture
def pinned(kernel, signed_in, ids, tmp_path, monkeypatch):
    """A kernel whose notebook is pinned to payments-prod; `person` says whether somebody answers."""
    path = tmp_path / "pinned.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))

    def write(pin: object, *outputs: object) -> None:
        shown = [
            {"output_type": "display_data", "data": {}, "metadata": {"sso_magic": {"pin": one}}} for one in outputs
        ]
        cells = [{"cell_type": "code", "metadata": {}, "outputs": shown}, {"cell_type": "markdown", "metadata": {}}]
        path.write_text(json.dumps({"nbformat": 4, "metadata": {"sso_magic": pin}, "cells": cells}))

    def person(*, answers: bool) -> None:
        kernel.shell.kernel._allow_stdin = answers

    prod = {"account": ids["payments-prod"], "role": "ReadOnly", "region": None}
    write(prod)
    person(answers=True)
    return SimpleNamespace(
        write=write,
        person=person,
        prod=prod,
        shell=kernel.shell,
        kernel=kernel,
        path=path,
        label=f"{prod['account']} / ReadOnly",
    )


def said(pinned) -> str:
    """What was displayed since the last call."""
    texts = pinned.kernel.outputs.texts
    text = "\n".join(texts)
    texts.clear()
    return text


def in_use() -> str | None:
    use = KERNEL.current
    names = {account.id: account.name for account in Organization.sample().accounts}
    return None if use is None else f"{names[use.credentials.account_id]} {use.credentials.role_name}"


def error(shell, line: str) -> str:
    with pytest.raises(UsageError) as caught:
        shell.run_line_magic("sso_use", line)
    return str(caught.value)


def test_another_role_is_a_warning_once_for_each_role(pinned, ids):
    warning = (
        f"This notebook is pinned to {pinned.label}, and payments-dev ({ids['payments-dev']}) / ReadOnly is in use. "
        "Run %sso_use --pinned, or %sso_use --pin to pin the role in use."
    )
    run(pinned.kernel, "%sso_use payments-dev ReadOnly", 1)
    assert warning in said(pinned)
    run(pinned.kernel, "1", 2)
    assert "pinned" not in said(pinned)
    run(pinned.kernel, "%sso_use --pinned", 3)
    assert in_use() == "payments-prod ReadOnly"
    assert "pinned" not in said(pinned)
    IdentityCenter("corp").role("payments-dev", "ReadOnly").use()
    run(pinned.kernel, "1", 4)
    assert warning in said(pinned)
    run(pinned.kernel, "%sso_use --pin", 5)
    assert "This notebook is pinned to" in said(pinned)
    run(pinned.kernel, "1", 6)
    assert "pinned" not in said(pinned)


def test_the_region_is_pinned_too(pinned):
    pinned.write({**pinned.prod, "region": "eu-west-1"})
    run(pinned.kernel, "%sso_use payments-prod ReadOnly --region us-east-1", 1)
    assert "ReadOnly in us-east-1 is in use" in said(pinned)
    run(pinned.kernel, "%sso_use --pinned", 2)
    assert KERNEL.current.region == "eu-west-1"
    run(pinned.kernel, "%sso_use --pinned --region us-east-1", 3)
    assert KERNEL.current.region == "us-east-1"
    assert "ReadOnly in us-east-1 is in use" in said(pinned)


def test_without_a_person_another_role_is_refused_before_it_is_used(pinned, ids):
    pinned.person(answers=False)
    shell = pinned.shell
    refusal = (
        f"This notebook is pinned to {pinned.label}, and this line uses payments-dev ({ids['payments-dev']}) / "
        "ReadOnly. Run %sso_use --pinned, or pin the other role with --pin."
    )
    assert error(shell, "payments-dev ReadOnly") == refusal
    assert in_use() is None
    shell.run_line_magic("sso_use", "payments-prod ReadOnly")
    assert error(shell, "payments-dev ReadOnly") == refusal
    assert in_use() == "payments-prod ReadOnly"
    shell.run_line_magic("sso_use", "payments-dev ReadOnly --pin")
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    assert error(shell, "-").startswith("This notebook is pinned to")
    assert in_use() == "payments-dev ReadOnly"


def test_without_a_person_no_cell_runs_with_another_role_in_use(pinned, capsys):
    pinned.person(answers=False)
    shell = pinned.shell
    IdentityCenter("corp").role("payments-dev", "ReadOnly").use()
    for _ in range(2):
        done = shell.run_cell("ran = True", store_history=True)
        assert isinstance(done.error_in_exec, UsageError)
        assert "ran" not in shell.user_ns
        assert capsys.readouterr().out.startswith("UsageError: This notebook is pinned to")
    assert shell.run_cell("%sso_use --pinned\nran = True").success
    assert shell.run_cell("assert ran").success
    assert in_use() == "payments-prod ReadOnly"
    run(pinned.kernel, "%%sso_as payments-dev ReadOnly\nget_ipython().run_cell('inner = True')", 7)
    assert shell.user_ns.pop("inner")  # a block names its role
    shell.run_line_magic("unload_ext", "sso_magic")
    assert shell.ast_transformers == []


def test_a_pin_is_sent_and_kept_as_an_output_where_the_front_end_cannot_write_it(pinned):
    kernel = pinned.kernel
    run(kernel, "%sso_use payments-dev ReadOnly --region eu-west-1 --pin", 1)
    [pin] = kernel.pins
    assert (pin["role"], pin["region"], set(pin)) == ("ReadOnly", "eu-west-1", {"account", "role", "region", "at"})
    assert {"sso_magic": {"pin": pin}} in kernel.outputs.metadata
    kernel.manager.comms[COMM].handle_msg(
        {"header": {"session": "lab"}, "content": {"data": {"writes_records": True, "pin": pinned.prod}}}
    )
    count = len(kernel.outputs.metadata)
    run(kernel, "%sso_use payments-dev PowerUserAccess --pin", 2, "lab")
    assert len(kernel.outputs.metadata) == count


def test_the_newest_pin_counts(pinned, ids):
    dev = {"account": ids["payments-dev"], "role": "ReadOnly", "region": None}
    pinned.write({**pinned.prod, "at": "2026-01-01T00:00:00+00:00"}, {**dev, "at": "2026-01-02T00:00:00+00:00"}, None)
    pinned.shell.run_line_magic("sso_use", "--pinned")
    assert in_use() == "payments-dev ReadOnly"
    newest = {"account": "payments-prod", "role": "ReadOnly", "region": None, "at": "2026-01-03T00:00:00+00:00"}
    message = {"header": {"session": "lab"}, "content": {"data": {"writes_records": True, "pin": newest}}}
    pinned.kernel.manager.comms[COMM].handle_msg(message)  # not saved yet; somebody has written the account's name
    pinned.shell.run_line_magic("sso_use", "--pinned")
    assert in_use() == "payments-prod ReadOnly"


def test_papermill_names_the_notebook_by_a_variable(pinned, tmp_path, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert error(pinned.shell, "--pinned") == (
        "This kernel does not know which notebook it runs. Run papermill with --inject-paths, or set JPY_SESSION_NAME "
        "to the notebook's path."
    )
    monkeypatch.setitem(pinned.shell.user_ns, "PAPERMILL_INPUT_PATH", str(pinned.path))
    pinned.shell.run_line_magic("sso_use", "--pinned")
    assert in_use() == "payments-prod ReadOnly"
    pinned.path.write_text("{}")
    assert error(pinned.shell, "--pinned") == (
        "This notebook is pinned to no role. Pin it once: %sso_use ACCOUNT ROLE --pin"
    )


def test_the_pin_is_said_after_the_cell_that_loads_the_extension(pinned):
    run(pinned.kernel, "1", 1)
    assert said(pinned) == f"This notebook is pinned to {pinned.label}. %sso_use --pinned uses it."
    run(pinned.kernel, "1", 2)
    assert said(pinned) == ""


ODD = [5, [], {"account": "1"}, {"account": 1, "role": "a", "region": None}, {"account": "", "role": "a"}]
WRONG_FORM = (
    'The metadata sso_magic of this notebook is not {"account": "111111111111", "role": "ReadOnly", "region": null}. '
    "Write it again: %sso_use ACCOUNT ROLE --pin"
)


@pytest.mark.parametrize("value", [*ODD, {"account": "1", "role": "a", "region": 5}], ids=str)
def test_a_pin_of_another_form_is_an_error_that_says_how_to_write_it(value):
    with pytest.raises(UsageError) as caught:
        Pin.parse(value)
    assert str(caught.value) == WRONG_FORM


def test_a_pin_of_another_form_warns_a_person_and_refuses_a_run_without_one(pinned):
    pinned.write({"role": 5})
    run(pinned.kernel, "%sso_use payments-dev ReadOnly", 1)
    assert WRONG_FORM in said(pinned)
    pinned.person(answers=False)
    assert error(pinned.shell, "payments-dev ReadOnly") == WRONG_FORM
    for value in (None, {}, {"ran_as": []}):
        pinned.write(value)
        assert error(pinned.shell, "--pinned").startswith("This notebook is pinned to no role")
    pinned.path.write_text('{"sso_magic": ')
    pinned.shell.run_line_magic("sso_use", "payments-dev ReadOnly")  # a file that is no notebook pins nothing


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--pinned payments-dev",
            "%sso_use --pinned takes no account and no --pin; it takes --region, --serve and --dask.",
        ),
        ("--pinned --pin", "%sso_use --pinned takes no account and no --pin; it takes --region, --serve and --dask."),
        ("--off --pin", "%sso_use --off takes nothing else."),
        ("--pin", "No role is in use that the notebook can be pinned to. %sso_use ACCOUNT ROLE --pin"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(pinned, line, message):
    assert error(pinned.shell, line) == message


def test_a_shell_without_a_notebook_cannot_pin(shell, signed_in):
    assert error(shell, "payments-dev ReadOnly --pin") == (
        "%sso_use --pin writes into a notebook, and this shell has none. Leave --pin out."
    )
    assert in_use() is None
    assert error(shell, "--pinned") == (
        "%sso_use --pinned uses a notebook's pin, and this shell has no notebook. Name the role: %sso_use ACCOUNT ROLE"
    )
