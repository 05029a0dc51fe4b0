"""Role credentials that were minted here: whose they are and until when."""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass, field

_KEY_LETTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Minted:
    """Temporary keys of a role in an account.

    `expires_at` is in seconds since the epoch, by the Identity Center's clock.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    account_id: str
    role_arn: str
    session_name: str
    expires_at: float


def reserved_role_arn(account_id: str, role: str) -> str:
    """The IAM role that Identity Center makes for a permission set in an account.

    The sixteen digits at its end are the same for the same account and role.
    """
    suffix = hashlib.sha256(f"{account_id}/{role}".encode()).hexdigest()[:16]
    return f"arn:aws:iam::{account_id}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_{role}_{suffix}"


def role_id(role_arn: str) -> str:
    """Return the unique id of a role, the same for the same ARN."""
    digest = hashlib.sha256(role_arn.encode()).digest()
    return "AROA" + "".join(_KEY_LETTERS[byte % len(_KEY_LETTERS)] for byte in digest[:17])


def assumed_role_arn(role_arn: str, session_name: str) -> str:
    """Return the ARN of a session of the role."""
    account_id = role_arn.split(":")[4]
    return f"arn:aws:sts::{account_id}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/{session_name}"


def random_keys(account_id: str, role_arn: str, session_name: str, expires_at: float) -> Minted:
    """Return new keys that look like AWS's."""
    return Minted(
        "ASIA" + "".join(secrets.choice(_KEY_LETTERS) for _ in range(16)),
        secrets.token_urlsafe(30),
        "IQoJb3JpZ2luX2Vj" + secrets.token_urlsafe(96),
        account_id,
        role_arn,
        session_name,
        expires_at,
    )
