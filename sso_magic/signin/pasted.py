"""The address that the browser ended on, pasted by the person: where the callback cannot be reached.

The address holds the authorization code. It is a `Secret` from where it is read to where its code is redeemed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sso_magic.common.secret import Secret
from sso_magic.signin.browser import CALLBACK_PATH, is_loopback_host

if TYPE_CHECKING:
    from sso_magic.signin.browser import BrowserSignIn

ATTEMPTS = 5  # addresses that may be wrong before the sign-in ends
_LONGEST = 16_384  # characters; AWS's codes have about a thousand
_CODE = re.compile(r"code=([^&#\s]+)")
_WRAPPING = "\"'<>"  # around an address copied from a mail or a chat

EMPTY = "Nothing was pasted. Copy the whole address from the browser's address bar."
TOO_EARLY = "That is the address of the sign-in page. Approve there first, then paste the address that follows."
ELSEWHERE = "That is not the address that the browser ended on: it begins with {callback}."
INCOMPLETE = "That address has no code in it. Copy the whole address from the browser's address bar."
FOREIGN = "That address belongs to another sign-in. Use the page of this one."


def take(attempt: BrowserSignIn, pasted: Secret) -> str | None:
    """Take a pasted address as the browser's answer.

    Args:
        attempt: The sign-in that waits for the answer.
        pasted: The whole address, or its query alone; white space does not matter.

    Returns:
        None if it was the answer, a refusal included; else why not, as one line without a part of the address.
    """
    for code in _CODE.findall(pasted.reveal()):
        Secret(unquote(code))  # known from here on, and so taken out of any traceback
    query, wrong = _query(pasted, attempt)
    if wrong is not None or query is None:
        return wrong
    if attempt.take(query.reveal()) is not None:
        return None
    names = {part.partition("=")[0] for part in query.reveal().split("&")}
    return FOREIGN if "state" in names and names & {"code", "error"} else INCOMPLETE


def _query(pasted: Secret, attempt: BrowserSignIn) -> tuple[Secret | None, str | None]:
    """Return the query of the address, or why there is none."""
    text = "".join(pasted.reveal().split()).strip(_WRAPPING)
    elsewhere = ELSEWHERE.format(callback=attempt.redirect_uri)
    if not text:
        return None, EMPTY
    if len(text) > _LONGEST:
        return None, elsewhere
    address, mark, query = text.partition("?")
    if not mark and "=" in address and "/" not in address.partition("=")[0]:
        address, query = "", text  # the query alone
    query = query.partition("#")[0]
    if address:
        try:
            parts = urlsplit(address if "://" in address else f"http://{address}")
        except ValueError:
            return None, elsewhere
        if parts.path.rstrip("/").endswith("/authorize") or "code_challenge=" in query:
            return None, TOO_EARLY
        if parts.scheme not in ("http", "https") or parts.path != CALLBACK_PATH or not is_loopback_host(parts):
            return None, elsewhere
    return Secret(query), None
