"""What each library calls, or holds, to renew the credentials of one role: see `Role.credential_provider`.

Each provider holds a `Role` and no secret. It gets credentials when the library first asks, passes on their true expiry
with its time zone, and can be pickled, so that it also renews in another process that has a sign-in.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sso_magic.errors import CredentialsError, ParamValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.center.handle import RoleHandle
    from sso_magic.credentials.role_credentials import Credentials


def credential_provider(role: RoleHandle, library: str) -> Any:
    """See `Role.credential_provider`."""
    name = library.lower()
    make = _MAKERS.get(name)
    if make is None:
        raise ParamValidationError(
            f"There is no credential provider for {library!r}; for {', '.join(_MAKERS)} there are."
        )
    try:
        return make(role)
    except ImportError as error:
        raise CredentialsError(
            f"The credential provider for {library} needs {error.name}: pip install {error.name}."
        ) from None


class Provider:
    """A callable that returns valid credentials of one role in the form that a library expects."""

    def __init__(self, role: RoleHandle) -> None:
        self.role = role

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.role!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.role == self.role

    def __hash__(self) -> int:
        return hash((type(self), self.role))

    def _credentials(self) -> Credentials:
        return self.role.renewing().get()


class ObstoreProvider(Provider):
    """For ``obstore.store.S3Store(credential_provider=)``."""

    def __call__(self) -> dict[str, Any]:
        """Return keys and their expiry by obstore's names."""
        from sso_magic.common.secret import Unshown

        keys = self._credentials()
        return Unshown(
            access_key_id=keys.access_key_id.reveal(),
            secret_access_key=keys.secret_access_key.reveal(),
            token=keys.session_token.reveal(),
            expires_at=keys.local_expires_at,
        )


class DaftProvider(Provider):
    """For ``daft.io.S3Config(credentials_provider=)``."""

    def __call__(self) -> Any:
        """Return Daft's `S3Credentials`."""
        from sso_magic.kernel.libraries.daft_config import s3_credentials

        return s3_credentials(self._credentials())


class IcechunkProvider(Provider):
    """For ``icechunk.s3_storage(get_credentials=)``."""

    def __call__(self) -> Any:
        """Return Icechunk's `S3StaticCredentials`."""
        from sso_magic.kernel.libraries.ice import icechunk_credentials

        return icechunk_credentials(self._credentials())


class PolarsProvider(Provider):
    """For ``polars.scan_parquet(credential_provider=)`` and its like."""

    def __call__(self) -> tuple[dict[str, str | None], int]:
        """Return the keys by polars' names, and when they expire (seconds since 1970)."""
        from sso_magic.common.secret import Unshown

        keys = self._credentials()
        options = Unshown(
            aws_access_key_id=keys.access_key_id.reveal(),
            aws_secret_access_key=keys.secret_access_key.reveal(),
            aws_session_token=keys.session_token.reveal(),
        )
        return options, int(keys.local_expires_at.timestamp())


class DuckdbProvider(Provider):
    """For a DuckDB connection, whose secrets hold keys and renew nothing."""

    def __call__(self, connection: Any = None, *, name: str = "sso_magic_role", scope: str | None = None) -> None:
        """Make the connection's S3 secret, or replace it with newer keys.

        Args:
            connection: A DuckDB connection; without one the module's default connection.
            name: The secret's name.
            scope: A prefix such as ``s3://bucket`` that the secret is for; without it, all of S3.

        Raises:
            CredentialsError: The httpfs extension is missing.
        """
        from sso_magic.kernel.libraries.duck import create_secret

        if connection is None:
            import duckdb

            connection = duckdb.default_connection()
        create_secret(connection, self._credentials(), name=name, scope=scope)


def _installed(module: str, make: Callable[[RoleHandle], Any]) -> Callable[[RoleHandle], Any]:
    """Make a provider only if its library can be imported; it fails here rather than inside the library."""

    def made(role: RoleHandle) -> Any:
        importlib.import_module(module)
        return make(role)

    return made


def _s3fs(role: RoleHandle) -> Any:
    from sso_magic.center.role_sessions import aio_session

    return aio_session(role)


def _pyarrow(role: RoleHandle) -> Any:
    import s3fs
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    from sso_magic.credentials import storage_options

    region = storage_options.region()
    filesystem = s3fs.S3FileSystem(
        session=_s3fs(role),
        endpoint_url=storage_options.endpoint(),
        client_kwargs={"region_name": region} if region else {},
    )
    return PyFileSystem(FSSpecHandler(filesystem))


def _pyiceberg(role: RoleHandle) -> dict[str, Any]:
    from sso_magic.center.role_sessions import ROLE_PROPERTY

    importlib.import_module("pyiceberg.io.fsspec")
    importlib.import_module("s3fs")
    return {"py-io-impl": "sso_magic.center.iceberg_io.RoleFileIO", ROLE_PROPERTY: role}


def _boto3(role: RoleHandle) -> Any:
    return role.boto3_session()


def _rasterio(role: RoleHandle) -> Any:
    from rasterio.session import AWSSession

    return AWSSession(role.boto3_session())


def _smart_open(role: RoleHandle) -> dict[str, Any]:
    return {"client": role.boto3_session().client("s3")}


_MAKERS: dict[str, Callable[[RoleHandle], Any]] = {
    "obstore": _installed("obstore", ObstoreProvider),
    "daft": _installed("daft", DaftProvider),
    "icechunk": _installed("icechunk", IcechunkProvider),
    "polars": _installed("polars", PolarsProvider),
    "s3fs": _s3fs,
    "fsspec": _s3fs,
    "pyarrow": _pyarrow,
    "pyiceberg": _pyiceberg,
    "duckdb": _installed("duckdb", DuckdbProvider),
    "boto3": _boto3,
    "pyathena": _boto3,
    "strands": _boto3,
    "awswrangler": _boto3,
    "sagemaker": _boto3,
    "rasterio": _rasterio,
    "smart_open": _smart_open,
}
