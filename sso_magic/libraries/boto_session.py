"""boto3 sessions for hundreds of accounts: each of its own role, all with one reading of botocore's service models.

Measured: a boto3 session takes 5 ms and its first client 105 ms, of which 100 go into reading and parsing JSON that is
the same for every session; with one loader for all of them a client takes 3 ms. That is all a loader has: which
services there are. Credentials, region, configuration and event handlers are each session's own.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from sso_magic.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from sso_magic.renewal import RenewingRole

_LOCK = threading.RLock()


def session_of(role: RenewingRole, region: str | None) -> boto3.Session:
    """A boto3 session that speaks for this role for good, and renews its credentials.

    Args:
        role: Whose credentials it has.
        region: For the work done; without it boto3 finds one as it always does.

    Raises:
        CredentialsError: boto3 is not installed.
    """
    try:
        import boto3.session
        import botocore.session
    except ImportError:
        raise CredentialsError(
            "session needs boto3: pip install boto3. Without it, credentials has the account's keys."
        ) from None
    from sso_magic.libraries.boto import refreshable

    credentials = refreshable(role)  # may ask the network, so not under the lock
    inner = botocore.session.get_session()
    inner._credentials = credentials  # noqa: SLF001 - botocore has no public way to give it a reader
    with _LOCK:
        inner.register_component("data_loader", _loader(inner.get_config_variable("data_path")))
        return boto3.session.Session(botocore_session=inner, region_name=region)


@functools.lru_cache(maxsize=8)
def _loader(data_path: str | None) -> Any:
    """The loader of all sessions with this search path."""
    from botocore import loaders

    class SharedLoader(loaders.Loader):  # type: ignore[misc]
        """A loader that many threads may ask at once: each file is read by the first of them."""

        def __init__(self, paths: list[str]) -> None:
            super().__init__(extra_search_paths=_Once(paths), include_default_search_paths=False)

    for name in _READS:
        setattr(SharedLoader, name, _one_at_a_time(getattr(loaders.Loader, name)))
    return SharedLoader(loaders.create_loader(data_path).search_paths)


_READS = (
    "list_available_services",
    "determine_latest_version",
    "list_api_versions",
    "load_service_model",
    "load_data",
    "load_data_with_path",
)


def _one_at_a_time(read: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(read)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _LOCK:
            return read(*args, **kwargs)

    return locked


class _Once(list[str]):
    """The search path, to which every boto3 session appends boto3's own: once is enough."""

    def append(self, path: str) -> None:
        """Appends it unless it is there."""
        if path not in self:
            super().append(path)
