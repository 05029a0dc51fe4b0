"""Any text after a magic: it is done, or refused in one line that says what to do next. TAB refuses nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.completer import CompletionContext
from made_up import TEXTS, check_error, check_shown, examples, outcome_of

from sso_magic.common import lexer
from sso_magic.common.secret import Secret
from sso_magic.errors import SSOMagicError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.magics.completion import complete
from sso_magic.magics.line import parse
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session

LINE_MAGICS = (
    *("sso_login", "sso_logout", "sso_status", "sso_doctor", "sso_panel", "sso_accounts", "sso_roles"),
    *("sso_inventory", "sso_profiles", "sso_use", "sso_console"),
)
NASTY_NAMES = (
    *('say "hi"', "it's", "back\\slash", "both ' and \""),
    *("#1", "-dash", "a  b", "tab\tbed", "<b>&amp;", "$HOME {x}"),
)
WORDS = st.sampled_from(
    [
        *("payments-prod", "payments", "731659028443", "'Büro Zürich'", '"Büro Zürich"', "ReadOnly", "Billing", "corp"),
        *("--region", "eu-west-1", "--session", "-s", "-s=corp", "--", "-", "--off", "--all", "--save", "-1", "-h"),
        *("--write", "--template", "{account_name}.{role_name}", "{", "{role_name!r}", "--serve", "--federated", "x"),
        *("--destination", "--refresh", "--force", "--device", "--browser", "--no-open", "--into", "--workers", "0"),
        *("--dry-run", "--accounts", "['payments-prod']", "1/0", "nothing", "--on", "threads", "--re", "--s", "'", '"'),
        *("https://x.awsapps.com/start", "https://[", "http://127.0.0.1:1/start", "::", "\\", "#", "%", "%s", "@x"),
    ]
)
LINES = st.lists(WORDS | TEXTS, max_size=5).map(" ".join)


@pytest.fixture
def magics(shell, signed_in, monkeypatch):
    """The magics, nobody there to be asked, on a machine whose browser is elsewhere and that has no AWS CLI."""
    for number, name in enumerate(NASTY_NAMES):
        account_id = f"9000000000{number:02}"
        signed_in.organization.add_account(account_id, name, f"nasty{number}@example.com")
        signed_in.organization.assign("alex", account_id, "ReadOnly")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.setenv("SSH_TTY", "/dev/pts/0")
    monkeypatch.setenv("PATH", "")
    return next(one for one in shell.configurables if type(one).__name__ == "SSOMagics")


@pytest.fixture
def known(shell, magics):
    """All accounts and roles, cached."""
    return shell.run_line_magic("sso_inventory", "")


@pytest.fixture
def as_before(signed_in, clean_environment):
    """Undoes what a line has done: signed in to corp, no role in use, the configuration as it was."""
    config = clean_environment / ".aws" / "config"
    text = config.read_bytes()

    def restore() -> None:
        KERNEL.forget()
        config.write_bytes(text)
        session = find_session("corp")
        if tokens.load(session) is None:
            end = datetime.now(timezone.utc) + timedelta(hours=1)
            tokens.save(session, tokens.Token(Secret(signed_in.access_token()), end))

    return restore


def check_outcome(found) -> None:
    if isinstance(found, SSOMagicError):
        check_error(found)
    else:
        check_shown(repr(found))


@examples(120)
@given(st.sampled_from(LINE_MAGICS), LINES)
@example("sso_login", "\ud800")
@example("sso_roles", "a\x85b")
@example("sso_use", '"a\nb" ReadOnly')
@example("sso_profiles", "--template {account_name.x}{role_name}")
@example("sso_login", "https://[ --region x")
def test_any_line_is_done_or_refused_in_one_line(shell, magics, as_before, name, line):
    as_before()
    check_outcome(outcome_of(shell.find_line_magic(name), line))


@examples(60)
@given(st.sampled_from(["sso_as", "sso_each"]), LINES)
@example("sso_each", "ReadOnly --accounts \ud800")
@example("sso_each", "ReadOnly --workers -1")
@example("sso_each", "ReadOnly --into \x00")
def test_any_line_before_a_cell_is_done_or_refused_in_one_line(shell, magics, as_before, name, line):
    as_before()
    found = outcome_of(shell.find_cell_magic(name), line, "1")
    check_outcome(found)
    assert isinstance(found, SSOMagicError) or name != "sso_as" or found == 1


def completed(magics, line: str) -> list[str]:
    context = CompletionContext(
        token=line.rsplit(" ", maxsplit=1)[-1], full_text=line, cursor_position=len(line), cursor_line=0, limit=None
    )
    return [one.text for one in complete(magics, context)["completions"]]


@examples(150)
@given(st.sampled_from([*LINE_MAGICS, "sso_as", "sso_each", "sso_nothing"]), LINES)
def test_tab_offers_words_that_the_magic_reads_back_and_refuses_nothing(magics, known, name, line):
    line = line.replace("\n", " ")
    for text in completed(magics, f"%{name} {line}"):
        check_shown(text)
        [word] = lexer.split(text).words
        assert not word.is_option or line.split(" ")[-1].startswith("-")


def test_every_account_that_tab_offers_is_the_one_meant(shell, magics, known):
    offered = completed(magics, "%sso_roles ")
    read = [parse(shell.find_line_magic("sso_roles"), text).account for text in offered]
    found = [magics.center().find_account(text).account_id for text in read]
    assert sorted(found) == sorted(set(known["account_id"]))
