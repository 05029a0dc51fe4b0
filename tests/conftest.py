"""What every test gets: an environment of its own, a HOME of its own, nothing left in the process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty HOME and no AWS setting of the machine; everything as it was afterwards, for this package writes there."""
    before = dict(os.environ)
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower() in {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}:
            del os.environ[name]
    os.environ["HOME"] = os.environ["USERPROFILE"] = str(home)
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # nothing may look for an instance's credentials
    yield home
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def no_role_in_use() -> Iterator[None]:
    """The role of one test is not the next one's."""
    yield
    from sso_magic.kernel import KERNEL

    KERNEL.forget()


@pytest.fixture
def no_new_threads() -> Iterator[None]:
    """Fails a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    assert left == []
