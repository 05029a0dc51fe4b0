"""A FileIO for PyIceberg that reads and writes S3 as one `Role`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyiceberg.io.fsspec import FsspecFileIO

from sso_magic.center.role_sessions import ROLE_PROPERTY, aio_session

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_S3 = ("s3", "s3a", "s3n")


class RoleFileIO(FsspecFileIO):  # type: ignore[misc]
    """PyIceberg's fsspec FileIO, whose S3 filesystem has a session of the role in its properties."""

    def __init__(self, properties: dict[str, Any]) -> None:
        super().__init__(properties)
        self._scheme_to_fs.update(dict.fromkeys(_S3, _filesystem))


def _filesystem(properties: dict[str, Any]) -> AbstractFileSystem:
    import s3fs

    from sso_magic.credentials import storage_options

    region = properties.get("s3.region") or storage_options.region()
    return s3fs.S3FileSystem(
        session=aio_session(properties[ROLE_PROPERTY]),
        endpoint_url=properties.get("s3.endpoint") or storage_options.endpoint(),
        client_kwargs={"region_name": region} if region else {},
    )
