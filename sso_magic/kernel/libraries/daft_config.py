"""Daft's ambient credentials, which follow the role in use.

What was measured (Daft 0.7). Where no credentials are passed, its Rust SDK finds the environment's once and keeps them
for the process, so that a new read after a switch is still A; also where an `IOConfig` is passed that has a region or
an endpoint and no credentials. A callable in an `IOConfig` is taken along by each DataFrame when it is made, and asked
again shortly before the keys expire.

What is done. While a role is in use, the planning configuration's default `IOConfig` has a provider of that role, and
so has each `IOConfig` without credentials that is passed to a function or method of Daft, or that Daft makes of an
Iceberg table's properties. A configuration that has credentials keeps them. Daft's classes of configurations are Rust's
and cannot be hooked themselves.

The default configuration is the process's. In a task of ``%%sso_each`` a function gets a copy of it with the task's
role instead. An SQL statement that reads S3 takes no configuration and no provider: it is refused while a role is in
use, because Daft would read with the environment's first keys, after a switch and a release too.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

from sso_magic.errors import CredentialsError
from sso_magic.kernel.libraries.reference import RoleReference, reference
from sso_magic.kernel.libraries.refused import GIVES_KEYS, READS_S3
from sso_magic.kernel.libraries.tasks import current_task
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FunctionType, ModuleType

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.use import Use

_PARAMETER = "io_config"
_OF_ICEBERG = "_convert_iceberg_file_io_properties_to_io_config"


class DaftBinding:
    """The default `IOConfig`, and the functions that take another."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel
        self._context: Any = None
        self._own: Any = None  # the user's default configuration
        self._undo: list[Callable[[], None]] = []

    def install(self, library: ModuleType) -> None:
        """Wrap the public functions and methods that take an `IOConfig`."""
        self._context = library.context
        wrapped: dict[FunctionType, Callable[..., Any]] = {}
        for place, name, function in list(_public_functions(library)):
            if function not in wrapped:
                wrapped[function] = self._with_the_role(function)
            self._put(place, name, wrapped[function])
        for module in [module for name, module in list(sys.modules.items()) if name.startswith("daft.")]:
            if inspect.isfunction(vars(module).get(_OF_ICEBERG)):
                self._put(module, _OF_ICEBERG, self._of_iceberg(vars(module)[_OF_ICEBERG]))
        for place in (library, getattr(library, "Session", None)):  # older releases have no sessions
            if place is not None and inspect.isfunction(vars(place).get("sql")):
                self._put(place, "sql", self._checked(vars(place)["sql"]))

    def _put(self, place: Any, name: str, function: Callable[..., Any]) -> None:
        self._undo.append(functools.partial(setattr, place, name, vars(place)[name]))
        setattr(place, name, function)

    def enter(self, use: Use | None) -> None:
        """Put a provider of the role into the default configuration; without a role, restore the user's own."""
        self._own = self._own_default()
        config = self._own if use is None else _of_role(self._own, use.role)
        self._context.set_planning_config(default_io_config=config)

    def _own_default(self) -> Any:
        """Return the user's default configuration."""
        config = self._context.get_context().daft_planning_config.default_io_config
        return self._own if self._is_ours(config) else config

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Yield nothing: a DataFrame holds its plan in Rust."""
        return iter(())

    def uninstall(self) -> None:
        """Put the functions back. The default configuration is the user's own already: no role is in use."""
        while self._undo:
            self._undo.pop()()

    def _with_the_role(self, function: Callable[..., Any]) -> Callable[..., Any]:
        position = list(inspect.signature(function).parameters).index(_PARAMETER)
        takes_properties = function.__name__.endswith("_iceberg")  # the table's, if no configuration is passed

        @functools.wraps(function)
        def called(*arguments: Any, **options: Any) -> Any:
            if len(arguments) > position:
                config = self._bound(arguments[position], has_default=not takes_properties)
                arguments = (*arguments[:position], config, *arguments[position + 1 :])
            else:
                config = self._bound(options.get(_PARAMETER), has_default=not takes_properties)
                options |= {} if config is None else {_PARAMETER: config}
            return function(*arguments, **options)

        return called

    def _of_iceberg(self, convert: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(convert)
        def converted(*arguments: Any, **options: Any) -> Any:
            return self._bound(convert(*arguments, **options), has_default=True)

        return converted

    def _checked(self, run: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(run)
        def run_checked(*arguments: Any, **options: Any) -> Any:
            text = " ".join(value for value in (*arguments, *options.values()) if isinstance(value, str))
            role = self._kernel.bind(lambda: None)
            if isinstance(role, RenewingRole) and READS_S3.search(text) and not GIVES_KEYS.search(text):
                raise CredentialsError(
                    f"Daft's SQL would read S3 with the first keys that it found, not with those of {role.label}. Read "
                    "with daft.read_parquet, for example, and name that DataFrame in the statement."
                )
            return run(*arguments, **options)

        return run_checked

    def _bound(self, config: Any, *, has_default: bool) -> Any:
        """Return the configuration with the role, if any; in a task, for None the default one."""
        role = self._kernel.bind(lambda: None)
        try:
            if config is None and has_default and current_task() is not None:
                config = self._own_default()
            return _of_role(config, role) if isinstance(role, RenewingRole) and config is not None else config
        except Exception:  # noqa: BLE001 - not a configuration: Daft says so
            return config

    @staticmethod
    def _is_ours(config: Any) -> bool:
        return isinstance(config.s3.credentials_provider, RoleProvider)


def _public_functions(library: Any) -> Iterator[tuple[Any, str, FunctionType]]:
    """Yield the functions and methods that take an `IOConfig`: where they are, their name, and the function."""
    modules = [library, library.io, library.functions]
    classes = [thing for thing in vars(library).values() if inspect.isclass(thing) and _is_of(library, thing)]
    for place in [*modules, *classes]:
        for name, function in vars(place).items():
            if inspect.isfunction(function) and _takes_a_configuration(function):
                yield place, name, function


def _is_of(library: ModuleType, thing: type) -> bool:
    return thing.__module__.partition(".")[0] == library.__name__


def _takes_a_configuration(function: Callable[..., Any]) -> bool:
    code = inspect.unwrap(function).__code__
    return _PARAMETER in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _of_role(config: Any, role: RenewingRole) -> Any:
    """Return the configuration with a provider of the role, unless it has credentials."""
    if _names_credentials(config.s3):
        return config
    return config.replace(s3=config.s3.replace(credentials_provider=RoleProvider(role)))


class RoleProvider:
    """What Daft calls for the credentials of one role."""

    def __init__(self, role: RenewingRole | RoleReference) -> None:
        self.role = role

    def __reduce__(self) -> tuple[Any, ...]:
        return RoleProvider, (self.role if isinstance(self.role, RoleReference) else reference(self.role),)

    def __call__(self) -> Any:
        """Return the role's credentials as Daft's own class."""
        return s3_credentials(self.role.get())


def s3_credentials(credentials: Credentials) -> Any:
    """Return credentials as Daft's own class, with their expiry."""
    from daft.io import S3Credentials

    return S3Credentials(
        key_id=credentials.access_key_id.reveal(),
        access_key=credentials.secret_access_key.reveal(),
        session_token=credentials.session_token.reveal(),
        expiry=credentials.local_expires_at,
    )


def _names_credentials(s3: Any) -> bool:
    return bool(s3.key_id or s3.access_key or s3.profile_name or s3.anonymous or s3.credentials_provider)
