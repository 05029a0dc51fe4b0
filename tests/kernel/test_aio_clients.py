"""An aiobotocore client keeps its role; a switch names it as long as it is held."""

from __future__ import annotations

import asyncio

import pytest
import s3fs
from aiobotocore.session import get_session

OLD = "dev (111111111111) / ReadOnly."


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


def make(loop, **options):
    async def enter():
        context = get_session().create_client("s3", region_name="eu-west-1", **options)
        return context, await context.__aenter__()

    return loop.run_until_complete(enter())


def test_a_client_that_is_open_in_a_task_is_named_and_keeps_its_role(kernel, role_a, role_b, loop):
    kernel.use(role_a.use())
    context, client = make(loop)
    assert kernel.use(role_b.use()).holders == f"1 aiobotocore client still uses {OLD}"
    keys = loop.run_until_complete(client._request_signer._credentials.get_frozen_credentials())
    assert keys.access_key == role_a.newest()[0]
    loop.run_until_complete(context.__aexit__(None, None, None))
    del context, client
    assert "client" not in (kernel.use(role_b.use()).holders or "")


def test_a_client_with_keys_of_its_own_is_not_named(kernel, role_a, role_b, loop):
    kernel.use(role_a.use())
    context, client = make(loop, aws_access_key_id="AKIAOWN", aws_secret_access_key="x")
    assert "client" not in kernel.use(role_b.use()).holders  # its session is unused, and named
    assert client
    loop.run_until_complete(context.__aexit__(None, None, None))


def test_the_client_of_a_filesystem_is_named_as_the_filesystem(kernel, role_a, role_b):
    kernel.use(role_a.use())
    filesystem = s3fs.S3FileSystem()
    filesystem.connect()
    assert filesystem._s3 is not None
    assert kernel.use(role_b.use()).holders == f"1 s3fs filesystem still uses {OLD}"
