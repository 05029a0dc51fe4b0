"""A wrong value of a setting is refused when it is set; one of a configuration file when a magic needs it."""

from __future__ import annotations

import pytest
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import KVArgParseConfigLoader

from sso_magic.errors import SSOMagicError
from sso_magic.magics.magics import SSOMagics

WRONG = {
    "token_store": ["'keychain'", "'Keyring'", "''", "3", "None", "['file']"],
    "sign_in": ["'phone'", "'Browser'", "' device'", "True", "None"],
    "inventory_max_age": ["-1", "'1h'", "'60'", "float('nan')", "float('inf')", "1e300", "10**400", "None", "[60]"],
    "identity_line": ["'maybe'", "'yes'", "2", "None"],
    "record_identity": ["'maybe'", "'yes'", "2", "None"],
    "production_edge": ["'maybe'", "'yes'", "2", "None"],
    "production": ["'('", "5", "None", "'[z-a]'"],
}
CASES = [(name, value) for name, values in WRONG.items() for value in values]
SAYS = {
    "token_store": "it can be 'file' or 'keyring'. Correct it: %config SSOMagics.token_store = 'file'",
    "sign_in": "it can be 'auto', 'browser' or 'device'. Correct it: %config SSOMagics.sign_in = 'auto'",
    "inventory_max_age": (
        "it can be a number of seconds from 0 to 1,000,000,000. Correct it: %config SSOMagics.inventory_max_age = 3600"
    ),
    "identity_line": "it can be True or False. Correct it: %config SSOMagics.identity_line = True",
    "record_identity": "it can be True or False. Correct it: %config SSOMagics.record_identity = True",
    "production_edge": "it can be True or False. Correct it: %config SSOMagics.production_edge = True",
    "production": "Correct it: %config SSOMagics.production = '(?i)prod'",
}


@pytest.fixture
def magics(shell):
    return shell.find_line_magic("sso_use").__self__


def test_each_setting_has_wrong_values_here():
    assert set(WRONG) == set(SSOMagics.class_own_traits(config=True))


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_wrong_value_is_refused_in_one_line_that_says_what_is_allowed(shell, magics, caplog, capsys, name, value):
    before = getattr(magics, name)
    shell.run_cell(f"%config SSOMagics.{name} = {value}")  # IPython logs the error
    [line] = caplog.messages
    assert line.startswith(f"SSOMagics.{name} ")
    assert line.endswith(SAYS[name])
    assert "\n" not in line
    assert "Traceback" not in capsys.readouterr().out
    assert getattr(magics, name) == before
    with pytest.raises(TraitError):
        setattr(magics, name, eval(value))
    assert getattr(magics, name) == before
    caplog.clear()
    shell.run_line_magic("config", line.partition("Correct it: %config ")[2])
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [("inventory_max_age", "0", 0.0), ("inventory_max_age", "90.5", 90.5), ("identity_line", "True", True),
     ("token_store", "'file'", "file"), ("sign_in", "'device'", "device"), ("production", "r'^live'", "^live")],
)  # fmt: skip
def test_a_right_value_is_kept(shell, magics, caplog, name, value, kept):
    shell.run_cell(f"%config SSOMagics.{name} = {value}")
    assert caplog.messages == []
    assert getattr(magics, name) == kept


@pytest.mark.parametrize(
    ("name", "value", "cell"),
    [
        ("token_store", "keychain", "sso_accounts"),
        ("sign_in", 7, "sso_login --force"),
        ("inventory_max_age", "1h", "sso_accounts"),
        ("inventory_max_age", float("inf"), "sso_use payments-dev ReadOnly"),
        ("production", 5, "sso_use payments-dev ReadOnly"),
    ],
)
def test_one_of_a_configuration_file_is_refused_when_it_is_needed(shell, signed_in, name, value, cell):
    shell.run_line_magic("unload_ext", "sso_magic")
    shell.update_config(Config(SSOMagics={name: value}))
    shell.run_line_magic("load_ext", "sso_magic")  # a wrong setting is no reason not to load
    magic, _, line = cell.partition(" ")
    with pytest.raises(SSOMagicError) as caught:
        shell.run_line_magic(magic, line)
    assert f"SSOMagics.{name}" in str(caught.value)
    command = str(caught.value).partition("Correct it: %config ")[2]
    shell.run_line_magic("config", command)
    signed_in.auto_approve = True
    shell.run_line_magic(magic, line.replace("--force", ""))


def test_a_wrong_switch_of_a_configuration_file_stops_no_cell(shell, signed_in, capsys):
    shell.run_line_magic("unload_ext", "sso_magic")
    shell.update_config(Config(SSOMagics={"identity_line": "maybe"}))
    shell.run_line_magic("load_ext", "sso_magic")
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    capsys.readouterr()
    assert shell.run_cell("40 + 2").success
    out = capsys.readouterr().out
    assert "SSOMagics.identity_line cannot be 'maybe'; it can be True or False. Correct it: " in out
    assert "42" in out


def set_on_the_command_line():
    loader = KVArgParseConfigLoader(["--SSOMagics.production=", "--EachMagics.administrator="])
    return loader.load_config()


def set_in_a_configuration_file():
    return Config(SSOMagics={"production": ""}, EachMagics={"administrator": ""})


@pytest.fixture(params=[set_on_the_command_line, set_in_a_configuration_file, None])
def empty_patterns(request, shell, signed_in):
    """Both patterns are set to nothing."""
    if request.param is None:
        shell.run_cell("%config SSOMagics.production = ''\n%config EachMagics.administrator = ''")
    else:
        shell.run_line_magic("unload_ext", "sso_magic")
        shell.update_config(request.param())
        shell.run_line_magic("load_ext", "sso_magic")
    assert shell.find_line_magic("sso_use").__self__.production == ""
    assert shell.find_cell_magic("sso_each").__self__.administrator == ""


def test_an_empty_pattern_marks_no_account(shell, empty_patterns, capsys):
    shell.run_line_magic("sso_use", "payments-prod ReadOnly")
    assert "PRODUCTION" not in capsys.readouterr().out
    status = shell.run_line_magic("sso_status", "")
    assert not status.is_production
    assert "PRODUCTION" not in status._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("other", ["SSOMagics.production = 'prod'", "EachMagics.administrator = 'Admin'"])
def test_an_empty_pattern_makes_no_cell_ask(shell, signed_in, empty_patterns, monkeypatch, other):
    monkeypatch.setattr("builtins.input", lambda question="": pytest.fail(question))
    signed_in.organization.assign("alex", "731659028443", "AdministratorAccess")
    shell.run_line_magic("config", other)  # one that is empty is enough
    frame = shell.run_cell_magic("sso_each", "AdministratorAccess payments-prod", "account.name")
    assert list(frame["value"]) == ["payments-prod"]
