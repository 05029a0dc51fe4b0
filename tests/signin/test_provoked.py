"""What a client meets at a local Identity Center can be provoked from Python and from the command line alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.errors import SignInRequired

if TYPE_CHECKING:
    from sso_magic.local import LocalIdentityCenter

pytestmark = pytest.mark.usefixtures("kernel_is_here")

TIMEOUT = 60  # seconds, for what must come


class FromPython:
    """Provokes by methods and attributes of `LocalIdentityCenter`."""

    def __init__(self, local: LocalIdentityCenter) -> None:
        self._local = local
        self.environment, self.vanity_url = local.environment(), local.vanity_url

    def config_text(self):
        return self._local.config_text()

    def reset(self):
        self._local.reset()

    def end_sessions(self):
        self._local.end_session()

    def set_knobs(self, **knobs):
        for name, value in knobs.items():
            setattr(self._local, name, value)
        return self._local.start_url

    def sign_in_elsewhere(self):
        self._local.sign_in()

    def second_session(self):
        self._local.sign_in("sam", session_name="second")


class FromTheCommandLine:
    """Provokes a running ``sso-magic local`` by commands and by requests to its control URL, as curl sends them."""

    def __init__(self, started: dict) -> None:
        self._started = started
        self.environment, self.vanity_url = started["environment"], started["vanity_url"]

    def _control(self, method, path, **fields):
        request = urllib.request.Request(
            f"{self._started['control_url']}/{path}", json.dumps(fields).encode(), method=method
        )
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {self._started['control_token']}")
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.load(answer)

    def config_text(self):
        return self._started["config"]

    def reset(self):
        self._control("POST", "reset")

    def end_sessions(self):
        assert self._control("DELETE", "sessions")["ended"]

    def set_knobs(self, **knobs):
        knobs = self._control("PATCH", "knobs", **knobs)
        return f"https://{knobs['subdomain']}.awsapps.com/start"

    def sign_in_elsewhere(self):
        self._control("PATCH", "knobs", auto_approve=True)  # new sign-ins; one that waits already goes on waiting
        command = [sys.executable, "-m", "sso_magic", "login", "corp"]
        done = subprocess.run(command, env=os.environ, input="", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def second_session(self):
        token = self._control("POST", "sessions", user="sam")["token"]
        config = Path(os.environ["HOME"], ".aws", "config")
        text = config.read_text()
        section = text.partition("\n\n")[0].replace("[sso-session corp]", "[sso-session second]")
        config.write_text(f"{text}\n{section}\n")
        cache.write(cache.token_path("second"), token)


@pytest.fixture(scope="module")
def in_python(center_without_aws):
    return FromPython(center_without_aws)


@pytest.fixture(scope="module")
def by_command():
    command = [sys.executable, "-m", "sso_magic", "local", "--port", "0", "--no-aws", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield FromTheCommandLine(json.loads(process.stdout.readline()))
        process.terminate()


@pytest.fixture(params=["in_python", "by_command"])
def local(request, clean_environment):
    found = request.getfixturevalue(request.param)
    found.reset()
    os.environ.update(found.environment)
    config = clean_environment / ".aws" / "config"
    config.parent.mkdir(mode=0o700)
    config.write_text(found.config_text())
    return found


def sign_in(local, prompt, session="corp", **arguments):
    local.set_knobs(auto_approve=True)
    center = IdentityCenter(session)
    center.sign_in(method="device", prompt=prompt, **arguments)
    return center


def test_ending_a_session(local, prompt):
    corp = sign_in(local, prompt)
    local.end_sessions()
    with pytest.raises(SignInRequired, match="The sign-in to corp has ended"):
        corp.accounts()
    sign_in(local, prompt)
    assert len(corp.accounts()) > 5


def test_changing_the_start_url(local, prompt, clean_environment):
    corp = sign_in(local, prompt)
    old = corp.session.start_url
    new = local.set_knobs(subdomain="renamed")
    assert new == "https://renamed.awsapps.com/start"
    with pytest.raises(SignInRequired, match="The sign-in to corp has ended"):
        corp.accounts()
    with pytest.raises(Exception, match="start URL") as caught:
        sign_in(local, prompt)
    assert old in str(caught.value)
    config = clean_environment / ".aws" / "config"
    config.write_text(config.read_text().replace(old, new))  # as its owner does then; the old token file stays
    assert len(sign_in(local, prompt).accounts()) > 5


def test_a_second_session(local, prompt):
    corp = sign_in(local, prompt)
    local.second_session()
    second = IdentityCenter("second")
    accounts = [set(center.accounts()["account_id"]) for center in (corp, second)]
    assert accounts[0] != accounts[1]


def test_the_sign_in_of_another_kernel(local):
    shown = threading.Event()

    class Waits:
        def device(self, request):
            shown.set()

        def browser(self, request, *, opened, device):
            """Not asked for."""

        def close(self, line):
            self.line = line

    def elsewhere():
        assert shown.wait(TIMEOUT)
        local.sign_in_elsewhere()

    other = threading.Thread(target=elsewhere)
    other.start()
    prompt = Waits()
    IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    other.join()
    assert prompt.line.endswith("Another notebook or program signed in during the wait.")


def test_a_vanity_redirect(local, prompt, clean_environment):
    config = clean_environment / ".aws" / "config"
    own = local.set_knobs(subdomain="company")
    start_url = IdentityCenter("corp").session.start_url
    config.write_text(config.read_text().replace(start_url, local.vanity_url))
    corp = sign_in(local, prompt)
    assert (corp.session.start_url, corp.session.portal_url) == (local.vanity_url, own)
    assert len(corp.accounts()) > 5


def test_slow_down(local, prompt, monkeypatch):
    waits = []
    monkeypatch.setattr("sso_magic.signin.waiting.Waiting.wait", lambda _, seconds: waits.append(seconds))
    local.set_knobs(slow_down=2)
    sign_in(local, prompt, force=True)
    assert waits == [1 + 5, 1 + 5 + 5]  # the interval, and 5 s more after each (RFC 8628 3.5)
