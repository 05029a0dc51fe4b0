"""A magic that is interrupted says so in one line, with what a fetch has kept."""

from __future__ import annotations

import _thread
import re
import threading
import time

import pytest

from sso_magic import IdentityCenter
from sso_magic.local import Fault

KEPT = r"The roles of (\d+) of 14 accounts are kept\. Run it again before \d\d:\d\d \S+ to go on from there\."


@pytest.fixture
def interrupted(shell, signed_in, capsys):
    """Runs a cell that is interrupted once the portal was asked so often; the error, and all that was shown."""

    def run(cell, operation, calls):
        signed_in.latency = 0.05

        def interrupt():
            while signed_in.requests.total(operation) < calls:
                time.sleep(0.005)
            _thread.interrupt_main()

        other = threading.Thread(target=interrupt)
        other.start()
        capsys.readouterr()
        result = shell.run_cell(cell)
        other.join()
        signed_in.latency = 0
        signed_in.faults.clear()
        return result.error_in_exec, capsys.readouterr().out.strip()

    return run


@pytest.mark.parametrize(
    "line",
    ["%sso_inventory", "table = %sso_inventory --refresh", "%sso_roles", "%sso_profiles", "%%sso_each ReadOnly\n1"],
)
def test_a_fetch_says_what_it_has_kept_and_the_next_one_goes_on_from_there(interrupted, shell, signed_in, line):
    signed_in.faults.append(Fault("ListAccountRoles", every=7, kind="stall", delay=20))
    error, shown = interrupted(line, "ListAccountRoles", 14)
    name = next(word for word in line.split() if word.startswith("%"))
    assert len(shown.splitlines()) == 1, shown
    match = re.fullmatch(rf"Interrupted: {name} was interrupted\. {KEPT}", shown)
    assert match, shown
    kept = IdentityCenter("corp").directory.unfinished()
    assert int(match[1]) == len(kept.roles) > 0
    assert type(error).__name__ == "Interrupted"
    signed_in.requests.clear()
    assert shell.run_cell("%sso_inventory --refresh").success
    assert signed_in.requests.total("ListAccountRoles") == 14 - len(kept.roles)


@pytest.mark.parametrize("line", ["%sso_accounts", "%sso_use payments-prod ReadOnly", "%sso_inventory"])
def test_what_has_kept_nothing_asks_for_another_run(interrupted, signed_in, line):
    signed_in.faults.append(Fault("ListAccounts", kind="stall", delay=20))
    _, shown = interrupted(line, "ListAccounts", 1)
    assert shown == f"Interrupted: {line.split()[0]} was interrupted. Run it again."


def test_python_is_told_what_is_kept_as_well(signed_in):
    signed_in.faults.append(Fault("ListAccountRoles", every=7, kind="stall", delay=20))

    def interrupt():
        while signed_in.requests.total("ListAccountRoles") < 14:
            time.sleep(0.005)
        _thread.interrupt_main()

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt, match=KEPT):
        IdentityCenter("corp").inventory()
    other.join()


def test_a_cell_under_a_role_keeps_its_own_interrupt(shell, signed_in):
    result = shell.run_cell("%%sso_as payments-dev ReadOnly\nraise KeyboardInterrupt")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
