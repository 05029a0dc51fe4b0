"""What a role may do, if roles are to restrict: the policies of its permission set, by their actions.

A statement that is for certain resources, or holds under conditions, grants nothing and denies nothing here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sso_magic.local.actions import action_of
from sso_magic.local.policies import inline_statements, managed_statements

if TYPE_CHECKING:
    from sso_magic.local.authority import Caller


_ALWAYS = {"sts:GetCallerIdentity"}  # AWS asks no policy for it
_RESERVED = re.compile(r".*/AWSReservedSSO_(.+)_[0-9a-f]{16}")


def denied(environ: dict[str, Any], service: str, caller: Caller) -> str | None:
    """Return the action that the caller's role does not allow; None if the request may go on.

    A role that was assumed on top of another has no permission set, and is not restricted.
    """
    assert caller.keys is not None
    match = _RESERVED.fullmatch(caller.keys.role_arn)
    if match is None:
        return None
    action = action_of(environ, service)
    if action in _ALWAYS:
        return None
    permission_set = caller.organization.permission_set(match[1])
    statements = [one for arn in permission_set.managed_policies for one in managed_statements(arn)]
    statements += inline_statements(permission_set.inline_policy)
    effects = {effect for effect, pattern, is_for in statements if bool(pattern.fullmatch(action)) is is_for}
    return None if effects == {"Allow"} else action
