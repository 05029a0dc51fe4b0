"""An organization of many accounts, and somebody signed in to it."""

from __future__ import annotations

import _thread
import contextlib
import logging
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cloudpickle
import pytest

from sso_magic.local import Organization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from distributed import Client, LocalCluster

    from sso_magic import IdentityCenter
    from sso_magic.local import LocalIdentityCenter

REGION = "eu-west-1"

sys.path.insert(0, str(Path(__file__).parent))  # folders of tests are no packages to import from

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # as for functions of a notebook


def organization_of(number: int) -> Organization:
    """So many accounts with ReadOnly, every other one with Billing too, named so that no order is the ids'."""
    organization = Organization()
    organization.add_user("alex")
    for place in range(number):
        account_id = f"{(place * 7919 + 3) * 1_000_003 % 10**12:012}"
        organization.add_account(account_id, f"team-{place * 37 % number:03}", f"aws-{place}@example.com")
        organization.assign("alex", account_id, "ReadOnly", *(["Billing"] if place % 2 else []))
    return organization


@pytest.fixture
def many(signed_in: LocalIdentityCenter, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], IdentityCenter]:
    """Makes the organization one of so many accounts; gives the `IdentityCenter` that is signed in to it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)

    def make(number: int) -> IdentityCenter:
        from sso_magic.center.shared import shared_center

        signed_in.organization = organization_of(number)
        return shared_center()

    return make


@pytest.fixture
def each_threads_end() -> Callable[[], None]:
    """Waits until every thread of a run has ended; fails if one does not."""

    def check() -> None:
        deadline = time.monotonic() + 120  # a throttled call that is under way is repeated for a minute
        while left := [thread.name for thread in threading.enumerate() if thread.name.startswith("sso_magic each")]:
            assert time.monotonic() < deadline, left
            time.sleep(0.01)

    return check


def who_am_i(here) -> dict[str, str]:
    """What AWS says, which is to be what the task was given."""
    said = here.session.client("sts").get_caller_identity()
    assert said["Account"] == here.account.id
    assert f"AWSReservedSSO_{here.role_name}_" in said["Arn"]
    return {"said": said["Account"], "arn": said["Arn"]}


@pytest.fixture
def whoami():
    return who_am_i


@pytest.fixture(scope="session")
def cluster(local_identity_center_server: LocalIdentityCenter) -> Iterator[LocalCluster]:
    """Two worker processes, as a person has them: pointed at AWS, and with no credentials."""
    from distributed import LocalCluster

    environment = {
        **local_identity_center_server.environment(),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        processes=True,
        dashboard_address="127.0.0.1:0",
        env=environment,
        silence_logs=logging.CRITICAL,
    ) as made:
        yield made


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    """The current client of the cluster, with all its workers there; no role stays on them."""
    from distributed import Client

    from sso_magic.kernel.kernel_role import KERNEL

    with Client(cluster) as made:
        made.wait_for_workers(2, timeout=60)
        yield made
        KERNEL.forget()


@pytest.fixture
def without_the_package(client: Client) -> Callable[[], AbstractContextManager[None]]:
    """While it lasts, this package cannot be imported on the workers."""

    def hide() -> None:
        class Nowhere:
            def find_spec(self, name, path, target=None):
                if name.partition(".")[0] == "sso_magic":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        names = [name for name in sys.modules if name.partition(".")[0] == "sso_magic"]
        sys.meta_path.insert(0, Nowhere())
        sys.hidden = {name: sys.modules.pop(name) for name in names}

    def show() -> None:
        sys.meta_path.pop(0)
        sys.modules.update(sys.hidden)

    @contextlib.contextmanager
    def hidden() -> Iterator[None]:
        client.run(hide)
        try:
            yield
        finally:
            client.run(show)

    return hidden


@pytest.fixture
def interrupt_when() -> Callable[[Callable[[], object]], None]:
    """Sends an interrupt to the main thread as soon as a condition holds."""

    def send(condition: Callable[[], object]) -> None:
        def wait() -> None:
            while not condition():
                time.sleep(0.01)
            _thread.interrupt_main()

        threading.Thread(target=wait, name="interrupting", daemon=True).start()

    return send


@pytest.fixture
def run(shell, signed_in, capsys, monkeypatch):
    """Run a cell of a notebook; return what it returned and what was printed."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    def do(cell: str):
        capsys.readouterr()
        result = shell.run_cell(cell)
        out = capsys.readouterr()
        if result.error_in_exec is not None:
            raise result.error_in_exec
        return result.result, out.out

    return do
