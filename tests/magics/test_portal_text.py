"""What a portal may contain: names that act on a terminal or hide text, and addresses that are no links."""

from __future__ import annotations

import io
import sys
from datetime import datetime, timedelta, timezone

import pandas as pd
import pytest

from sso_magic import IdentityCenter, display, errors
from sso_magic.common.text import is_linkable, printable
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local import Fault
from sso_magic.signin.prompt import BrowserRequest, DeviceRequest
from sso_magic.signin.sessions import Session

HOSTILE = "pay\x1b[31m\u202eteg\nx\x00\x07\x9b2J\u2028\u2066z\U000e0041"
ROLE = "Read\x1b]0;t\x07\u202eOnly\r\nX"
EMAIL = "a\x1b[2J\u202e@example.com"
ACTING = "\x1b\x00\x07\x9b\r\u202e\u2066\u2028\U000e0041"


def check(*texts: str) -> None:
    for text in texts:
        assert not set(text) & set(ACTING), ascii(text)


@pytest.fixture
def hostile(signed_in):
    signed_in.organization.add_account("900000000001", HOSTILE, EMAIL)
    for role in (ROLE, "Plain"):
        signed_in.organization.assign("alex", "900000000001", role)
    return signed_in


def shown(value: object) -> list[str]:
    texts = [repr(value), str(value)]
    if hasattr(value, "_repr_html_"):
        texts.append(value._repr_html_() or "")
    if hasattr(value, "_repr_mimebundle_"):
        texts += [str(text) for text in value._repr_mimebundle_().values()]
    return texts


def test_printable_escapes_what_acts_and_keeps_what_is_read():
    assert printable("a\x1b[0m\u202eb\nc\x00") == "a\\x1b[0m\\u202eb\\nc\\x00"
    for name in (
        "Büro Zürich",
        "O’Brien",
        "開発",
        "👩\u200d👩\u200d👧",
        "🏳️\u200d🌈",
        "CORP\\admin",
        "no\u00a0break",
        "نما\u200cینده",
    ):
        assert printable(name) == name


@pytest.mark.parametrize(
    "line",
    [
        "sso_accounts",
        "sso_roles 900000000001",
        "sso_roles",
        "sso_inventory",
        "sso_inventory 900000000001",
        "sso_profiles 900000000001",
        "sso_status",
    ],
)
def test_what_a_magic_returns_is_shown_escaped(shell, hostile, capsys, line):
    shell.run_line_magic("sso_use", "900000000001 Plain")
    shell.run_line_magic("sso_inventory", "")  # a fetch that takes long shows a progress bar, which begins lines again
    capsys.readouterr()
    value = shell.run_line_magic(*(line + " ").split(" ", 1))
    with pd.option_context("display.max_rows", None, "display.max_columns", None, "display.width", 500):
        texts = shown(value)
    check(*texts)
    printed = capsys.readouterr()
    check(printed.out, printed.err)
    if line not in {"sso_accounts", "sso_status"}:
        assert any("\\x1b]0;t\\x07\\u202eOnly\\r\\nX" in text for text in texts)


def test_the_values_of_a_table_stay_the_portals_own(shell, hostile):
    accounts = shell.run_line_magic("sso_accounts", "900000000001")
    assert list(accounts["account_name"]) == [HOSTILE]
    check(*shown(accounts), *shown(accounts["account_name"]), *shown(accounts.set_index("account_name")))
    check(*shown(accounts[["account_name"]].head()), *shown(accounts.rename(columns={"account_id": HOSTILE})))
    assert type(shell.run_line_magic("sso_accounts", "payments-prod")) is pd.DataFrame


def test_what_magics_print_is_escaped_on_one_line(shell, hostile, capsys):
    for line in (
        f"sso_use|900000000001 '{ROLE}'",
        "sso_use|--off",
        "sso_use|900000000001 Plain",
        "sso_console|",
    ):
        shell.run_line_magic(*line.split("|", 1))
        out = capsys.readouterr().out
        check(out)
        assert out.count("\n") == 1, line
    shell.run_cell_magic("sso_as", f"900000000001 '{ROLE}'", "1")
    shell.run_cell_magic("sso_each", "Plain 900000000001", "1")
    out = capsys.readouterr()
    check(out.out, out.err.replace("\r", ""))  # a progress bar goes back to the start of its line


@pytest.mark.parametrize(
    "cell",
    [
        "%sso_use 900000000001",
        "%sso_use 900000000001 Nothing",
        "%sso_roles pay\x1b[31mx",
        "%%sso_each Nothing 900000000001\n1",
        "%%sso_each Plain 900000000001\n1/0",
    ],
)
def test_an_error_is_escaped_however_it_is_shown(shell, hostile, capsys, cell):
    result = shell.run_cell(cell)
    assert isinstance(result.error_in_exec, errors.SSOMagicError)
    printed = capsys.readouterr()
    check(str(result.error_in_exec), printed.out, printed.err.replace("\r", ""))  # a progress bar, as above
    assert "\n" not in str(result.error_in_exec)


def test_the_portals_own_message_is_escaped(shell, signed_in, capsys, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    signed_in.faults.append(Fault("ListAccounts", status=400, error="InvalidRequestException", message=HOSTILE))
    result = shell.run_cell("%sso_accounts")
    printed = capsys.readouterr()
    assert result.error_in_exec is not None
    check(str(result.error_in_exec), printed.out, printed.err.replace("\r", ""))  # a progress bar, as above


def test_objects_show_escaped_names(hostile):
    center = IdentityCenter("corp")
    layer = center.role("900000000001", ROLE).use()
    check(repr(layer), KERNEL.current.label, repr(KERNEL.current.credentials), repr(center))
    assert "\n" not in KERNEL.current.label


# Links


def browser_request(url):
    session = Session("corp", "https://d-1234567890.awsapps.com/start", "eu-west-1")
    return BrowserRequest(session, url, "http://127.0.0.1:1/oauth/callback")


def device_request(uri: str, code: str = "ABCD-EFGH") -> DeviceRequest:
    session = Session("corp", "https://d-1234567890.awsapps.com/start", "eu-west-1")
    made = object.__new__(DeviceRequest)
    values = {
        "session": session,
        "verification_uri": uri,
        "verification_uri_complete": uri,
        "user_code": code,
        "expires_at": datetime.now(timezone.utc) + timedelta(minutes=10),
        "expires_in": 600,
    }
    for name in DeviceRequest.__dataclass_fields__:
        object.__setattr__(made, name, values.get(name))
    return made


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://device.sso.eu-west-1.amazonaws.com/?user_code=AB", True),
        ("http://127.0.0.1:1234/device", True),
        ("http://localhost:1234/device", True),
        ("http://[::1]:1/", True),
        ("http://example.com/device", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://localhost.example.com/", False),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)//https://x", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("https://device.sso.eu-west-1.amazonaws.com@evil.example/", False),
        ("https:\\\\evil.example", False),
        ("https://", False),
        ("https://[", False),
        ("https://x:port/", False),
        ("https://a b/", False),
        ("https://x/\u202e", False),
        ("//evil.example", False),
        ("", False),
    ],
)
def test_an_address_is_a_link_only_if_it_is_https_or_loopback(url, expected):
    assert is_linkable(url) is expected
    card = display.device_card(device_request(url), "Stop.")
    assert ("<a href" in card) is expected
    assert ("<svg" in card) is expected
    assert ("For this machine only" in card) is (expected and url.startswith("http://"))
    browser = display.browser_card(
        browser_request("https://oidc.eu-west-1.amazonaws.com/authorize"), device_request(url), "Stop.", opened=True
    )
    assert (browser.count("<a href") == 2) is expected
    check(card, browser)


def test_a_code_is_shown_escaped(capsys):
    request = device_request("https://x.example/", HOSTILE)
    check(display.device_card(request, "Stop."))
    prompt = display.TerminalPrompt()
    prompt.device(request)
    prompt.close("done")
    printed = capsys.readouterr().out
    check(printed)
    assert printable(HOSTILE) in printed


# The encoding of the output


@pytest.mark.parametrize(
    "line", ["sso_use|'Büro Zürich' ReadOnly", "sso_use|--off", "sso_console|731659028443 ReadOnly"]
)
def test_an_output_without_these_characters_gets_escapes(shell, signed_in, monkeypatch, line):
    accounts = {account.name: account.id for account in signed_in.organization.accounts}
    signed_in.organization.assign("alex", accounts["Büro Zürich"], "ReadOnly")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    shell.run_line_magic(*line.split("|", 1))
    sys.stdout.flush()
    if "Zürich" in line:
        assert b"B\\xfcro Z\\xfcrich" in written.getvalue()
