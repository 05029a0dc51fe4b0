"""Fixtures for anybody's tests: an Identity Center with AWS accounts, as it was made, for each test.

    def test_reads_costs(local_aws_environment):
        boto3.Session(profile_name="payments")  # or IdentityCenter("corp"): it is signed in
        ...

Nothing of it is imported before a test asks for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sso_magic.local.center import LocalIdentityCenter


@pytest.fixture(scope="session")
def local_identity_center_server() -> Iterator[LocalIdentityCenter]:
    """The one Identity Center of the test run. Ask for `local_identity_center` instead: it comes clean."""
    from sso_magic.local.center import LocalIdentityCenter

    with LocalIdentityCenter() as center:
        center.wait_until_ready()
        yield center


@pytest.fixture
def local_identity_center(local_identity_center_server: LocalIdentityCenter) -> LocalIdentityCenter:
    """A `LocalIdentityCenter` with AWS accounts: nobody signed in, every knob at its default, an empty log."""
    local_identity_center_server.reset()
    return local_identity_center_server


@pytest.fixture
def local_aws_environment(
    local_identity_center: LocalIdentityCenter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> LocalIdentityCenter:
    """`local_identity_center`, signed in, in an environment that leads every SDK to it and to nothing else.

    HOME is a directory of the test's own: ``~/.aws/config`` has the session ``corp`` and a default region, and the
    first user is signed in to it. Every ``AWS_`` variable is removed but those that point to the Identity Center.
    """
    home = tmp_path / "home"
    config = home / ".aws" / "config"
    config.parent.mkdir(mode=0o700, parents=True)
    config.write_text(
        f"[default]\nregion = {local_identity_center.region}\n\n{local_identity_center.config_text()}", encoding="utf-8"
    )
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in local_identity_center.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("botocore.credentials.SSOProvider", "botocore.tokens.SSOTokenProvider"):
        # botocore resolves HOME when it is imported, which may have been long before this test
        monkeypatch.setattr(f"{name}._SSO_TOKEN_CACHE_DIR", str(home / ".aws" / "sso" / "cache"))
    local_identity_center.sign_in()
    return local_identity_center
