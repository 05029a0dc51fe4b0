"""What a front end can offer beside a cell's error: a magic that removes its cause, before the cell runs again.

A front end that does not know the message shows the error's text, which names the same magic.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sso_magic.errors import RoleNotAssigned, SignInCanceled, SignInDenied, SignInExpired, SignInRequired

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGN_IN = "%sso_login"
_SIGN_IN_AGAIN = (SignInRequired, SignInExpired, SignInCanceled, SignInDenied)
# botocore's classes, by name: this module must not import it.
_SIGN_IN_AGAIN_NAMES = {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError"}
# The codes by which AWS services say that temporary credentials have expired.
_EXPIRED_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_DEPTH = 10  # errors in a chain of causes that are looked at


def offer(error: BaseException | None) -> dict[str, str] | None:
    """Return what can be done about an error: ``kind`` (sign-in, expired or not-assigned) and ``magic``, or None.

    Libraries wrap the errors of boto3: the causes of the error count too.
    """
    for one in _chain(error):
        if isinstance(one, _SIGN_IN_AGAIN):
            return {"kind": "sign-in", "magic": _named_magic(one)}
        if isinstance(one, RoleNotAssigned):
            return {"kind": "not-assigned", "magic": "%sso_inventory --refresh"}
        if _SIGN_IN_AGAIN_NAMES & {base.__name__ for base in type(one).__mro__}:
            return {"kind": "sign-in", "magic": SIGN_IN}
        if _code(one) in _EXPIRED_CODES:
            return {"kind": "expired", "magic": SIGN_IN}
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes, as a traceback shows them."""
    for _ in range(_DEPTH):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _named_magic(error: BaseException) -> str:
    """Return the sign-in that the message of an error ends with, ``Run %sso_login corp``; else one without a name."""
    found = re.search(rf"Run ({SIGN_IN} \S+(?: --sso-region \S+)?)$", str(error).rstrip("."))
    return found[1] if found else SIGN_IN


def _code(error: BaseException) -> Any:
    """Return the code of a botocore ClientError; None for any other error."""
    response = getattr(error, "response", None)
    found = response.get("Error") if isinstance(response, dict) else None
    code = found.get("Code") if isinstance(found, dict) else None
    return code if isinstance(code, str) else None
