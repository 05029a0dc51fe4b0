"""Which binding each library has, by the module whose import means that the library is there.

A binding is imported with its library only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from sso_magic.kernel.libraries.owned import OWNED, OwnedBinding
from sso_magic.kernel.libraries.starts import ProcessHooks, SubprocessHooks, ThreadHooks, ThreadPoolHooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use


class Binding(Protocol):
    """The hooks in one library."""

    def install(self, library: ModuleType) -> None:
        """Put the hooks in."""

    def enter(self, use: Use | None) -> None:
        """Follow a change: this role is in the environment now; None: no role is."""

    def holders(self, used: RenewingRole | None) -> Iterable[tuple[RenewingRole, str]]:
        """Yield what is alive and uses another role than this one: the role, and what it is, in the singular."""

    def uninstall(self) -> None:
        """Take the hooks out."""


def _binding(path: str) -> Callable[[Host], Binding]:
    """Return what makes the binding of this class, whose module is imported then.

    Args:
        path: Module and class.
    """
    module, _, name = path.partition(".")

    def make(kernel: Host) -> Binding:
        kind = getattr(import_module(f"sso_magic.kernel.libraries.{module}"), name)
        binding: Binding = kind(kernel)
        return binding

    return make


def _owned(name: str) -> Callable[[Host], Binding]:
    return lambda kernel: OwnedBinding(kernel, OWNED[name])


MAKERS: dict[str, Callable[[Host], Binding]] = {
    "botocore.credentials": _binding("boto.BotocoreBinding"),
    "aiobotocore.credentials": _binding("aio.AiobotocoreBinding"),
    "aiobotocore.client": _binding("aio.AioClientBinding"),
    "botocore.session": _binding("boto.BotocoreSessionBinding"),
    "boto3": _binding("boto_default.Boto3Binding"),
    "s3fs.core": _binding("s3.S3fsBinding"),
    "pyarrow.fs": _binding("arrow.ArrowBinding"),
    "polars": _binding("polar.PolarsBinding"),
    "anthropic.lib.aws._auth": _binding("clients.AnthropicBinding"),
    "duckdb": _binding("duck.DuckdbBinding"),
    "daft": _binding("daft_config.DaftBinding"),
    "awscrt.auth": _binding("crt.CrtBinding"),
    "icechunk.credentials": _binding("ice.IcechunkBinding"),
    **{name: _owned(name) for name in OWNED},
}

TASK_MAKERS: dict[str, Callable[[Host], Binding]] = {
    "threading": ThreadHooks,
    "subprocess": SubprocessHooks,
    "concurrent.futures.thread": ThreadPoolHooks,
    "multiprocessing.process": ProcessHooks,
    "fsspec.spec": _binding("stores.FsspecHooks"),
    "polars.io.cloud.credential_provider._builder": _binding("stores.PolarsHooks"),
    "deltalake": _binding("stores.DeltaHooks"),
    "_duckdb": _binding("refused.DuckdbHooks"),
    "duckdb._relation": _binding("refused.DuckdbHooks"),
    "duckdb.duckdb": _binding("refused.DuckdbHooks"),
    "obstore.store": _binding("refused.ObstoreHooks"),
}
