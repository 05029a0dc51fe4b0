"""In a real kernel, as JupyterLab runs it: what is saved, sent to the front end, written to disk, seen by ``ps``."""

from __future__ import annotations

import asyncio
import contextlib
import os

import nbformat
import psutil
import pytest
from nbclient import NotebookClient

# What a child process is given on purpose, for AWS's own libraries to find.
MEANT = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
}  # fmt: skip

BEGIN = [
    "import logging, sys\nlogging.basicConfig(level=logging.DEBUG, stream=sys.stdout, force=True)",
    "%xmode Verbose\n%load_ext sso_magic\n%sso_login --device",
    (
        "import boto3, copy, os, pickle, subprocess, time, sso_magic\n"
        "center = sso_magic.IdentityCenter('corp')\n"
        "credentials = center.role('payments-prod', 'ReadOnly').credentials()"
    ),
]
CELLS = [
    *BEGIN,
    "%config SSOMagics.record_identity = True",
    "%sso_use payments-prod ReadOnly --region eu-west-1",
    (
        "from sso_magic.kernel.kernel_role import KERNEL\n"
        "link = KERNEL.endpoint.url(KERNEL.current.role)\n"
        "told = KERNEL.endpoint.token.reveal() + ' ' + link.reveal().rpartition('/')[2]\n"
        "_ = open(os.environ['TOLD'], 'w').write(told); del told"
    ),
    "%sso_status",
    "%sso_status --notebook",
    "%sso_inventory payments",
    "%sso_profiles payments --write",
    "%sso_console payments-prod ReadOnly",
    "%sso_doctor",
    "%sso_panel",
    "%sso_use payments-dev ReadOnly --serve\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(1)'])",
    "%sso_use payments-dev ReadOnly\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(1)'])",
    "boto3.client('sts', region_name='eu-west-1').get_caller_identity()['Account']",
    "os.environ",
    "dict(os.environ)",
    "import pandas as pd\npd.DataFrame([credentials, credentials]), pd.Series(dict(credentials.environment()))",
    "pd.DataFrame([dict(credentials.environment())])",
    "boto3.Session().get_credentials().get_frozen_credentials()",
    "subprocess.run(['no-such-program'], env=dict(os.environ))",
    "boto3.client('sts', region_name='eu-west-1').assume_role(RoleArn='x' * 20, RoleSessionName='none')",
    "raise ValueError(os.environ['AWS_SESSION_TOKEN'])",
    (
        "import http.client\nhttp.client.HTTPConnection.debuglevel = 1\ncenter.accounts()\n"
        "boto3.client('sts', region_name='eu-west-1').get_caller_identity()['Account']\n"
        "http.client.HTTPConnection.debuglevel = 0"
    ),
    "%%sso_each ReadOnly payments\nsession.get_credentials().get_frozen_credentials()",
    "%%sso_each ReadOnly payments --on processes\nimport os\ndict(os.environ)",
    "%%sso_as payments-prod ReadOnly\nkeys = boto3.Session().get_credentials()\n1 / 0",
    "with center.role('payments-prod', 'ReadOnly').use() as layer:\n    1 / 0",
    "%%sso_each ReadOnly payments --on processes\nimport time\ntime.sleep(1)\nprint(os.environ['AWS_SESSION_TOKEN'])",
    "%%sso_each ReadOnly payments\n[1 / 0, credentials]",
    "%sso_use nowhere",
    "%tb",
    "credentials",
    "credentials.environment(), credentials.as_storage_options(), vars(center.tokens), vars(KERNEL)",
    "pickle.dumps([credentials, center.tokens.peek(), center.session])",
    "%load_ext storemagic\n%store credentials",
    "Out, In, globals()",
    "%whos",
    "%history -n",
    "%history -g center",
    "center.sign_in(force=True, method='device')",  # which is interrupted in the middle of its wait
    "%tb",
    "%sso_logout",
]


class Client(NotebookClient):
    """A front end with a person before it, who approves the first sign-in and stops the second."""

    def __init__(self, *arguments, center, **settings) -> None:
        super().__init__(*arguments, **settings)
        self.center = center
        self.sent: list[str] = []
        self.processes: dict[str, dict[str, str]] = {}
        self.signed_in = self.stopped = False

    async def async_start_new_kernel_client(self):
        client = await super().async_start_new_kernel_client()
        client.allow_stdin = True
        return client

    def process_message(self, msg, cell, cell_index):
        self.sent.append(str(msg["content"]))
        for request in self.center.pending():
            if not self.signed_in:
                self.center.approve(request.user_code)
                self.signed_in = True
            elif "user_code=" in self.sent[-1] and not self.stopped:  # the prompt; a traceback has the words, too
                self.stopped = True
                asyncio.get_running_loop().create_task(self.km.interrupt_kernel())
        return super().process_message(msg, cell, cell_index)

    async def look_at_processes(self) -> None:
        """Every process that comes up, as ``ps`` shows it."""
        while True:
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    environment = {name: value for name, value in process.environ().items() if name not in MEANT}
                    self.processes[f"{process.pid} {process.cmdline()}"] = environment
            await asyncio.sleep(0.1)


@pytest.fixture
def run(center, tmp_path, monkeypatch):
    """Runs cells in a kernel; the notebook as it is saved, the client, and what the kernel wrote to its terminal."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))

    async def execute(client: Client, log) -> None:
        looking = asyncio.create_task(client.look_at_processes())
        try:
            await client.async_execute(env=dict(os.environ), stderr=log, stdout=log)
        finally:
            looking.cancel()

    def in_kernel(cells) -> tuple[str, Client, str]:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        client = Client(notebook, center=center, timeout=60, allow_errors=True, kernel_name="python3")
        client.ipython_hist_file = str(tmp_path / "history.sqlite")
        with (tmp_path / "kernel.log").open("wb") as log:
            asyncio.run(execute(client, log))
        return nbformat.writes(notebook), client, (tmp_path / "kernel.log").read_text("utf-8", "replace")

    return in_kernel


def test_nothing_secret_is_saved_sent_written_or_in_a_process(run, center, planted, tmp_path, clean_environment):
    saved, client, terminal = run(CELLS)
    told = (tmp_path / "told").read_text().split()
    planted.tell(endpoint_token=told[0], endpoint_path=told[1])
    assert len(planted.all()) > 10
    assert planted.seen_in(saved) == []
    assert planted.seen_in("\n".join(client.sent)) == []
    assert any("'sso_magic.identity'" in message and "payments-dev" in message for message in client.sent)
    assert any("'sso_magic.identity'" in message and "'ran_as': [{" in message for message in client.sent)
    assert '"ran_as": [' in saved
    assert planted.seen_in(terminal) == []
    assert planted.seen_in(str(client.processes)) == []
    assert len(client.processes) >= 4
    assert '"widgets"' in saved, "the panel's state is saved"
    assert "KeyboardInterrupt" in saved
    assert len(center.state.user_codes) == 2
    assert not [code for code in planted.codes() if code in saved]
    shared = {clean_environment / ".aws" / "sso" / "cache", clean_environment / ".aws" / "cli" / "cache"}
    written = [path for path in [*clean_environment.rglob("*"), *tmp_path.rglob("*")] if path.is_file()]
    assert any(path.name == "history.sqlite" for path in written)
    assert any(path.parent.name == "autorestore" for path in written), "%store has stored it"
    for path in written:
        if path.parent not in shared and path.name != "told":
            assert planted.seen_in(path.read_bytes()) == [], path


def test_with_the_redaction_taken_out_the_same_search_finds_what_leaks(run, planted):
    take_out = (
        "from sso_magic.common import redaction\nredaction.redact = lambda text: text\n"
        "from sso_magic.common.secret import Secret\n"
        "Secret.__repr__ = Secret.__str__ = lambda self: repr(self.reveal())\n"
        "Secret.__format__ = lambda self, spec: self.reveal()\n"
        "del Secret.__reduce_ex__\n"
    )
    saved, client, _ = run([take_out, *BEGIN, "credentials.session_token", "1 / 0 if center.tokens.get() else 0"])
    kinds = {name.rpartition(" ")[0] for name in planted.seen_in(saved)}
    assert "session token" in kinds
    assert planted.seen_in("\n".join(client.sent)) != []
