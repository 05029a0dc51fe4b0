"""A cluster in the kernel's process logs what it has sent: that is no use of a role, and is not named as one."""

from __future__ import annotations

import time

import pyarrow.fs
import pytest
import s3fs

from sso_magic.center.shared import shared_center
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.kernel.libraries import arrow, arrow_lazy


@pytest.fixture
def role(signed_in, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield shared_center().role
    KERNEL.forget()
    for known in (arrow._roles, arrow_lazy.LAZY):
        known.clear()


def is_done(cluster, future) -> None:
    """Wait until the scheduler has dropped the task."""
    key = future.key
    future.result(90)
    del future
    deadline = time.monotonic() + 90
    while key in cluster.scheduler.tasks:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_filesystem_that_was_in_the_arguments_of_a_task_is_not_named(role, client, cluster):
    with role("payments-prod", "ReadOnly").use():
        for _ in range(2):
            is_done(cluster, client.submit(str, pyarrow.fs.S3FileSystem(), pure=False))
            is_done(cluster, client.submit(str, s3fs.S3FileSystem(), pure=False))
    assert KERNEL.find_holders() is None


def test_one_that_the_scheduler_keeps_to_run_the_task_again_is_named(role, client, cluster):
    with role("payments-prod", "ReadOnly").use():
        future = client.submit(str, pyarrow.fs.S3FileSystem(), pure=False)
        future.result(90)
    assert KERNEL.find_holders().startswith("1 pyarrow filesystem still uses payments-prod (")
