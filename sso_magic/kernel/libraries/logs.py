"""botocore's debug log, without the keys that it writes into it.

Measured (botocore 1.43): at DEBUG, `botocore.auth` logs the request that it signs with its session token in it,
`botocore.endpoint` the headers, `botocore.parsers` the whole answer of STS, keys included. Who turns that log on in a
notebook saves it with the output. So a filter puts ``***`` in their place; the rest of the line stays.
"""

from __future__ import annotations

import logging
import re

from sso_magic.common.secret import REDACTED

_LOGGERS = (
    "botocore.auth",
    "botocore.endpoint",
    "botocore.parsers",
    "botocore.httpsession",
    "urllib3.connectionpool",  # a presigned URL
)
_SECRETS = re.compile(
    r"""
    (?P<before>
        x-amz-security-token(?:=|['"]?:\s*(?:b?['"])?)   # a header, as a line or in a dictionary; a query
        | (?:credential|awsaccesskeyid)=                 # of a signature
        | <(?:AccessKeyId|SecretAccessKey|SessionToken)> # an answer of STS
    )
    [^\s'"&,;<]+
    """,
    re.IGNORECASE | re.VERBOSE,
)


class KeysLeftOut(logging.Filter):
    """Passes every record on, its keys redacted. Costs nothing where the log is off: it is not asked then."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True, always."""
        text = record.getMessage()
        shown = _SECRETS.sub(rf"\g<before>{REDACTED}", text)
        if shown != text:
            record.msg, record.args = shown, ()
        return True


_FILTER = KeysLeftOut()


def install() -> None:
    """Puts the filter in; once is enough."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)


def uninstall() -> None:
    """Takes it out."""
    for name in _LOGGERS:
        logging.getLogger(name).removeFilter(_FILTER)
