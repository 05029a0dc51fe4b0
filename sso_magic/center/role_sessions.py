"""aiobotocore sessions of one `Role`, for s3fs and what is built on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiobotocore.credentials
import aiobotocore.session

from sso_magic.kernel.libraries.boto import METHOD, metadata

if TYPE_CHECKING:
    from sso_magic.center.handle import RoleHandle

ROLE_PROPERTY = "sso-magic.role"  # of PyIceberg's FileIO; it holds a `Role`


class RoleAioSession(aiobotocore.session.AioSession):  # type: ignore[misc]
    """A session whose credentials are fetched when the first request is signed, on a thread and not on the loop."""

    def __init__(self, role: RoleHandle) -> None:
        super().__init__()
        self.role = role
        self._credentials = aiobotocore.credentials.AioDeferredRefreshableCredentials(self._refresh, METHOD)

    def __repr__(self) -> str:
        return f"RoleAioSession({self.role!r})"

    def __reduce__(self) -> tuple[Any, tuple[RoleHandle]]:
        return aio_session, (self.role,)

    async def _refresh(self) -> dict[str, str]:
        return await asyncio.to_thread(lambda: metadata(self.role.renewing().get()))


def aio_session(role: RoleHandle) -> RoleAioSession:
    """Return an aiobotocore session of this role, which renews and can be pickled."""
    return RoleAioSession(role)
