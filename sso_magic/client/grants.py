"""The grant types of OAuth that Identity Center knows (RFC 6749 4.1.3 and 6, RFC 8628 3.4)."""

from __future__ import annotations

GRANT_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a literal of the standard
GRANT_AUTHORIZATION_CODE = "authorization_code"
