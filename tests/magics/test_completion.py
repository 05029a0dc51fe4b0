"""TAB completes sessions, accounts, roles and options from what is cached, never from the network."""

from __future__ import annotations

import pytest
from IPython.core import oinspect
from IPython.core.completer import provisionalcompleter


@pytest.fixture
def completes(shell):
    def run(line: str) -> list[str]:
        completer = shell.Completer
        completer.use_jedi = True
        with provisionalcompleter():
            return [item.text for item in completer.completions(line, len(line))]

    return run


@pytest.fixture
def cached(shell, signed_in):
    signed_in.organization.add_account("560283419977", None, "old-intranet@example.com")
    shell.run_line_magic("sso_accounts", "")
    shell.run_line_magic("sso_roles", "payments-prod")
    signed_in.requests.clear()
    return signed_in


def test_accounts_that_begin_with_the_word_come_first(completes, cached):
    assert completes("%sso_use pay") == ["payments-dev", "payments-prod", "payments-prod-eu"]
    assert completes("%sso_use prod")[0].startswith("payments-prod")
    assert cached.requests.total() == 0


def test_an_account_without_a_name_is_completed_by_its_id(completes, cached):
    assert completes("%sso_use 5602") == ["560283419977"]


def test_a_name_with_a_space_is_quoted(completes, cached):
    assert completes("%sso_use Bür") == ['"Büro Zürich"']
    assert completes('%sso_use "Bür') == ['"Büro Zürich"']


def test_roles_of_the_account_follow_it(completes, cached):
    assert completes("%sso_use payments-prod Re") == ["ReadOnly"]
    assert completes("r = %sso_use payments-prod --region eu-west-1 re") == ["ReadOnly"]


def test_options_are_those_of_the_magic(completes, cached):
    assert completes("%sso_login --de") == ["--device"]
    assert "--off" in completes("%sso_use --")


def test_sessions_are_completed(completes, cached):
    assert completes("%sso_login c") == ["corp"]


def test_without_a_cache_there_is_nothing_and_no_request(completes, signed_in):
    assert completes("%sso_use pay") == []
    assert completes("%sso_use payments-prod Re") == []
    assert signed_in.requests.total() == 0


def test_a_broken_configuration_breaks_no_completion(completes, cached, clean_environment):
    (clean_environment / ".aws" / "config").write_text("[sso-session corp]\nx = 1\nx = 2\n")
    assert "corp" not in completes("%sso_login c")
    assert "ReadOnly" not in completes("%sso_use unknown-account Re")


def test_other_lines_are_left_alone(completes, cached, shell):
    shell.user_ns["payments_total"] = 1
    assert "payments_total" in completes("payments_t")


def test_loading_twice_and_unloading_leave_nothing(shell):
    for _ in range(3):
        shell.run_line_magic("reload_ext", "sso_magic")
    ours = [item for item in shell.configurables if type(item).__name__ == "SSOMagics"]
    matchers = [m for m in shell.Completer.custom_matchers if getattr(m, "matcher_identifier", "") == "sso_magic"]
    assert (len(ours), len(matchers)) == (1, 1)
    shell.run_line_magic("unload_ext", "sso_magic")
    assert not [item for item in shell.configurables if type(item).__name__ == "SSOMagics"]
    assert not [name for name in shell.magics_manager.magics["line"] if name.startswith("sso_")]
    assert not [m for m in shell.Completer.custom_matchers if getattr(m, "matcher_identifier", "") == "sso_magic"]
    shell.run_line_magic("load_ext", "sso_magic")


@pytest.mark.parametrize("magic", ["sso_login", "sso_logout", "sso_status", "sso_accounts", "sso_roles", "sso_use"])
def test_help_has_examples(shell, magic, capsys):
    text = oinspect.getdoc(shell.find_line_magic(magic))
    assert f"%{magic}" in text
    assert "Examples::" in text


def test_the_roles_and_options_of_a_cell_for_many_accounts_are_completed(completes, cached):
    assert completes("%%sso_each Rea") == ["ReadOnly"]
    assert completes("%%sso_each ReadOnly --into x pay") == ["payments-dev", "payments-prod", "payments-prod-eu"]
    assert completes("%%sso_each ReadOnly --dr") == ["--dry-run"]
    assert cached.requests.total() == 0
