"""What STS answers from the Identity Center's own records: who the caller is, and roles assumed on top of a role."""

from __future__ import annotations

import math
import re
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from sso_magic.local.keys import assumed_role_arn, role_id
from sso_magic.local.protocols import STS_XMLNS, refuse, respond
from sso_magic.local.sigv4 import body_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sso_magic.local.authority import Authority, Caller
    from sso_magic.local.keys import Minted

_CHAINED_LIMIT = 3600  # seconds: the longest a role assumed with another role's credentials may last


class STS:
    """The actions that must not come from moto, which would answer as a user of its own where its state is gone."""

    def __init__(self, authority: Authority, has_role: Callable[[str], bool]) -> None:
        self._authority = authority
        self._has_role = has_role

    def answer(self, environ: dict[str, Any], start_response: Any, caller: Caller) -> Iterable[bytes] | None:
        """Answer the request; None if it is moto's to answer."""
        fields = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        fields |= {name: values[-1] for name, values in parse_qs(body_of(environ).decode("utf-8", "replace")).items()}
        action = fields.get("Action", "")
        assert caller.keys is not None
        if action == "GetCallerIdentity":
            return respond(start_response, 200, _identity(caller.keys), "text/xml")
        if action == "AssumeRole":
            return self._assume_role(environ, start_response, caller, caller.keys, fields)
        if action in {"GetSessionToken", "GetFederationToken"}:
            message = f"Cannot call {action} with session credentials"
            return refuse(environ, start_response, "query", "AccessDenied", 403, message)
        return None

    def _assume_role(
        self, environ: dict[str, Any], start_response: Any, caller: Caller, keys: Minted, fields: dict[str, str]
    ) -> Iterable[bytes]:
        """Role chaining: any role of an account of the organization but the reserved ones.

        Where roles restrict, it must have been made through IAM.
        """
        arn, name = fields.get("RoleArn", ""), fields.get("RoleSessionName", "")
        duration = fields.get("DurationSeconds", str(_CHAINED_LIMIT))
        invalid = ""
        match = re.fullmatch(r"arn:aws:iam::([0-9]{12}):role/([\w+=,.@/-]+)", arn, re.ASCII)
        if match is None:
            invalid = f"{arn} is invalid"
        elif not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
            invalid = f"Value '{name}' at 'roleSessionName' failed to satisfy constraint: 2 to 64 of [\\w+=,.@-]"
        elif not duration.isdigit() or not 900 <= int(duration) <= _CHAINED_LIMIT:
            invalid = (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        if invalid or match is None:
            return refuse(environ, start_response, "query", "ValidationError", 400, invalid)
        known = caller.organization.account(match[1]) is not None and not match[2].startswith("aws-reserved/")
        if not known or (caller.enforce and not self._has_role(arn)):
            user = assumed_role_arn(keys.role_arn, keys.session_name)
            message = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            return refuse(environ, start_response, "query", "AccessDenied", 403, message)
        lifetime = min(float(duration), caller.role_lifetime)
        chained = self._authority.mint(arn, name, math.ceil(caller.now + lifetime))
        return respond(start_response, 200, _assumed(chained), "text/xml")


def _identity(keys: Minted) -> str:
    return (
        f'<GetCallerIdentityResponse xmlns="{STS_XMLNS}"><GetCallerIdentityResult>'
        f"<Arn>{escape(assumed_role_arn(keys.role_arn, keys.session_name))}</Arn>"
        f"<UserId>{role_id(keys.role_arn)}:{escape(keys.session_name)}</UserId>"
        f"<Account>{keys.account_id}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )


def _assumed(keys: Minted) -> str:
    expiration = datetime.fromtimestamp(keys.expires_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'<AssumeRoleResponse xmlns="{STS_XMLNS}"><AssumeRoleResult>'
        f"<AssumedRoleUser><AssumedRoleId>{role_id(keys.role_arn)}:{escape(keys.session_name)}</AssumedRoleId>"
        f"<Arn>{escape(assumed_role_arn(keys.role_arn, keys.session_name))}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{keys.access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{escape(keys.secret_access_key)}</SecretAccessKey>"
        f"<SessionToken>{escape(keys.session_token)}</SessionToken>"
        f"<Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></AssumeRoleResponse>"
    )
