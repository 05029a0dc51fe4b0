"""`RoleAccess`: the credentials of a session's roles, from the shared cache or the portal."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from sso_magic.center.sign_in import SignIn
from sso_magic.credentials import role_credentials as role_cache
from sso_magic.errors import CredentialsThrottled, RoleNotAssigned

if TYPE_CHECKING:
    from sso_magic.common.secret import Secret
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.inventory import Account
    from sso_magic.portal import GetRoleCredentialsOutput
    from sso_magic.signin.marks import Mark


class RoleAccess(SignIn):
    """A session that a person signs in to, and the credentials of the roles that it grants."""

    def role_credentials(self, account: Account, role_name: str, *, refresh: bool = False) -> Credentials:
        """Return credentials of a role whose account and name are known; see `Role.credentials`."""
        if not refresh:
            cached = role_cache.load(
                self.session, account.account_id, account.account_name, role_name, self.tokens.mark()
            )
            if cached is not None:
                return cached
        return self._fetch_credentials(account, role_name)

    def _fetch_credentials(self, account: Account, role_name: str) -> Credentials:
        from sso_magic.client.patience import throttled_text
        from sso_magic.client.retry import error_type
        from sso_magic.portal import SSOServiceException

        sign_ins: list[Mark | None] = []

        def ask(token: Secret) -> GetRoleCredentialsOutput:
            sign_ins.append(self.tokens.mark_of(token))
            return self.credentials_portal.get_role_credentials(
                access_token=token, account_id=account.account_id, role_name=role_name
            )

        try:
            output = self.call(ask)
        except SSOServiceException as error:
            if error_type(error) == "throttling":
                raise CredentialsThrottled(throttled_text(error)) from None
            if error.metadata.http_status_code != HTTPStatus.FORBIDDEN or error.name.isdigit():
                raise  # an error without a name is not AWS's: a proxy may have answered
            raise RoleNotAssigned(
                f"The role {role_name} in {account.label} is refused (403, {error.message}): it is not assigned to "
                f"you, or was assigned a moment ago. %sso_roles {account.account_id} lists what you have."
            ) from None
        fetched = role_cache.from_portal(output.role_credentials, account.account_id, account.account_name, role_name)
        sign_in = sign_ins[-1]
        fetched = replace(fetched, sign_in=sign_in.id if sign_in is not None else None)
        role_cache.store(self.session, fetched, self.tokens.mark)
        return fetched
