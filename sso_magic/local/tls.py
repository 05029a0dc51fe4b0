"""TLS with the certificate of a throw-away CA, which only clients trust that are given the CA's file."""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
from pathlib import Path

import trustme

from sso_magic.local.files import replace

_BUNDLE = "ca.pem"
_IDENTITY = "server.pem"


class Tls:
    """The CA's file and the server's certificate.

    Args:
        names: Host names and IP addresses that the certificate is for.
        directory: Where both are kept for the next start; default: a temporary directory, removed by `close`.

    Attributes:
        bundle: The CA's certificate, for ``AWS_CA_BUNDLE``.
        identity: The names, the server's key and certificate, and the CA's certificate, in PEM.
    """

    def __init__(self, names: list[str], directory: Path | None = None) -> None:
        self._temporary = directory is None
        self._directory = directory or Path(tempfile.mkdtemp(prefix="sso-magic-local-"))
        self.bundle = self._directory / _BUNDLE
        kept = self._directory / _IDENTITY
        first = f"names: {' '.join(names)}\n".encode()
        self.identity = kept.read_bytes() if kept.exists() else b""
        if not self.identity.startswith(first):
            authority = trustme.CA(organization_name="sso-magic local", organization_unit_name="throw-away CA")
            certificate = authority.issue_cert(*names).private_key_and_cert_chain_pem.bytes()
            self.identity = first + certificate + authority.cert_pem.bytes()
            if not self._temporary:
                replace(kept, self.identity)
        replace(self.bundle, b"-----BEGIN" + self.identity.rpartition(b"-----BEGIN")[2])  # the last one is the CA's

    def close(self) -> None:
        """Remove the temporary directory."""
        if self._temporary:
            shutil.rmtree(self._directory, ignore_errors=True)


def server_context(identity: bytes) -> ssl.SSLContext:
    """Return the context of a server with this key and certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    number, name = tempfile.mkstemp()  # the standard library reads them from files only
    try:
        os.write(number, identity)
        os.close(number)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
    return context
