"""The administrator's APIs: SSO Admin, Identity Store and Organizations, over the Identity Center's own organization.

moto answers. Before each request its backends are made equal to the organization (`moto_organization`); what a request
changes in them is sent back as edits (`organization_edits`) before it is answered, so the next sign-in has it.
`administration_rules` refuses what moto takes and AWS does not, and answers a few operations that moto lacks.

Any role in the organization's management account may administer it, within its policies if roles restrict.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from sso_magic.local import locks
from sso_magic.local.actions import operation_of
from sso_magic.local.keys import assumed_role_arn
from sso_magic.local.protocols import refuse, respond
from sso_magic.local.sigv4 import body_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sso_magic.local.authority import Authority, Caller
    from sso_magic.local.directory import Account
    from sso_magic.local.keys import Minted
    from sso_magic.local.sigv4 import Signature

SERVICES = frozenset({"sso", "identitystore", "organizations"})  # as requests are signed for them
_READS = ("List", "Describe", "Get", "Is")
_OF_EVERY_ACCOUNT = {"DescribeOrganization"}
# Several Identity Centers in one process share moto's backends, and so this lock.
_LOCK = locks.Lock()


class Administration:
    """Answers requests for these services.

    Args:
        application: moto's WSGI application.
        authority: Has the organization.
        region: The Identity Center's region.
    """

    def __init__(self, application: Any, authority: Authority, region: str) -> None:
        self._application = application
        self._authority = authority
        self._region = region

    def answer(
        self, signature: Signature, keys: Minted, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        """Answer a request whose signature is right.

        Raises:
            NotImplementedError: moto does not have the operation.
        """
        operation, body = operation_of(environ), _body(environ)
        with _LOCK:
            # The organization may have changed while another request held the lock.
            caller = self._authority.look_up(keys.access_key_id)
            management = caller.organization.management_account
            if management is None or (keys.account_id != management.id and operation not in _OF_EVERY_ACCOUNT):
                why = _not_the_administrator(signature.service, operation, keys, management)
                return refuse(environ, start_response, "json", "AccessDeniedException", 400, why)
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = management.id
            return self._administer(signature, operation, body, caller, management, environ, start_response)

    def _administer(
        self,
        signature: Signature,
        operation: str,
        body: dict[str, Any],
        caller: Caller,
        management: Account,
        environ: dict[str, Any],
        start_response: Any,
    ) -> Iterable[bytes]:
        from sso_magic.local.administration_rules import Refused, Rules
        from sso_magic.local.moto_organization import MotoOrganization
        from sso_magic.local.organization_edits import Snapshot, edits

        backends = MotoOrganization(management, self._region)
        if not backends.is_at(caller.state):
            backends.push(caller.organization, caller.state)
        try:
            answered = Rules(backends, signature.region).apply(signature.service, operation, body)
        except Refused as refused:
            return refuse(environ, start_response, "json", refused.code, 400, str(refused))
        if answered is None:
            _replace_body(environ, body)
            answer: Iterable[bytes] = self._application(environ, start_response)
        else:
            answer = respond(start_response, 200, json.dumps(answered), "application/x-amz-json-1.1")
        if not operation.startswith(_READS) and backends.is_at(caller.state):
            backends.prune()
            changes = edits(Snapshot.of(caller.organization), backends.pull())
            if changes:
                self._authority.edit(caller.state, changes)
        return answer


def _body(environ: dict[str, Any]) -> dict[str, Any]:
    try:
        value = json.loads(body_of(environ) or b"{}")
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _replace_body(environ: dict[str, Any], body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(data), str(len(data))


def _not_the_administrator(service: str, operation: str, keys: Minted, management: Account | None) -> str:
    user = assumed_role_arn(keys.role_arn, keys.session_name)
    which = f" ({management.id})" if management is not None else ""
    return (
        f"User: {user} is not authorized to perform: {service}:{operation} because account {keys.account_id} is not "
        f"the organization's management account{which}"
    )
