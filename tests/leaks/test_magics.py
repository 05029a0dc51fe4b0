"""Every magic and its errors, under ``%xmode Verbose``: nothing secret in what is printed, shown, logged or kept.

And the test of this test: with a redaction taken out, the same search finds what then leaks.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
from types import SimpleNamespace

import pytest
from leak_search import reached

from sso_magic.common import secret
from sso_magic.common.secret import Secret, Unshown
from sso_magic.errors import SSOMagicError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local import Fault

CENTER = "import sso_magic, boto3\ncenter = sso_magic.IdentityCenter('corp')\n"
CREDENTIALS = CENTER + "credentials = center.role('payments-prod', 'ReadOnly').credentials()\n"

CELLS = {
    "sign in": ["%sso_login --device", "%sso_login", "%sso_login --force --device", "%sso_status", "%sso_doctor"],
    "lists": ["%sso_accounts", "%sso_roles payments-prod", "%sso_inventory --refresh", "%sso_inventory payments"],
    "profiles": ["%sso_profiles payments", "%sso_profiles payments --write --region eu-west-1"],
    "use": [
        "%sso_use payments-prod ReadOnly --region eu-west-1",
        "%sso_use payments-dev ReadOnly",
        "%sso_use -",
        "%sso_status",
        "from sso_magic.kernel.kernel_role import KERNEL\nKERNEL.current, vars(KERNEL), KERNEL.current.credentials",
        "%sso_use --off",
    ],
    "serve": ["%sso_use payments-prod ReadOnly --serve", "%sso_status", "vars(KERNEL.endpoint)", "%sso_use --off"],
    "one cell": [
        "%%sso_as payments-dev ReadOnly\nboto3.client('sts', region_name='eu-west-1').get_caller_identity()['Account']",
        "%%sso_as payments-dev ReadOnly\nkeys = boto3.Session().get_credentials()\n1 / 0",
        "%%sso_as payments-dev ReadOnly --serve\nraise KeyboardInterrupt",
        (
            "%%sso_as payments-dev ReadOnly\nboto3.client('sts', region_name='eu-west-1').assume_role(RoleArn='x' * 20,"
            " RoleSessionName='no such thing')"
        ),
    ],
    "a role on top of another": [
        "%sso_use on-top",
        "KERNEL.current.credentials, vars(KERNEL.current)",
        "%%sso_as on-top\n1 / 0",
        "%sso_use refused",
        "%sso_use --off",
    ],
    "each": [
        "%%sso_each ReadOnly payments --dry-run",
        "%%sso_each ReadOnly payments\nprint(credentials, credentials.session_token)\ncredentials.environment()",
        "%%sso_each ReadOnly payments\nkeys = credentials.environment()\nprint(keys['AWS_SESSION_TOKEN'])\n1 / 0",
        (
            "%%sso_each ReadOnly payments --on processes\n"
            "import os\nprint(os.environ['AWS_SESSION_TOKEN'])\nraise ValueError(os.environ['AWS_SECRET_ACCESS_KEY'])"
        ),
        "center.each(lambda here: 1 / 0, 'ReadOnly', 'payments')",
        "center.each(lambda here: here.credentials.account_id, 'ReadOnly', 'payments')",
    ],
    "console": ["%sso_console payments-prod ReadOnly", "%sso_console payments-prod ReadOnly --federated"],
    "panel": ["%sso_panel", "panel = %sso_panel\npanel"],
    "objects": [
        CREDENTIALS + "credentials",
        "credentials.environment()",
        "credentials.as_storage_options()",
        "vars(credentials.environment()), [credentials.environment()], {'x': credentials.environment()}",
        "credentials.secret_access_key, credentials.access_key_id, credentials.session_token",
        "print(credentials, credentials.secret_access_key, f'{credentials.session_token:>40}')",
        "center.tokens.peek(), center.tokens.get(), vars(center.tokens)",
        (
            "center.portal.get_role_credentials(access_token=center.tokens.get(), account_id=credentials.account_id,"
            " role_name='ReadOnly')"
        ),
        "center.oidc.register_client(client_name='x')",
        "import copy\ncopy.copy(credentials), copy.deepcopy(credentials)",
        "import pickle\npickle.dumps(credentials), pickle.dumps(center.tokens.peek())",
        "from sso_magic.credentials.federation import federated_url\nfederated_url(credentials, endpoint=URL)",
        "center.role('payments-prod', 'ReadOnly').boto3_session(), center.role('payments-prod', 'ReadOnly').use()",
        "raise ValueError(credentials, credentials.session_token)",
        (
            "def inner(keys, environment, options, token):\n    raise RuntimeError('mine')\n"
            "inner(credentials, credentials.environment(), credentials.as_storage_options(), center.tokens.get())"
        ),
    ],
    "code of the person's own on the stack": [
        CENTER + "with center.role('payments-prod', 'ReadOnly').use() as layer:\n    1 / 0",
        "with center.role('payments-prod', 'ReadOnly').use(serve=True) as layer:\n    raise KeyboardInterrupt",
        "center.call(lambda token: 1 / 0)",
        (
            "from sso_magic.client.middleware import before\n"
            "center.portal.middleware_stack.add(before(lambda args, context: 1 / 0), step='deserialize', name='mine')\n"
            "center.accounts()"
        ),
        (
            "sso = sso_magic.SSO(region='eu-west-1', sleep=lambda seconds: 1 / 0)\n"
            "center.faults.append(FAULT) if hasattr(center, 'faults') else FAULTS.append(FAULT)\n"
            "sso.list_accounts(access_token=center.tokens.get())"
        ),
        (
            "class Prompt:\n    def device(self, request):\n        1 / 0\n    def close(self, line):\n        pass\n"
            "NOBODY()\ncenter.sign_in(force=True, method='device', prompt=Prompt())"
        ),
        (
            "class Logger:\n    def info(self, record):\n        raise ValueError(record)\n    error = info\n"
            "sso_magic.SSO(region='eu-west-1', logger=Logger()).list_accounts(access_token=center.tokens.get())"
        ),
        (
            "class Handler:\n    def handle(self, request, *, timeout=None):\n        raise LookupError(request)\n"
            "sso = sso_magic.SSO(region='eu-west-1', request_handler=Handler())\n"
            "sso.list_accounts(access_token=center.tokens.get())"
        ),
    ],
    "mistakes": [
        "%sso_use nowhere ReadOnly",
        "%sso_use payments",
        "%sso_use payments-prod NoSuchRole",
        "%sso_use 'unclosed",
        "%sso_roles --nope",
        "%sso_login nobody",
        "%sso_console --destination x",
        "%%sso_each NoSuchRole\n1",
        "%%sso_as payments-dev ReadOnly\nthis is no Python",
    ],
    "what IPython keeps": ["%history", "%history -n -o", "Out", "_oh", "In", "%whos", "%who_ls", "dir()", "globals()"],
    "sign out": ["%sso_logout", "%sso_login --device", "%sso_logout --all"],
}
FAULTY = {
    "refused": Fault("*", status=401),
    "forbidden": Fault("*", status=403),
    "failed": Fault("*", status=500),
    "reset": Fault("*", kind="reset"),
    "no JSON": Fault("*", body="<html>no</html>"),
    "wrong types": Fault("*", kind="wrong-types"),
}
UNDER_FAULTS = [
    "%sso_accounts",
    "%sso_inventory --refresh",
    "%sso_use 123456789012 ReadOnly",
    "%sso_login --force --device",
    "%%sso_as 123456789012 ReadOnly\n1",
    "%sso_console 123456789012 ReadOnly --federated",
    "sso_magic.IdentityCenter('corp').portal.logout(access_token=center.tokens.get())",
    "%sso_doctor",
    "%sso_logout",
]


class Notebook:
    """A shell in which all that is printed, shown or logged is kept."""

    def __init__(self, shell, planted) -> None:
        self._shell = shell
        self._planted = planted
        self._log = io.StringIO()
        self.handler = logging.StreamHandler(self._log)
        self.found: list[str] = []
        self.cells = 0

    def run(self, name: str, cell: str) -> None:
        """Runs the cell, and looks at what came of it in every way."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            result = self._shell.run_cell(cell, store_history=True)
            if result.error_in_exec is not None or result.error_before_exec is not None:
                self._shell.run_cell("%tb")
        formats, _ = self._shell.display_formatter.format(result.result)
        self.cells += 1
        self._tell()
        self._look(name, cell, "printed", out.getvalue() + err.getvalue())
        self._look(name, cell, "shown", json.dumps(formats, default=repr))
        self._look(name, cell, "logged", self._log.getvalue())
        self._log.truncate(0)
        error = result.error_in_exec
        if isinstance(error, (SSOMagicError, KeyboardInterrupt)):  # what else is raised, the cell has raised
            self.found += [f"{name}: {cell!r}: error{path}" for path in reached(self._planted, error)]

    def _tell(self) -> None:
        """What the Identity Center does not know: the keys of a role on top of one of its own."""
        if KERNEL.current is not None:
            keys = KERNEL.current.credentials
            self._planted.tell(key_id=keys.access_key_id, key=keys.secret_access_key, token=keys.session_token)

    def _look(self, name: str, cell: str, where: str, text: str) -> None:
        self.found += [f"{name}: {cell!r}: {where}: {secret}" for secret in self._planted.seen_in(text)]


@pytest.fixture
def notebook(shell, planted, center, clean_environment, monkeypatch):
    """Signed in; every logger at DEBUG."""
    ids = {account.name: account.id for account in center.organization.accounts}
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(
            f"[profile base]\nsso_session = corp\nsso_account_id = {ids['payments-dev']}\nsso_role_name = ReadOnly\n"
            f"[profile on-top]\nsource_profile = base\nrole_arn = arn:aws:iam::{ids['payments-prod']}:role/Deployer\n"
            f"[profile refused]\nsource_profile = base\nrole_arn = arn:aws:iam::{ids['payments-prod']}:role/Deployer\n"
            "duration_seconds = 1\n"
        )
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SIGNIN", center.url)
    monkeypatch.setattr("sso_magic.magics.console.remote_signal", lambda: None)
    monkeypatch.setattr("sso_magic.inventory.fetch.TRIES", 1)
    center.auto_approve = True
    made = Notebook(shell, planted)
    names = [None, *logging.root.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(made.handler)
    nobody = SimpleNamespace(off=lambda: setattr(center, "auto_approve", False))
    shell.push(
        {"URL": center.url, "FAULTS": center.faults, "FAULT": Fault("*", status=500, times=1), "NOBODY": nobody.off}
    )
    made.run("begin", "%xmode Verbose")
    made.run("begin", "import sso_magic\n%sso_login --device")
    made.run("begin", CREDENTIALS + "from sso_magic.kernel.kernel_role import KERNEL")
    yield made
    logging.getLogger().removeHandler(made.handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for link in [one for one in shell.user_ns.values() if hasattr(one, "close") and type(one).__name__ == "Panel"]:
        link.close()


def search(notebook, name: str) -> list[str]:
    for cell in CELLS[name]:
        notebook.run(name, cell)
    return notebook.found


@pytest.mark.parametrize("name", CELLS)
def test_a_magic_shows_no_secret(notebook, planted, name):
    found = search(notebook, name)
    assert not found, "\n".join(found)
    assert len(planted.all()) >= 6


@pytest.mark.parametrize("fault", FAULTY)
def test_a_magic_that_fails_shows_no_secret(notebook, center, fault):
    center.faults.append(FAULTY[fault])
    for cell in UNDER_FAULTS:
        notebook.run(fault, cell)
    assert not notebook.found, "\n".join(notebook.found)


def _shown_by_c(cls, text=""):
    """A secret whose `str` has the real characters."""
    made = str.__new__(cls, text)
    secret._REAL.__set__(made, text)
    return made


# What hides a secret, how it is taken out, and where a secret is seen then.
REDACTIONS = {
    "a secret's looks": (
        lambda patch: [
            patch.setattr(Secret, name, lambda self, *_: f"'{self.reveal()}'")
            for name in ("__repr__", "__str__", "__format__")
        ],
        ["objects", "code of the person's own on the stack"],
    ),
    "a secret's characters": (lambda patch: patch.setattr(Secret, "__new__", _shown_by_c), ["objects"]),
    "a dictionary's looks": (
        lambda patch: (patch.delattr(Unshown, "__repr__"), patch.delattr(Unshown, "_repr_pretty_")),
        ["objects"],
    ),
    "what botocore logs": (lambda patch: patch.setattr("sso_magic.kernel.libraries.logs.install", list), ["one cell"]),
    "what a task prints": (
        lambda patch: patch.setattr("sso_magic.each.here.Here.known_secrets", lambda self: []),
        ["each"],
    ),
}


@pytest.mark.parametrize("redaction", REDACTIONS)
def test_with_a_redaction_taken_out_the_same_search_finds_what_leaks(notebook, monkeypatch, redaction):
    take_out, names = REDACTIONS[redaction]
    monkeypatch.setattr("sso_magic.common.redaction.redact", lambda text: text)  # test_displayed.py tests it
    take_out(monkeypatch)
    for name in names:
        assert search(notebook, name), name
        notebook.found.clear()
