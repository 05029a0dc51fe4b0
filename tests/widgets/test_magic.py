"""%sso_panel and sso_magic.panel()."""

from __future__ import annotations

import pytest

import sso_magic
from sso_magic.errors import SessionNotFound


@pytest.fixture
def run(shell):
    """Runs the magic; the panel is closed after the test."""
    opened = []

    def run_line(line: str = ""):
        opened.append(shell.run_line_magic("sso_panel", line))
        return opened[-1]

    yield run_line
    for panel in opened:
        panel.close()


def test_the_magic_returns_the_panel_of_the_configured_session(run, ready):
    assert repr(run()) == "Panel('corp')"


def test_a_session_can_be_named(run, ready, clean_environment):
    (clean_environment / ".aws" / "config").write_text(ready.config_text() + "\n" + ready.config_text("second"))
    assert repr(run("second")) == "Panel('second')"


def test_of_several_sessions_the_first_is_shown_where_none_is_named(run, ready, clean_environment):
    (clean_environment / ".aws" / "config").write_text(ready.config_text() + "\n" + ready.config_text("second"))
    assert repr(run()) == "Panel('corp')"


def test_a_start_url_can_be_named(run, center):
    assert repr(run(f"{center.portal_url}/new --region eu-west-1")) == f"Panel('{center.portal_url}/new')"


def test_a_session_that_is_not_there_is_an_error_that_says_so(run, ready):
    with pytest.raises(SessionNotFound, match=r"There is no session 'crop'\. Known: corp"):
        run("crop")


def test_the_function_finds_the_settings_of_the_magics(shell, ready):
    panel = sso_magic.panel()
    assert panel._magics is shell.magics_manager.registry["SSOMagics"]
    panel.close()


def test_the_panel_is_imported_only_when_it_is_asked_for(shell, ready):
    import subprocess
    import sys

    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import sys, sso_magic\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'sso_magic')\n"
        "assert 'ipywidgets' not in sys.modules\n"
        "assert 'sso_magic.widgets' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
