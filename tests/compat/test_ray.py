"""Ray's workers on this machine get a role's keys from the kernel's endpoint, by the `runtime_env` of their tasks.

`environments.py` runs this in an environment that has Ray; it is not collected elsewhere.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import ray

sys.path[:0] = [str(Path(__file__).parent)]

from conftest import A, B, use  # noqa: E402 - it lies beside this file

from sso_magic.kernel.kernel_role import KERNEL  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]

NAMES = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")  # as in the guide


def runtime_env() -> dict[str, dict[str, str]]:
    return {"env_vars": {name: os.environ[name] for name in NAMES}}


@ray.remote
def ask(keys: int) -> tuple[list[str], list[str]]:
    """Return the accounts that a client worked in, and how its keys were found, until it has had so many keys."""
    import time

    import boto3

    session = boto3.Session()
    client = session.client("sts")
    accounts, seen = set(), set()
    while len(seen) < keys:
        accounts.add(client.get_caller_identity()["Account"])
        seen.add(session.get_credentials().access_key)
        time.sleep(0.2)
    return sorted(accounts), [session.get_credentials().method]


@pytest.fixture(scope="module")
def found(here):
    """What tasks of two roles answered, and what Ray's files have of the secrets."""
    place, found = Path(os.environ["HOME"]) / "r", {}
    use(A, serve=True)
    ray.init(num_cpus=2, include_dashboard=False, runtime_env=runtime_env(), _temp_dir=str(place))
    found["A"] = ray.get(ask.remote(1))
    running = ask.remote(3)
    use(B, serve=True)
    found["B"] = ray.get(ask.options(runtime_env=runtime_env()).remote(2))
    found["A, three keys, B in use meanwhile"] = ray.get(running)
    found["the cluster's own runtime_env"] = ray.get(ask.remote(1))
    secrets = [os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]]
    for keys in list(here.keys.values()):
        secrets += [keys.secret_access_key, keys.session_token]
    files = [path for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
    texts = {path.name: path.read_bytes() for path in files}
    found["files with an address"] = [name for name, text in texts.items() if b"/role/" in text]
    found["files with a secret"] = [
        name for name, text in texts.items() if any(secret.encode() in text for secret in secrets)
    ]
    yield found
    ray.shutdown()
    KERNEL.shutdown()


def account_id(here, name: str) -> str:
    return next(account.id for account in here.organization.accounts if account.name == name)


def test_a_client_in_a_task_renews_its_keys_and_stays_in_its_account_after_a_switch(here, found):
    of_a, of_b = (([account_id(here, name)], ["container-role"]) for name in (A, B))
    assert found["A"] == found["A, three keys, B in use meanwhile"] == found["the cluster's own runtime_env"] == of_a
    assert found["B"] == of_b


def test_rays_files_have_neither_keys_nor_the_endpoints_token(found):
    assert found["files with an address"] != []
    assert found["files with a secret"] == []
