"""Where widgets cannot run the panel is text and HTML: a terminal, an export, a notebook that was opened again."""

from __future__ import annotations

import importlib
import re

import sso_magic


def test_a_terminal_shows_what_is_known_and_the_magics(open_panel, ready, shell, capsys):
    screen = open_panel()
    shell.user_ns["panel"] = screen.panel
    shell.run_cell("panel")
    out = capsys.readouterr().out
    assert "Session: corp. Signed in until" in out
    assert "Role: No role is in use." in out
    assert re.search(r"analytics +096431857720  DataScientist", out)
    assert "%sso_use ACCOUNT ROLE" in out


def test_without_a_session_it_says_so_and_how_to_sign_in(open_panel, center, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    lines = open_panel().panel._repr_mimebundle_()["text/plain"].splitlines()
    assert lines[1:3] == ["Session: none is configured.", "Role: No role is in use."]
    assert "%sso_login             sign in" in lines


def test_the_bundle_has_text_and_html_beside_the_widget(open_panel, ready):
    screen = open_panel()
    bundle = screen.panel._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == screen.panel.widget.model_id
    assert "<table" in bundle["text/html"]


def test_a_closed_panel_is_text_and_html_alone(open_panel, ready):
    screen = open_panel()
    screen.panel.close()
    assert set(screen.panel._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_names_of_others_making_are_text_not_markup(open_panel, center, clean_environment):
    from jupyter_in_browser import plant_inventory, plant_token

    name = "<img src=x onerror=alert(1)>\nBüro 東京 " + "x" * 200
    center.organization.add_account("000000000001", name)
    center.organization.assign("alex", "000000000001", "ReadOnly")
    plant_token(clean_environment, center)
    plant_inventory(clean_environment, center)
    screen = open_panel()
    screen.use("東京")
    shown = name.replace("\n", "\\n")
    assert screen.lines == [f"{shown} · ReadOnly · 000000000001 (in use)"]
    bundle = screen.panel._repr_mimebundle_()
    assert "<img" not in bundle["text/html"]
    assert "東京" in bundle["text/html"]
    assert "\n" not in screen.role + screen.status


def test_the_public_names_are_the_function_and_the_class():
    assert callable(sso_magic.panel)
    importlib.import_module("sso_magic.widgets.picker")
    assert callable(sso_magic.panel)  # a module of that name would have taken its place
    assert isinstance(sso_magic.Panel, type)
