"""Every command that a message prints can be pasted: its line is one that the magic reads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sso_magic
from sso_magic.errors import ConfigError, SessionNotFound, SignInRequired, SSOMagicError
from sso_magic.magics.line import parse
from sso_magic.signin.sessions import Session, find_session

# What a message's placeholders are in a line that is pasted.
PLACEHOLDERS = {"REGION": "eu-west-1", "ACCOUNT": "payments-prod", "ROLE": "ReadOnly", "NAME": "kept", "START_URL": "x"}
COMMAND = re.compile(r"%{1,2}(sso_\w+)((?: (?:--?[a-z][a-z-]*|[A-Z_]{2,}|https://[\w./#-]+|\[ROLE\]|\{\}))*)")


def texts() -> list[tuple[str, str]]:
    """The texts of the package that name a magic, with the file: what f-strings fill in stands as `{}`."""
    found = []
    for path in Path(sso_magic.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                text = node.value
            else:
                continue
            if re.search(r"%sso_\w+", text):
                found.append((path.name, text))
    return found


def commands() -> list[tuple[str, str, str]]:
    return [
        (name, match[1], match[2].strip())
        for name, text in texts()
        for match in COMMAND.finditer(text)
        if not text.startswith("%%") or match[1] in {"sso_as", "sso_each"}
    ]


def test_the_messages_of_the_package_are_found():
    assert len({(magic, line) for _, magic, line in commands()}) > 25


def test_every_command_in_a_message_is_read_by_its_magic(shell):
    for name, magic, line in commands():
        function = shell.find_line_magic(magic) or shell.find_cell_magic(magic)
        assert function is not None, (name, magic)
        words = line.replace("[ROLE]", "ROLE").replace("region {}", "region REGION").replace("{}", "x")
        for placeholder, value in PLACEHOLDERS.items():
            words = re.sub(rf"\b{placeholder}\b", value, words)
        refusal = None
        try:
            parse(function, words)
        except SSOMagicError as error:
            refusal = str(error)
        # Where a word is missing, the text names the magic and is no line of it.
        assert refusal is None or "is missing" in refusal, (name, magic, line, refusal)


@pytest.mark.parametrize(
    ("session", "command"),
    [
        (Session("corp", "https://x.awsapps.com/start", "eu-west-1"), "%sso_login corp"),
        (Session("my corp", "https://x.awsapps.com/start", "eu-west-1"), '%sso_login "my corp"'),
        (Session("-corp", "https://x.awsapps.com/start", "eu-west-1"), '%sso_login "-corp"'),
        (Session("#1;", "https://x.awsapps.com/start", "eu-west-1"), '%sso_login "#1;"'),
        (
            Session(None, "https://x.awsapps.com/start", "eu-west-1"),
            "%sso_login https://x.awsapps.com/start --sso-region eu-west-1",
        ),
        (
            Session(None, "https://ssoins-1234567890abcdef.portal.eu-west-1.app.aws", "eu-west-1"),
            "%sso_login https://ssoins-1234567890abcdef.portal.eu-west-1.app.aws",
        ),
    ],
)
def test_the_command_that_signs_in_works_when_pasted(shell, clean_environment, session, command):
    assert session.login_command == command
    args = parse(shell.find_line_magic("sso_login"), command.partition(" ")[2])
    assert args.session == session.key
    if session.name is None:
        assert find_session(args.session, sso_region=args.sso_region).sso_region == session.sso_region


def test_a_message_of_a_start_url_without_a_file_names_its_region(shell, center, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    center_of_url = shell.find_line_magic("sso_login").__self__.center(center.start_url, center.region)
    with pytest.raises(SignInRequired) as caught:
        center_of_url.accounts()
    command = str(caught.value).partition(" Run ")[2].rstrip(".")
    assert command == f"%sso_login {center.start_url} --sso-region {center.region}"


def test_a_session_that_is_not_there_is_no_case_for_a_start_url(shell, center, clean_environment):
    for line in ("sso_logout nosuch", "sso_panel nosuch"):
        with pytest.raises(SessionNotFound) as caught:
            shell.run_line_magic(*line.split(" "))
        assert str(caught.value) == "There is no session 'nosuch'. Known: corp."


def test_a_setting_that_is_wrong_is_corrected_by_the_line_that_is_shown(shell, signed_in):
    shell.find_line_magic("sso_use").__self__._trait_values["production"] = "("  # as in a configuration file
    with pytest.raises(SSOMagicError) as caught:
        shell.run_line_magic("sso_use", "payments-prod ReadOnly")
    [line] = re.findall(r"Correct it: %config (.*)$", str(caught.value))
    shell.run_line_magic("config", line)
    shell.run_line_magic("sso_use", "payments-prod ReadOnly")


def test_keeping_a_start_url_says_which_option_is_missing(shell, center):
    with pytest.raises(ConfigError, match=r"Add --sso-region REGION") as caught:
        shell.run_line_magic("sso_login", "https://d-1234567890.awsapps.com/start --save kept")
    assert "--sso-region" in str(caught.value)


def test_a_dead_sign_in_leaves_no_result_line(shell, signed_in, capsys):
    signed_in.end_session()
    result = shell.run_cell("%sso_inventory --refresh")
    assert isinstance(result.error_in_exec, SignInRequired)
    assert "0 accounts" not in capsys.readouterr().out


def test_an_empty_ca_bundle_is_none(shell, signed_in, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", "")
    assert len(shell.run_line_magic("sso_accounts", "")) > 5
