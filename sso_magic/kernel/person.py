"""Whose credentials these are: the user name that STS returns for them (GetCallerIdentity).

Tokens and the answers of GetRoleCredentials have no user name. Credentials of a permission set are those of an assumed
role whose session name is the person's user name. STS is asked when a renewal fails because the sign-in has ended, when
a role in use is renewed after another sign-in, and for the panel's favorites at the first use of a role after a
sign-in. botocore asks it, if that is installed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials

WITHIN = 5  # seconds to connect, and again for the answer


def name_of(credentials: Credentials) -> str | None:
    """Return the user name that the credentials were issued for; None if that cannot be found out."""
    if credentials.seconds_left() <= 0 or not _sts_is_where_the_portal_is():
        return None
    try:
        from botocore.config import Config
        from botocore.session import Session
    except ImportError:
        return None
    from sso_magic.kernel.libraries import logs
    from sso_magic.kernel.libraries.unowned import without_owner

    logs.install()
    try:
        with without_owner():
            session = Session()
        client = session.create_client(
            "sts",
            region_name=session.get_config_variable("region") or "us-east-1",
            aws_access_key_id=credentials.access_key_id.reveal(),
            aws_secret_access_key=credentials.secret_access_key.reveal(),
            aws_session_token=credentials.session_token.reveal(),
            config=Config(connect_timeout=WITHIN, read_timeout=WITHIN, retries={"max_attempts": 1}),
        )
        arn = client.get_caller_identity()["Arn"]
    except Exception:  # noqa: BLE001 - botocore's errors, and what a broken configuration makes it raise
        return None
    role, _, name = str(arn).rpartition("/")
    return name if ":assumed-role/" in role and name else None


def _sts_is_where_the_portal_is() -> bool:
    """Return False if the portal is at a custom endpoint and STS is not: these credentials are not for AWS."""
    if not (os.environ.get("AWS_ENDPOINT_URL_SSO") or os.environ.get("AWS_ENDPOINT_URL")):
        return True
    return bool(os.environ.get("AWS_ENDPOINT_URL_STS") or os.environ.get("AWS_ENDPOINT_URL"))
