"""Role credentials in the form in which each library takes keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from sso_magic.client.endpoints import check_endpoint
from sso_magic.common.secret import Unshown
from sso_magic.errors import ParamValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.common.secret import Secret


class Keys(Protocol):
    """The keys of a role; `sso_magic.Credentials` has them."""

    @property
    def access_key_id(self) -> Secret:
        """``ASIA`` and 16 characters."""

    @property
    def secret_access_key(self) -> Secret:
        """The key that signs requests."""

    @property
    def session_token(self) -> Secret:
        """The token that goes with each request."""


class StorageOptions(Unshown):
    """What a library takes: real, but not shown."""


def storage_options(credentials: Keys, library: str) -> StorageOptions:
    """See `Credentials.as_storage_options`."""
    make = _MAKERS[check(library)]
    made = make(credentials, region(), endpoint())
    return StorageOptions({name: value for name, value in made.items() if value is not None})


def check(library: str) -> str:
    """Return the library's name in lower case.

    Raises:
        ParamValidationError: There are no storage options for it; lists the libraries that have some.
    """
    name = library.lower()
    if name not in _MAKERS:
        raise ParamValidationError(f"There are no storage options for {library!r}; for {', '.join(_MAKERS)} there are.")
    return name


def region() -> str | None:
    """Return the region that the environment names."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def endpoint() -> str | None:
    """Return the endpoint of S3 that the environment names.

    Raises:
        ConfigError: It is not a URL.
    """
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if url := os.environ.get(variable):
            return check_endpoint(url, variable)
    return None


def _s3fs(credentials: Keys, region: str | None, endpoint: str | None) -> dict[str, Any]:
    return {
        "key": credentials.access_key_id.reveal(),
        "secret": credentials.secret_access_key.reveal(),
        "token": credentials.session_token.reveal(),
        "endpoint_url": endpoint,
        "client_kwargs": {"region_name": region} if region else None,
    }


def _object_store(credentials: Keys, region: str | None, endpoint: str | None) -> dict[str, Any]:
    return {
        "aws_access_key_id": credentials.access_key_id.reveal(),
        "aws_secret_access_key": credentials.secret_access_key.reveal(),
        "aws_session_token": credentials.session_token.reveal(),
        "aws_region": region,
        "aws_endpoint_url": endpoint,
        "aws_allow_http": "true" if endpoint and urlsplit(endpoint).scheme == "http" else None,
    }


def _deltalake(credentials: Keys, region: str | None, endpoint: str | None) -> dict[str, Any]:
    return {name.upper(): value for name, value in _object_store(credentials, region, endpoint).items()}


def _obstore(credentials: Keys, region: str | None, endpoint: str | None) -> dict[str, Any]:
    is_plain_http = endpoint is not None and urlsplit(endpoint).scheme == "http"
    return {
        "access_key_id": credentials.access_key_id.reveal(),
        "secret_access_key": credentials.secret_access_key.reveal(),
        "session_token": credentials.session_token.reveal(),
        "region": region,
        "endpoint": endpoint,
        "client_options": {"allow_http": True} if is_plain_http else None,
    }


def _daft(credentials: Keys, region: str | None, endpoint: str | None) -> dict[str, Any]:
    return {
        "key_id": credentials.access_key_id.reveal(),
        "access_key": credentials.secret_access_key.reveal(),
        "session_token": credentials.session_token.reveal(),
        "region_name": region,
        "endpoint_url": endpoint,
    }


def _boto3(credentials: Keys, region: str | None, endpoint: str | None) -> dict[str, Any]:
    return {
        "aws_access_key_id": credentials.access_key_id.reveal(),
        "aws_secret_access_key": credentials.secret_access_key.reveal(),
        "aws_session_token": credentials.session_token.reveal(),
        "region_name": region,
        "endpoint_url": endpoint,
    }


def _pyarrow(credentials: Keys, region: str | None, endpoint: str | None) -> dict[str, Any]:
    parts = urlsplit(endpoint or "")
    return {
        "access_key": credentials.access_key_id.reveal(),
        "secret_key": credentials.secret_access_key.reveal(),
        "session_token": credentials.session_token.reveal(),
        "region": region,
        "scheme": parts.scheme or None,
        "endpoint_override": parts.netloc or None,
    }


_MAKERS: dict[str, Callable[[Keys, str | None, str | None], dict[str, Any]]] = {
    "s3fs": _s3fs,
    "fsspec": _s3fs,
    "pandas": _s3fs,
    "dask": _s3fs,
    "zarr": _s3fs,
    "xarray": _s3fs,
    "polars": _object_store,
    "lance": _object_store,
    "object_store": _object_store,
    "deltalake": _deltalake,
    "obstore": _obstore,
    "pyarrow": _pyarrow,
    "daft": _daft,
    "boto3": _boto3,
}
