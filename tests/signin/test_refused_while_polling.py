"""invalid_grant after some polls: one line names start URL, region and what to check."""

from __future__ import annotations

import json

import pytest

from sso_magic import IdentityCenter, errors
from sso_magic.local import Fault
from sso_magic.signin import flow

BODIES = {
    "AWS": {"__type": "InvalidGrantException", "error": "invalid_grant", "error_description": "Invalid grant provided"},
    "OAuth": {"error": "invalid_grant", "error_description": "Invalid grant provided"},
    "without words": {"error": "invalid_grant"},
    "empty words": {"error": "invalid_grant", "error_description": ""},
    "two lines": {"error": "invalid_grant", "error_description": "Invalid grant provided\nfor you"},
}
SAID = {
    "without words": "invalid_grant",
    "empty words": "invalid_grant",
    "two lines": "Invalid grant provided for you",
}


@pytest.fixture
def fast(monkeypatch):
    """Polls without pauses."""
    monkeypatch.setattr("sso_magic.signin.waiting.Waiting.wait", lambda waiting, seconds: waiting.is_set())


@pytest.fixture(params=BODIES)
def refusal(request, center):
    """The third poll is answered with invalid_grant; what the service says."""
    body = json.dumps(BODIES[request.param])
    center.faults.append(Fault("CreateToken", every=3, status=400, body=body))
    return SAID.get(request.param, "Invalid grant provided")


def polls(center):
    return center.requests.total("CreateToken")


def test_a_code_that_is_refused_after_some_polls(center, prompt, fast, refusal):
    with pytest.raises(errors.ConfigError) as caught:
        IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    assert str(caught.value) == (
        f"The sign-in service in eu-west-1 refused the start URL {center.start_url} ({refusal}). Check sso_region and "
        "sso_start_url of [sso-session corp]."
    )
    assert polls(center) == 3
    assert len(prompt.devices) == 1
    assert prompt.lines == [""]


def test_a_code_beside_the_link_too(center, prompt, fast, refusal, kernel_is_here, browser_opens, monkeypatch):
    monkeypatch.setattr(flow, "FALLBACK_AFTER", 0)
    monkeypatch.setattr(
        "sso_magic.signin.browser_answer.BrowserAnswer.wait", lambda answer, seconds, unless=None: False
    )
    with pytest.raises(errors.ConfigError, match=r"^The sign-in service in eu-west-1 refused the start URL "):
        IdentityCenter("corp").sign_in(method="browser", prompt=prompt)
    assert polls(center) == 3


def test_in_the_magic_it_is_one_line(shell, center, fast, refusal, capsys):
    result = shell.run_cell("%sso_login corp --device")
    assert isinstance(result.error_in_exec, errors.ConfigError)
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if "refused the start URL" in line] == [
        f"ConfigError: {result.error_in_exec}"
    ]
    assert "Traceback" not in out
