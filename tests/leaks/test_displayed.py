"""Keys that a library has as plain text: not in a displayed result, a traceback, or what http.client prints."""

from __future__ import annotations

import json
import random
import string
import sys

import pytest
from leak_search import traces

from sso_magic import IdentityCenter
from sso_magic.common import redaction
from sso_magic.common.secret import Secret

CELLS = [
    "os.environ",
    "dict(os.environ)",
    "[dict(os.environ)], {'nested': [list(os.environ.items())]}",
    "dict(credentials.environment())",
    "{**credentials.as_storage_options()}",
    "list(credentials.environment().values())",
    "json.dumps(credentials.environment())",
    "credentials.session_token.reveal(), credentials.secret_access_key.encode()",
    "pd.Series(credentials.environment())",
    "pd.DataFrame([credentials.environment()])",
    "pd.DataFrame([credentials.environment()]).T",
    "pd.DataFrame({'a' * 30: [credentials.session_token.reveal()], 'b': 1})",
    "boto3.Session().get_credentials().get_frozen_credentials()",
    "boto3.Session().get_credentials().get_frozen_credentials()._asdict()",
    "vars(boto3.Session().get_credentials())",
    "reprlib.repr(credentials.session_token.reveal())",
    "credentials.session_token.reveal()[:40], credentials.session_token.reveal()[-40:]",
    "urllib.parse.urlencode(dict(credentials.environment()))",
    "display(HTML('<b>' + credentials.session_token.reveal() + '</b>'))",
    "display({'text/plain': credentials.session_token.reveal(), 'application/json': dict(os.environ)}, raw=True)",
    "subprocess.run(['no-such-program-at-all'], env=dict(os.environ))",
    "boto3.client('sts', region_name='eu-west-1').assume_role(RoleArn='x' * 20, RoleSessionName='none')",
    "boto3.client('s3', endpoint_url='http://127.0.0.1:9', region_name='eu-west-1').list_buckets()",
    "raise ValueError(os.environ['AWS_SESSION_TOKEN'])",
    "environment = dict(os.environ)\ndef f(keys): 1 / 0\nf(list(environment.items()))",
    "%%sso_each ReadOnly payments\nboto3.Session().get_credentials().get_frozen_credentials()",
    "%%sso_each ReadOnly payments\nsession.get_credentials().get_frozen_credentials()",
    "%%sso_each ReadOnly payments\nimport pandas as pd\npd.Series(dict(credentials.environment()))",
    "%%sso_each ReadOnly payments\nimport pandas as pd\npd.DataFrame([credentials, credentials])",
    "%%sso_each ReadOnly payments --on processes\nimport os\n{'key': os.environ['AWS_SESSION_TOKEN'], 'more': 1}",
    "%%sso_each ReadOnly payments --on processes\nimport os\ndict(os.environ)",
    "%%sso_as payments-dev ReadOnly\ndict(os.environ)",
]
BEGIN = (
    "import boto3, json, os, reprlib, subprocess, urllib.parse\nimport pandas as pd, sso_magic\n"
    "from IPython.display import HTML, display\n"
    "credentials = sso_magic.IdentityCenter('corp').role('payments-prod', 'ReadOnly').credentials()"
)


@pytest.fixture
def notebook(shell, planted, center, prompt, monkeypatch):
    """A shell in which a role is in use; what a cell displays is returned as text."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    center.auto_approve = True
    IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    published = []
    redaction.uninstall(shell)
    monkeypatch.setattr(shell.display_pub, "publish", lambda data, *_, **more: published.append(data))
    redaction.install(shell)
    shown = []
    monkeypatch.setattr(shell.displayhook, "write_format_data", lambda data, metadata=None: shown.append(data))

    def run(cell):
        published.clear()
        shown.clear()
        shell.run_cell(cell, store_history=True)
        return json.dumps([published, shown], default=repr)

    for cell in ("%xmode Verbose", BEGIN, "%sso_use payments-prod ReadOnly --region eu-west-1"):
        run(cell)
    return run


@pytest.mark.parametrize("cell", CELLS)
def test_a_library_s_plain_keys_are_not_displayed(notebook, planted, capsys, cell):
    capsys.readouterr()
    displayed = notebook(cell) + "".join(capsys.readouterr())
    assert planted.seen_in(displayed) == []
    assert len(displayed) > 20


def test_http_client_s_debug_level_prints_no_key(notebook, planted, capsys, monkeypatch):
    capsys.readouterr()
    notebook("import http.client")
    notebook("http.client.HTTPConnection.debuglevel = 1\nboto3.client('sts').get_caller_identity()['Account']")
    notebook("http.client.HTTPConnection.debuglevel = 0")
    printed = "".join(capsys.readouterr())
    assert "send: b" in printed
    assert "X-Amz-Security-Token: ***" in printed
    assert planted.seen_in(printed) == []


def test_what_was_in_the_environment_before_is_not_displayed(notebook, planted, monkeypatch):
    planted.tell(own="own/secret+access-key-of-the-person-0123")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own/secret+access-key-of-the-person-0123")
    assert planted.seen_in(notebook("dict(os.environ)")) == []


def test_with_the_redaction_taken_out_the_same_search_finds_what_leaks(notebook, planted, monkeypatch, capsys):
    monkeypatch.setattr(redaction, "redact", lambda text: text)
    for cell in ("dict(os.environ)", "raise ValueError(os.environ['AWS_SESSION_TOKEN'])"):
        capsys.readouterr()
        assert planted.seen_in(notebook(cell) + "".join(capsys.readouterr())) != []


def test_unloading_puts_back_what_was_there(shell):
    client = sys.modules["http.client"]
    assert "format" in vars(shell.display_formatter)
    shell.run_line_magic("reload_ext", "sso_magic")
    shell.run_line_magic("unload_ext", "sso_magic")
    assert "format" not in vars(shell.display_formatter)
    assert "publish" not in vars(shell.display_pub)
    assert "_showtraceback" not in vars(shell)
    assert "print" not in vars(client)
    assert redaction.before_cell not in shell.events.callbacks["pre_run_cell"]
    shell.run_line_magic("load_ext", "sso_magic")
    assert "format" in vars(shell.display_formatter)


def token(length: int) -> str:
    return "".join(random.Random(length).choices(string.ascii_letters + string.digits + "+/", k=length))


@pytest.mark.parametrize("length", [20, 40, 301, 1200])
def test_a_piece_of_a_secret_is_found_wherever_it_is_cut(length):
    secret = token(length)
    Secret(secret)
    for start in range(0, length - 22, 7):
        piece = secret[start : start + 23]
        assert redaction.redact(f"<{piece}...") == "<***..."
    for whole in (f"k={secret}", f"'{secret}'", f"{secret},{secret}", f"<td>{secret}</td>", repr(secret.encode())):
        assert redaction.redact(whole) == whole.replace(secret, "***").replace("k=***", "k=***")
    assert not [piece for piece in traces(secret) if piece in redaction.redact(json.dumps({"k": [secret]}))]


def test_other_text_stays_as_it_is():
    Secret(token(40))
    for text in ("arn:aws:sts::111111111111:assumed-role/ReadOnly/alice", "a" * 5000, "", "é" * 40, token(39)[:11]):
        assert redaction.redact(text) == text


def test_a_url_and_a_file_are_no_tokens():
    Secret('{"startUrl": "https://example.awsapps.com/start"}')
    Secret("http://user:password@proxy.example.com:8080")
    assert redaction.redact("https://example.awsapps.com/start") == "https://example.awsapps.com/start"
    assert redaction.redact("http://user@proxy.example.com:8080") == "http://user@proxy.example.com:8080"


def test_an_embedded_image_stays_as_it_is():
    Secret(token(40))
    text = f'<img src="data:image/png;base64,{token(5000)}{token(40)}"> {token(40)}'
    assert redaction.redact(text) == text.removesuffix(token(40)) + "***"


def test_binary_formats_stay_as_they_are():
    secret = token(64)
    Secret(secret)
    data = {"image/png": secret, "text/html": secret, "image/svg+xml": secret, "application/json": [{"k": secret}]}
    shown = redaction.redact_data(data)
    assert shown == {
        "image/png": secret,
        "text/html": "***",
        "image/svg+xml": "***",
        "application/json": [{"k": "***"}],
    }
