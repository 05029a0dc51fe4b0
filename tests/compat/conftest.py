"""Two timelines, each run once for keys in the environment and once for the credential endpoint.

Objects are made under A, used across A's expiry, kept while B is used and across A's expiry again, and all is released;
what every library and child process could read at each step is written down. The tests look it up. The default profile
has valid keys of a third account all along, which nothing may ever fall back to while a role is in use.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sso_magic.local import LocalIdentityCenter

collect_ignore = [] if find_spec("ray") else ["test_ray.py"]  # environments.py has an environment with Ray

LIFETIME = 10  # seconds
LIFETIME_OF_CHILDREN = 14  # seconds; they take long to start
A, B, THIRD = "payments-dev", "payments-prod", "data-lake"
CSV = "transactions/2026-10.csv"
HERE = Path(__file__).parent
NODE = HERE.parent / "node"


def bucket(account: str) -> str:
    return f"{account}-data"


def outcome(read: Callable[[], object]) -> str:
    """``reads``, ``refused`` (by the account's owner), ``ended`` (the keys have), ``none`` (no keys), or the error."""
    try:
        return "reads" if read() else "nothing came"
    except Exception as error:  # noqa: BLE001 - what it is, is what is tested
        return classify(f"{type(error).__name__}: {error}")


def classify(text: str) -> str:
    if re.search(r"ExpiredToken|token has expired|HTTP status 400|\(400\)|BadRequest", text):
        return "ended"
    if re.search(r"AccessDenied|Access Denied|Forbidden|ACCESS_DENIED|necessary privileges", text):
        return "refused"
    if re.search(r"NoCredentials|Unable to locate credentials|Could not load credentials|169\.254", text):
        return "none"
    return text


# ---- child processes ----


def missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI has no {what}.")
    pytest.skip(f"there is no {what} here")


def aws_cli() -> str:
    program = os.environ.get("SSO_MAGIC_AWS_CLI") or str(HERE.parents[1] / ".venv-awscli" / "bin" / "aws")
    if not Path(program).exists():
        missing("AWS CLI (SSO_MAGIC_AWS_CLI)")
    return program


def node() -> str:
    program = shutil.which("node")
    if program is None or not (NODE / "node_modules").exists():
        missing("Node with the packages of tests/node")
    return str(program)


class Conversation:
    """A child process that makes its client when it starts, and reads on request."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def read(self, account: str) -> object:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{bucket(account)}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer.startswith("read "):
            raise RuntimeError(answer or "the child has ended")
        return answer

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


class Shell:
    """The environment that a shell, opened now, would give to what is run in it."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._environment = dict(os.environ)

    def read(self, account: str) -> object:
        command = [self._program, "s3", "cp", f"s3://{bucket(account)}/{CSV}", "-"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def close(self) -> None:
        """It is not running."""


def children() -> dict[str, Callable[[], Any]]:
    return {
        "child aws": lambda: Shell(aws_cli()),
        "child Python": lambda: Conversation([sys.executable, str(HERE / "child.py")]),
        "child Node": lambda: Conversation([node(), str(NODE / "s3_child.mjs")]),
    }


# ---- the timelines ----


@dataclass
class Timeline:
    """What came of each step: step -> reader -> outcome, or (outcome from A, outcome from B)."""

    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, step: str, found: dict[str, Any]) -> None:
        self.steps[step] = found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIdentityCenter]:
    """A local Identity Center of this folder's own, signed in to, and an environment that ends with the module."""
    from datetime import datetime, timedelta, timezone

    import requests  # noqa: F401 - before moto's thread imports it too: two at once see half a module

    from sso_magic.common.secret import Secret
    from sso_magic.local import LocalIdentityCenter
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    with pytest.MonkeyPatch.context() as patch, LocalIdentityCenter() as center:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        settings = {"HOME": str(home), "USERPROFILE": str(home), "AWS_DEFAULT_REGION": "eu-west-1"}
        settings |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-west-1", "AWS_ALLOW_HTTP": "true"}
        for name, value in (settings | center.environment()).items():
            patch.setenv(name, value)
        (home / ".aws").mkdir(mode=0o700)
        (home / ".aws" / "config").write_text(center.config_text() + "\n[default]\nregion = eu-west-1\n")
        soon = datetime.now(timezone.utc) + timedelta(hours=1)
        tokens.save(find_session("corp"), tokens.Token(Secret(center.access_token()), soon))
        (home / ".aws" / "credentials").write_text(_third_accounts_keys())
        center.role_lifetime = LIFETIME  # keys that are cached from now on end while the tests wait
        patch.setattr(
            "sso_magic.kernel.kernel_role.KERNEL.forget", lambda *session: None
        )  # between tests; the modules release
        yield center


def _third_accounts_keys() -> str:
    from sso_magic.center.identity_center import IdentityCenter

    keys = IdentityCenter("corp").role(THIRD, "ReadOnly").credentials()
    return (
        f"[default]\naws_access_key_id = {keys.access_key_id.reveal()}\n"
        f"aws_secret_access_key = {keys.secret_access_key.reveal()}\n"
        f"aws_session_token = {keys.session_token.reveal()}\n"
    )


def use(account: str, *, serve: bool) -> str | None:
    """Uses the role; the line that says what still uses another one."""
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.kernel.kernel_role import KERNEL, Use

    center = IdentityCenter("corp")

    def fetch() -> Any:
        return center.role(account, "ReadOnly").credentials(refresh=True)

    return KERNEL.use(Use(fetch(), None, "corp", fetch, serve=serve)).holders


def wait_for_the_end(center: LocalIdentityCenter) -> None:
    """Until all keys of A that there are now have ended."""
    account_id = next(account.id for account in center.organization.accounts if account.name == A)
    ends = [keys.expires_at for keys in list(center.keys.values()) if keys.account_id == account_id]
    time.sleep(max(0, max(ends) - center.clock.now()) + 0.6)


@pytest.fixture(scope="module", params=["keys", "endpoint"])
def in_children(request: pytest.FixtureRequest, here: LocalIdentityCenter) -> Iterator[Timeline]:
    """What child processes could read."""
    from sso_magic.kernel.kernel_role import KERNEL

    serve = request.param == "endpoint"
    here.role_lifetime = LIFETIME_OF_CHILDREN
    found = Timeline()
    start = children()

    def new(account: str) -> dict[str, str]:
        fresh = {name: make() for name, make in start.items()}
        answers = ask(fresh, account)
        for child in fresh.values():
            child.close()
        return answers

    def ask(children: dict[str, Any], account: str) -> dict[str, str]:
        with ThreadPoolExecutor(len(children)) as pool:
            answers = pool.map(lambda child: outcome(lambda: child.read(account)), children.values())
            return dict(zip(children, answers, strict=True))

    def old(account: str) -> dict[str, str]:
        return ask(running, account)

    use(A, serve=serve)
    running = {name: make() for name, make in start.items()}
    found.note("made under A reads A", old(A))
    found.note("A reads A", new(A))
    wait_for_the_end(here)
    found.note("across the expiry", old(A))
    found.note("a new object across the expiry", new(A))
    use(B, serve=serve)
    found.note("B reads B", new(B))
    found.note("B reads A", new(A))
    from_a, from_b = old(A), old(B)
    found.note("made under A, under B, across A's expiry", {name: (from_a[name], from_b[name]) for name in running})
    KERNEL.release()
    found.note("off reads A", new(A))
    found.note("off reads B", new(B))
    write_table(request.param, found)
    yield found
    for child in running.values():
        child.close()
    KERNEL.shutdown()


def write_table(mode: str, found: Timeline) -> None:
    """Keeps what was measured in tests/output, for the README's table."""
    output = HERE.parent / "output"
    output.mkdir(exist_ok=True)
    path = output / f"compat-{mode}.json"
    so_far = json.loads(path.read_text()) if path.exists() else {}
    for step, answers in found.steps.items():
        so_far.setdefault(step, {}).update(answers)
    path.write_text(json.dumps(so_far, indent=1))
