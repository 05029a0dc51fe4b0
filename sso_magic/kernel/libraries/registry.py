"""Which binding each library has, by the module whose import means that the library is there.

A binding is imported with its library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sso_magic.kernel.libraries.owned import OWNED, OwnedBinding
from sso_magic.kernel.libraries.starts import ProcessHooks, SubprocessHooks, ThreadHooks, ThreadPoolHooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from sso_magic.kernel.kernel_role import KernelRole, Use
    from sso_magic.kernel.renewal import RenewingRole


class Binding(Protocol):
    """What is done about one library."""

    def install(self, library: ModuleType) -> None:
        """Puts the hooks in."""

    def enter(self, use: Use | None) -> None:
        """This role is in the environment now; None: no role is."""

    def holders(self, used: RenewingRole | None) -> Iterable[tuple[RenewingRole, str]]:
        """Yield what is alive and uses another role than this one: the role, and what it is, in the singular."""

    def uninstall(self) -> None:
        """Takes the hooks out."""


def _botocore(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.boto import BotocoreBinding

    return BotocoreBinding(kernel)


def _aiobotocore(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.aio import AiobotocoreBinding

    return AiobotocoreBinding(kernel)


def _aiobotocore_clients(kernel: KernelRole) -> Binding:  # noqa: ARG001 - all bindings are made alike
    from sso_magic.kernel.libraries.aio import AioClientBinding

    return AioClientBinding()


def _botocore_session(kernel: KernelRole) -> Binding:  # noqa: ARG001 - all bindings are made alike
    from sso_magic.kernel.libraries.boto import BotocoreSessionBinding

    return BotocoreSessionBinding()


def _boto3(kernel: KernelRole) -> Binding:  # noqa: ARG001 - all bindings are made alike
    from sso_magic.kernel.libraries.boto_default import Boto3Binding

    return Boto3Binding()


def _s3fs(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.s3 import S3fsBinding

    return S3fsBinding(kernel)


def _pyarrow(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.arrow import ArrowBinding

    return ArrowBinding(kernel)


def _polars(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.polar import PolarsBinding

    return PolarsBinding(kernel)


def _anthropic(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.clients import AnthropicBinding

    return AnthropicBinding(kernel)


def _duckdb(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.duck import DuckdbBinding

    return DuckdbBinding(kernel)


def _daft(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.daft_config import DaftBinding

    return DaftBinding(kernel)


def _awscrt(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.crt import CrtBinding

    return CrtBinding(kernel)


def _icechunk(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.ice import IcechunkBinding

    return IcechunkBinding(kernel)


def _owned(name: str) -> Callable[[KernelRole], Binding]:
    return lambda kernel: OwnedBinding(kernel, OWNED[name])


def _fsspec(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.stores import FsspecHooks

    return FsspecHooks(kernel)


def _polars_queries(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.stores import PolarsHooks

    return PolarsHooks(kernel)


def _deltalake(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.stores import DeltaHooks

    return DeltaHooks(kernel)


def _duckdb_statements(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.refused import DuckdbHooks

    return DuckdbHooks(kernel)


def _obstore(kernel: KernelRole) -> Binding:
    from sso_magic.kernel.libraries.refused import ObstoreHooks

    return ObstoreHooks(kernel)


MAKERS: dict[str, Callable[[KernelRole], Binding]] = {
    "botocore.credentials": _botocore,
    "aiobotocore.credentials": _aiobotocore,
    "aiobotocore.client": _aiobotocore_clients,
    "botocore.session": _botocore_session,
    "boto3": _boto3,
    "s3fs.core": _s3fs,
    "pyarrow.fs": _pyarrow,
    "polars": _polars,
    "anthropic.lib.aws._auth": _anthropic,
    "duckdb": _duckdb,
    "daft": _daft,
    "awscrt.auth": _awscrt,
    "icechunk.credentials": _icechunk,
    **{name: _owned(name) for name in OWNED},
}


TASK_MAKERS: dict[str, Callable[[KernelRole], Binding]] = {
    "threading": ThreadHooks,
    "subprocess": SubprocessHooks,
    "concurrent.futures.thread": ThreadPoolHooks,
    "multiprocessing.process": ProcessHooks,
    "fsspec.spec": _fsspec,
    "polars.io.cloud.credential_provider._builder": _polars_queries,
    "deltalake": _deltalake,
    "_duckdb": _duckdb_statements,
    "duckdb._relation": _duckdb_statements,
    "duckdb.duckdb": _duckdb_statements,
    "obstore.store": _obstore,
}
