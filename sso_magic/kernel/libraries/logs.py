"""botocore's debug log, without the keys that it writes into it.

Measured (botocore 1.43): at DEBUG, `botocore.auth` logs the request that it signs with its session token in it,
`botocore.endpoint` the headers, `botocore.parsers` the whole answer of STS, keys included. A notebook that turns
that log on saves it with its output. So a filter replaces the keys with ``***``; the rest of the line stays.
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
    """A filter that passes every record on, its keys redacted. It is not called where the log is off."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record, and return True."""
        text = record.getMessage()
        shown = _SECRETS.sub(rf"\g<before>{REDACTED}", text)
        if shown != text:
            record.msg, record.args = shown, ()
        return True


_FILTER = KeysLeftOut()


def install() -> None:
    """Add the filter to the loggers; calling it again changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)


def uninstall() -> None:
    """Take the filter out."""
    for name in _LOGGERS:
        logging.getLogger(name).removeFilter(_FILTER)
