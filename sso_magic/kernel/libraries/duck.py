"""DuckDB's keys for S3, bound to the role that was in use when they were read.

What was measured (DuckDB 1.5). The httpfs extension copies the environment's keys into global settings when it is
loaded, and never reads them again. A secret of ``PROVIDER credential_chain`` freezes the keys that it finds when it is
made; with ``REFRESH auto`` it runs the chain again after any 400 or 403, so that one made under A becomes B after a
switch. A secret wins over the settings. Secrets and settings belong to a database, not to a connection, and can be
changed through a cursor while the connection runs a query (1 ms; 13 ms beside a query that keeps all cores busy).
``CREATE SECRET`` takes its values as parameters, so no key gets into the text of a statement or of an error.

What is done. Keys are recognized by their id. The module's default connection (``duckdb.sql``) follows each switch: its
keys are replaced by those of the role in use, or removed at a release. A secret with ``REFRESH auto`` in any other
connection gets the keys of its own role and no longer refreshes. When a role is renewed, all its keys are replaced.
What other connections hold of an earlier role is named in the switch's line.

Connections are known from ``duckdb.connect`` on, so one made before the first use of a role is not: it has no key of a
role then, but may get one later. Nothing is loaded or installed: until httpfs is there, a database holds no keys.
"""

from __future__ import annotations

import functools
import os
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.errors import CredentialsError
from sso_magic.kernel.libraries.alive import Alive
from sso_magic.kernel.renewal import key_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use

_NAME = "__sso_magic"
_SETTINGS = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_NOT_OPTIONS = {
    "key_id", "name", "provider", "refresh_info", "scope", "secret", "serializable", "session_token", "type",
}  # fmt: skip


class Held(NamedTuple):
    """A secret for S3 in a database.

    Attributes:
        name: Its name.
        type: ``s3``, or another type that takes keys of S3.
        key_id: Its access key id.
        refreshes: True if it runs a credential chain again after a refusal.
        scope: The prefixes that it is for.
        options: Its region, endpoint and so on.
    """

    name: str
    type: str
    key_id: str
    refreshes: bool
    scope: list[str]
    options: dict[str, str]


def create_secret(
    connection: Any,
    credentials: Credentials,
    *,
    name: str = _NAME,
    scope: str | list[str] | None = None,
    kind: str = "s3",
    options: dict[str, str] | None = None,
) -> None:
    """Make a temporary secret with these credentials, or replace it.

    Raises:
        CredentialsError: The httpfs extension is missing.
    """
    parameters = {"KEY_ID": credentials.access_key_id.reveal(), "SECRET": credentials.secret_access_key.reveal()}
    parameters |= {"SESSION_TOKEN": credentials.session_token.reveal(), **(options or {})}
    if "region" not in (options or {}) and (region := os.environ.get("AWS_REGION")):
        parameters["REGION"] = region
    scopes = [scope] if isinstance(scope, str) else scope or []
    settings = ", ".join(f"{option.upper()} ?" for option in parameters)
    if scopes:
        settings += ", SCOPE [" + ", ".join("'" + prefix.replace("'", "''") + "'" for prefix in scopes) + "]"
    quoted = '"' + name.replace('"', '""') + '"'
    statement = f"CREATE OR REPLACE TEMPORARY SECRET {quoted} (TYPE {kind}, {settings})"
    try:
        connection.cursor().execute(statement, list(parameters.values()))
    except Exception as error:  # noqa: BLE001 - of DuckDB's own classes; its text may quote parameters
        raise CredentialsError(
            f"DuckDB took no S3 secret ({type(error).__name__}): load its httpfs extension first, LOAD httpfs."
        ) from None


class DuckdbBinding:
    """The secrets and settings of the databases that are open in this process."""

    def __init__(self, kernel: Host) -> None:  # noqa: ARG002 - all bindings are made alike
        self._duckdb: Any = None
        self._connect: Any = None
        self._connections: Alive[dict[str, RenewingRole]] = Alive()  # the roles whose keys were found there
        self._roles: weakref.WeakSet[RenewingRole] = weakref.WeakSet()  # that have been used
        self._used: RenewingRole | None = None
        self._emptied: Alive[None] = Alive()  # the default connections whose settings had keys of a role

    def install(self, library: ModuleType) -> None:
        """Remember each connection that is made from now on."""
        self._duckdb = library
        connect = self._connect = library.connect

        @functools.wraps(connect)
        def connect_known(*arguments: Any, **options: Any) -> Any:
            made = connect(*arguments, **options)
            self._connections.add(made, {})
            return made

        library.connect = connect_known  # type: ignore[attr-defined]

    def enter(self, use: Use | None) -> None:
        """Give the default connection the keys of the role in use, and other connections those they had."""
        self._used = use.role if use is not None else None
        if self._used is not None:
            self._roles.add(self._used)
        default = self._duckdb.default_connection()
        for connection, found in self._databases():
            if connection is not default:
                self._freeze(connection, found)
        self._follow(default)

    def renewed(self, role: RenewingRole) -> None:
        """Replace the old keys of a role that was renewed with its new ones, wherever they are."""
        credentials = role.latest
        self._roles.add(role)
        for connection, found in self._databases():
            secrets = [held for held in _secrets(connection) if self._role(held.key_id, found) is role]
            for held in secrets:
                _replace(connection, held, credentials)
            if not secrets and self._role(_setting(connection), found) is role:
                create_secret(connection, credentials)

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:
        """Yield the databases that have keys of another role."""
        for connection, found in self._databases():
            key_ids = [held.key_id for held in _secrets(connection)] or [_setting(connection) or ""]
            for role in {self._role(key_id, found) for key_id in key_ids} - {None, used}:
                assert role is not None
                yield role, "DuckDB connection"

    def uninstall(self) -> None:
        """Put the function back."""
        self._duckdb.connect = self._connect

    def _databases(self) -> Iterator[tuple[Any, dict[str, RenewingRole]]]:
        default = self._duckdb.default_connection()
        if self._connections.get(default) is None:
            self._connections.add(default, {})
        for connection, found in self._connections:
            if _has_httpfs(connection):
                yield connection, found

    def _role(self, key_id: str | None, found: dict[str, RenewingRole]) -> RenewingRole | None:
        """Return the role of a key id, and keep it as long as the connection lives."""
        digest = key_digest(key_id or "")
        role = found.get(digest) or next((role for role in self._roles if digest in role.key_digests), None)
        if role is not None and key_id is not None:
            found[digest] = role
        return role

    def _freeze(self, connection: Any, found: dict[str, RenewingRole]) -> None:
        """Replace a secret that refreshes with one that keeps its own role's keys, unless that role is in use."""
        for held in _secrets(connection):
            role = self._role(held.key_id, found)
            if held.refreshes and role is not None and role is not self._used:
                _replace(connection, held, role.latest)

    def _follow(self, connection: Any) -> None:
        if not _has_httpfs(connection):
            return
        found = self._connections.get(connection) or {}
        secrets = _secrets(connection)
        ours = [held for held in secrets if self._role(held.key_id, found) is not None]
        if self._role(_setting(connection), found) is not None:
            _write_settings(connection, None)
            self._emptied.add(connection, None)
        if self._used is None and self._emptied.discard(connection):
            _write_settings(connection, [os.environ.get(name) for name in _VARIABLES])
        for held in ours:
            if self._used is not None:
                _replace(connection, held, self._used.latest)
            else:
                connection.cursor().execute('DROP TEMPORARY SECRET IF EXISTS "' + held.name.replace('"', '""') + '"')
        if self._used is not None and not secrets:
            create_secret(connection, self._used.latest)
        found.clear()


def _has_httpfs(connection: Any) -> bool:
    try:
        query = "SELECT loaded FROM duckdb_extensions() WHERE extension_name = 'httpfs'"
        return bool((connection.cursor().execute(query).fetchone() or [False])[0])
    except Exception:  # noqa: BLE001 - a closed connection, whose class is DuckDB's
        return False


def key_ids_of(connection: Any) -> set[str]:
    """Return the access key IDs that a database would sign with."""
    if not _has_httpfs(connection):
        return set()
    return {held.key_id for held in _secrets(connection)} or {_setting(connection) or ""} - {""}


def _secrets(connection: Any) -> list[Held]:
    """Return the temporary secrets that have an access key id."""
    query = "SELECT name, type, scope, secret_string FROM duckdb_secrets() WHERE NOT persistent"
    rows = connection.cursor().execute(query).fetchall()
    return [held for row in rows if (held := _parse(*row)) is not None]


def _parse(name: str, kind: str, scope: list[str], text: str) -> Held | None:
    values = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    if not values.get("key_id"):
        return None
    options = {option: value for option, value in values.items() if option not in _NOT_OPTIONS}
    return Held(name, kind, values["key_id"], "refresh_info" in values, scope, options)


def _replace(connection: Any, held: Held, credentials: Credentials) -> None:
    create_secret(connection, credentials, name=held.name, scope=held.scope, kind=held.type, options=dict(held.options))


def _setting(connection: Any) -> str | None:
    query = "SELECT value FROM duckdb_settings() WHERE name = 's3_access_key_id'"
    row = connection.cursor().execute(query).fetchone()
    return row[0] if row else None


def _write_settings(connection: Any, values: list[str | None] | None) -> None:
    """Remove the settings' keys, or set them to these values."""
    cursor = connection.cursor()
    for name, value in zip(_SETTINGS, values or [None] * 3, strict=True):
        if value is None:
            cursor.execute(f"RESET GLOBAL {name}")
        else:
            cursor.execute(f"SET GLOBAL {name} = ?", [value])
