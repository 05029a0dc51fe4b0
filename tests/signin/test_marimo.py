"""In a made-up marimo: a person is there if a browser shows the notebook, and the prompt is the cell's output."""

from __future__ import annotations

import sys
import types

import pytest

from sso_magic import IdentityCenter
from sso_magic.display import has_person, prompt_here
from sso_magic.display.prompt import TerminalPrompt
from sso_magic.errors import SignInRequired


class Marimo(types.ModuleType):
    """What the sign-in uses of marimo's public names."""

    def __init__(self, mode, request):
        super().__init__("marimo")
        self.Html = str
        self.shown = []
        self.output = types.SimpleNamespace(replace=self.shown.append)
        self.app_meta = lambda: types.SimpleNamespace(mode=mode, request=request)


@pytest.fixture
def runs_in(monkeypatch):
    """Says in which mode a notebook of marimo runs, and whether for the request of a browser."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    def run(mode, request=None):
        marimo = Marimo(mode, request)
        monkeypatch.setitem(sys.modules, "marimo", marimo)
        return marimo

    return run


@pytest.fixture
def remote_service(monkeypatch):
    """The service counts as one that needs a person."""
    monkeypatch.setattr("sso_magic.center.sign_in.is_loopback", lambda host: False)


@pytest.mark.parametrize("mode", ["edit", "run"])
def test_a_notebook_in_a_browser_has_a_person(runs_in, mode):
    runs_in(mode, request=object())
    assert has_person()


@pytest.mark.parametrize("mode", ["edit", "script", "test", None])
def test_an_export_and_a_script_have_none(runs_in, mode):
    runs_in(mode)
    assert not has_person()
    assert isinstance(prompt_here(), TerminalPrompt)


@pytest.mark.parametrize(("mode", "person"), [("edit", False), ("script", True), (None, True)])
def test_with_a_terminal_a_script_has_a_person_and_an_export_has_none(runs_in, monkeypatch, mode, person):
    runs_in(mode)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert has_person() is person


def fails(*_):
    raise RuntimeError("another release")


@pytest.mark.parametrize("module", [types.ModuleType("marimo"), None, types.SimpleNamespace(app_meta=fails)])
def test_another_release_of_marimo_decides_nothing(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "marimo", module)
    for terminal in (True, False):
        monkeypatch.setattr("sys.stdin.isatty", lambda there=terminal: there, raising=False)
        assert has_person() is terminal


def test_a_sign_in_by_code_is_the_cells_output_until_it_is_approved(center, person, runs_in, remote_service, capsys):
    marimo = runs_in("run", request=object())
    person.approves()
    IdentityCenter("corp").sign_in(method="device")
    card, line = marimo.shown
    assert "user_code=" in card
    assert "Open the sign-in page" in card
    assert "Signed in to corp until" in line
    assert "user_code" not in line
    assert capsys.readouterr().out == ""


def test_a_sign_in_through_the_browser_is_too(
    center, kernel_is_here, fetching_browser, runs_in, remote_service, capsys
):
    center.auto_approve = True
    marimo = runs_in("edit", request=object())
    IdentityCenter("corp").sign_in()
    card, line = marimo.shown
    assert "A page opens in your browser" in card
    assert "Signed in to corp until" in line
    assert capsys.readouterr().out == ""


def test_a_sign_in_that_is_denied_leaves_no_card(center, person, runs_in, remote_service):
    marimo = runs_in("edit", request=object())
    person.denies()
    with pytest.raises(Exception, match="denied"):
        IdentityCenter("corp").sign_in(method="device")
    assert marimo.shown[-1] == ""


def test_an_export_that_needs_a_person_fails_before_any_request(center, runs_in, remote_service):
    marimo = runs_in("edit")
    center.requests.clear()
    with pytest.raises(SignInRequired, match="this run is not interactive"):
        IdentityCenter("corp").sign_in()
    assert center.requests.total() == 0
    assert marimo.shown == []
