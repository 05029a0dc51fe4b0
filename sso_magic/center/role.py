"""`Role`: an account and a role in it, as one handle that libraries can be given.

A `Role` holds no credentials of its own. It gets them when they are first needed, from the cache shared with the AWS
CLI or from the portal, and shares them with everything else in this process that uses the same role. It can be pickled:
the pickle has the names only, and the process that reads it signs its own requests with its own sign-in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.errors import ConfigError
from sso_magic.kernel.kernel_role import KERNEL, Layer, Use
from sso_magic.signin.sessions import Session

if TYPE_CHECKING:
    import boto3
    import pandas as pd

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.credentials.storage_options import StorageOptions
    from sso_magic.inventory import Account
    from sso_magic.kernel.renewal import RenewingRole


class RoleCenter(Protocol):
    """The Identity Center that grants a role; `sso_magic.center.identity_center.IdentityCenter` is one.

    Attributes:
        session: The session that is signed in to.
    """

    session: Session

    def role_credentials(self, account: Account, role_name: str, *, refresh: bool = False) -> Credentials:
        """Return credentials of a role whose account and name are known."""

    @classmethod
    def shared(cls, session: str | Session) -> RoleCenter:
        """Return the one object of this session in this process."""


class Role:
    """A role in an account. Made by `IdentityCenter.role`; safe to use from many threads.

    Args:
        center: The Identity Center that grants the role.
        account: The account, resolved.
        role_name: The permission set's name.
    """

    def __init__(self, center: RoleCenter, account: Account, role_name: str) -> None:
        self._account = account
        self._role_name = role_name
        self._session = (center.session.name, center.session.start_url, center.session.sso_region)
        self._known_center: RoleCenter | None = center
        self._center_class = type(center)
        self._shared: RenewingRole | None = None  # kept, so that all that this object hands out renews once

    @property
    def account_id(self) -> str:
        """12 digits."""
        return self._account.account_id

    @property
    def account_name(self) -> str | None:
        """The account's name; None where it is not known."""
        return self._account.account_name

    @property
    def role_name(self) -> str:
        """The permission set's name."""
        return self._role_name

    def __repr__(self) -> str:
        name, start_url, _ = self._session
        account = f"{self.account_name} ({self.account_id})" if self.account_name else self.account_id
        return f"Role({account} / {self.role_name}, session {name or start_url})"

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Role) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return (*self._session, self.account_id, self.role_name)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known_center": None, "_shared": None}

    def credentials(self, *, refresh: bool = False) -> Credentials:
        """Return credentials that are valid for at least 15 minutes, from the shared cache if it has such.

        Args:
            refresh: Ask the portal even though cached credentials are valid.

        Returns:
            The credentials; they do not renew. Redacted wherever they are shown.

        Raises:
            RoleNotAssigned: The portal refuses the role (403).
            SignInRequired: There is no valid access token.
        """
        return self._center.role_credentials(self._account, self.role_name, refresh=refresh)

    def boto3_session(self, *, region: str | None = None) -> boto3.session.Session:
        """Return a boto3 session that renews its credentials and stays this role.

        Args:
            region: For the work done; without it boto3 finds one as usual.

        Raises:
            CredentialsError: boto3 is not installed.
            RoleNotAssigned: The portal refuses the role (403).
            SignInRequired: There is no valid access token.
        """
        from sso_magic.kernel.libraries.boto_session import boto3_session

        return boto3_session(self.renewing(), region)

    def records(
        self, service: str, operation: str, path: str = "", *, region: str | None = None, **parameters: Any
    ) -> pd.DataFrame:
        """Return what a boto3 call finds in the account, all pages, as a DataFrame.

        ``role.records("ec2", "describe_instances", "Reservations[].Instances[]")``

        Args:
            service: The service, as boto3 names it: ``ec2``.
            operation: The client's method: ``describe_instances``.
            path: JMESPath into an answer; without it a row for each page.
            region: For the work done; without it boto3 finds one as usual.
            **parameters: The call's: ``Filters=[...]``.

        Returns:
            DataFrame: account_id, account_name, region (strings), and a column for each member of the records: strings,
            Int64, Float64, boolean, datetime64[ns, UTC]; lists and structures stay objects. Values that are no
            structures are in the column ``value``.

        Raises:
            CredentialsError: boto3 is not installed.
            UsageError: The service has no such operation, or the path is not JMESPath.
            RoleNotAssigned: The portal refuses the role (403).
            SignInRequired: There is no valid access token.
            botocore.exceptions.ClientError: The service refuses the call.
        """
        from sso_magic.inventory.records import records, typed_frame

        session = self.boto3_session(region=region)
        found = records(session, service, operation, path, parameters)
        front = {"account_id": self.account_id, "account_name": self.account_name, "region": session.region_name}
        return typed_frame(found, front)

    def storage_options(self, library: str = "s3fs") -> StorageOptions:
        """Return what a library takes as keys, with the region and endpoint that the environment names.

        The keys do not renew; `credential_provider` gives what does.

        ===================================================  ========================================================
        library                                              what takes them
        ===================================================  ========================================================
        ``s3fs``, ``fsspec``, ``pandas``, ``dask``,          ``storage_options=``, ``s3fs.S3FileSystem(**options)``
        ``zarr``, ``xarray``
        ``polars``, ``lance``, ``object_store``              ``storage_options=``
        ``deltalake``                                        ``storage_options=``
        ``obstore``                                          ``S3Store(bucket, **options)``
        ``pyarrow``                                          ``pyarrow.fs.S3FileSystem(**options)``
        ``daft``                                             ``daft.io.S3Config(**options)``
        ``boto3``                                            ``boto3.client("s3", **options)``
        ===================================================  ========================================================

        Args:
            library: One of these names.

        Raises:
            ParamValidationError: This package knows no such library; lists those it knows.
            ConfigError: The endpoint that the environment names is not a URL.
            RoleNotAssigned: The portal refuses the role (403).
            SignInRequired: There is no valid access token.
        """
        from sso_magic.credentials.storage_options import check, storage_options

        check(library)
        return storage_options(self.credentials(), library)

    def credential_provider(self, library: str) -> Any:
        """Return what a library calls, or holds, to renew credentials; it stays this role.

        ===============  ========================================================================================
        library          what it is given to
        ===============  ========================================================================================
        ``obstore``      ``S3Store(..., credential_provider=)``
        ``daft``         ``daft.io.S3Config(credentials_provider=)``
        ``icechunk``     ``icechunk.s3_storage(get_credentials=)``
        ``polars``       ``polars.scan_parquet(..., credential_provider=)``
        ``s3fs``         ``s3fs.S3FileSystem(session=)``, also as ``fsspec``
        ``pyarrow``      a filesystem for ``pyarrow.dataset.dataset(..., filesystem=)``
        ``pyiceberg``    properties for ``load_catalog("name", **properties)``
        ``duckdb``       called with a connection: makes its S3 secret, and replaces it when it is called again
        ``boto3``        a session for whatever takes one: PyAthena, strands, awswrangler, SageMaker
        ``rasterio``     ``rasterio.Env(session=)``
        ``smart_open``   ``smart_open.open(..., transport_params=)``
        ===============  ========================================================================================

        The credentials are got when the library first asks for them, and their true expiry is passed on.

        Raises:
            ParamValidationError: This package knows no such library; lists those it knows.
            CredentialsError: The library is not installed.
        """
        from sso_magic.center.credential_providers import credential_provider

        return credential_provider(self, library)

    def console_url(self, *, destination: str | None = None) -> str:
        """Return the portal's link into the account's console. It holds no secret.

        Args:
            destination: The console page to open.
        """
        return self._center.session.console_link(self.account_id, self.role_name, destination)

    def use(self, *, region: str | None = None, serve: bool = False) -> Layer:
        """Put the role's credentials in this kernel's environment; as a context manager, until the block ends.

        Args:
            region: For the work done; without it the region stays as it is.
            serve: Put the address of a credential endpoint on loopback there instead of the keys, so that child
                processes, and readers in other languages that look there, renew automatically.

        Returns:
            The use: a context manager that restores the environment at its end.

        Raises:
            RoleNotAssigned: The portal refuses the role (403).
            SignInRequired: There is no valid access token.
        """
        return KERNEL.use(self.prepared(region=region, serve=serve))

    def prepared(self, *, region: str | None = None, serve: bool = False) -> Use:
        """Return what `use` puts in the environment, with the same arguments; nothing is changed yet.

        Raises:
            RoleNotAssigned: The portal refuses the role (403).
            SignInRequired: There is no valid access token.
        """
        return Use(self.credentials(), region, self._center.session.label, self._refresh, serve=serve)

    def renewing(self) -> RenewingRole:
        """Return the credentials that renew, shared by all that uses this role in this process.

        Raises:
            RoleNotAssigned: The portal refuses the role (403).
            SignInRequired: There is no valid access token.
        """
        if self._shared is None or self._shared.latest.seconds_left() <= 0:
            self._shared = KERNEL.role(self._center.session.label, self.credentials(), self._refresh)
        return self._shared

    def _refresh(self) -> Credentials:
        return self.credentials(refresh=True)

    @property
    def _center(self) -> RoleCenter:
        """The Identity Center; in a process that has unpickled this object, found by the session's name."""
        if self._known_center is None:
            name, start_url, sso_region = self._session
            center = self._center_class.shared(name if name is not None else Session(None, start_url, sso_region))
            if center.session.start_url != start_url:
                raise ConfigError(
                    f"The session {name} has the start URL {center.session.start_url} here, and {start_url} where this "
                    "role was pickled. Give the two sessions different names in ~/.aws/config."
                )
            self._known_center = center
        return self._known_center
