"""DuckDB's secrets and settings. No query leaves the process: a secret shows the id of the key that it holds."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import duckdb_extension_aws
import duckdb_extension_httpfs
import pytest
import time_machine

from sso_magic.errors import CredentialsError
from sso_magic.kernel.libraries.duck import create_secret


def load(connection, *packages):
    for package in packages:
        connection.execute(f"LOAD '{next(Path(package.__path__[0]).glob('extensions/*/*.duckdb_extension'))}'")
    return connection


def with_secret(refresh: str = ""):
    """Return a connection with a secret of the credential chain, as users make it."""
    connection = load(duckdb.connect(), duckdb_extension_httpfs, duckdb_extension_aws)
    connection.execute(f"CREATE SECRET s (TYPE s3, PROVIDER credential_chain, REGION 'eu-west-1'{refresh})")
    return connection


def secrets(connection):
    """Return the secrets by name: the key id, and whether the secret runs its chain again."""
    rows = connection.execute("SELECT name, secret_string FROM duckdb_secrets()").fetchall()
    values = {name: dict(part.split("=", 1) for part in text.split(";")) for name, text in rows}
    return {name: (found["key_id"], "refresh_info" in found) for name, found in values.items()}


def settings(connection):
    row = connection.execute("SELECT value FROM duckdb_settings() WHERE name = 's3_access_key_id'").fetchone()
    return row[0] if row else None


def key_ids(role):
    return {keys.access_key_id.reveal() for keys in role.issued}


def renew(role, fake) -> None:
    """Renew a role whose credentials last for a minute."""
    fake.lifetime = 3600
    role.retry_now()
    with time_machine.travel(datetime.now(timezone.utc) + timedelta(seconds=50), tick=False):
        role.renew()
    assert fake.fetched == 1


@pytest.fixture
def default():
    """A default connection of this test's own."""
    before, made = duckdb.default_connection(), duckdb.connect()
    duckdb.set_default_connection(made)
    yield made
    duckdb.set_default_connection(before)
    made.close()


@pytest.mark.parametrize("serve", [False, True])
@pytest.mark.parametrize("refresh", ["", ", REFRESH auto"])
def test_a_secret_that_was_made_under_a_keeps_the_keys_of_a_and_is_named(kernel, role_a, role_b, refresh, serve):
    kernel.use(role_a.use(serve=serve))
    with with_secret(refresh) as connection:
        assert secrets(connection)["s"] == (role_a.newest()[0], bool(refresh))
        layer = kernel.use(role_b.use(serve=serve))
        assert secrets(connection)["s"] == (role_a.newest()[0], False)
        assert "1 DuckDB connection still uses dev" in layer.holders
        kernel.release()
        assert secrets(connection)["s"] == (role_a.newest()[0], False)


@pytest.mark.parametrize("serve", [False, True])
def test_a_secret_that_refreshes_gets_the_keys_of_a_renewal_and_stays_with_its_role(kernel, role_a, role_b, serve):
    role_a.lifetime = 60
    role = kernel.use(role_a.use(serve=serve)).use.role
    kernel.use(role_a.use(serve=serve))
    with with_secret(", REFRESH auto") as connection:
        before = secrets(connection)["s"]
        renew(role, role_a)
        assert secrets(connection)["s"] != before
        kernel.use(role_b.use(serve=serve))
        key_id, refreshes = secrets(connection)["s"]
        assert key_id == role_a.newest()[0]
        assert not refreshes


def test_a_key_that_its_role_had_before_is_recognized(kernel, role_a, role_b):
    role_a.lifetime = 60
    role = kernel.use(role_a.use()).use.role
    before = role.latest
    renew(role, role_a)
    with load(duckdb.connect(), duckdb_extension_httpfs) as connection:
        create_secret(connection, before)
        assert "1 DuckDB connection still uses dev" in kernel.use(role_b.use()).holders


@pytest.mark.parametrize("serve", [False, True])
def test_a_secret_that_refreshes_keeps_doing_so_while_its_role_is_in_use(kernel, role_a, serve):
    kernel.use(role_a.use(serve=serve))
    with with_secret(", REFRESH auto") as connection:
        kernel.use(role_a.use(serve=serve))
        assert secrets(connection)["s"][0] in key_ids(role_a)
        assert secrets(connection)["s"][1]


def test_a_secret_of_the_users_own_is_left_alone(kernel, role_a, role_b, default):
    for connection in (default, duckdb.connect()):
        load(connection, duckdb_extension_httpfs).execute("CREATE SECRET s (TYPE s3, KEY_ID 'AKIAOWN', SECRET 'x')")
        kernel.use(role_a.use())
        layer = kernel.use(role_b.use())
        assert secrets(connection) == {"s": ("AKIAOWN", False)}
        assert layer.holders is None
        kernel.release()
        assert secrets(connection) == {"s": ("AKIAOWN", False)}


@pytest.mark.parametrize("serve", [False, True])
def test_the_default_connection_follows_each_switch(kernel, role_a, role_b, default, serve):
    load(default, duckdb_extension_httpfs)
    kernel.use(role_a.use(serve=serve))
    assert [key_id for key_id, _ in secrets(default).values()] == [role_a.newest()[0]]
    layer = kernel.use(role_b.use(serve=serve))
    assert [key_id for key_id, _ in secrets(default).values()] == [role_b.newest()[0]]
    assert layer.holders is None
    kernel.release()
    assert secrets(default) == {}
    assert not settings(default)


def test_keys_that_httpfs_read_from_the_environment_go_at_the_switch(kernel, role_a, role_b, default):
    kernel.use(role_a.use())
    load(default, duckdb_extension_httpfs)
    assert settings(default) == role_a.newest()[0]
    kernel.use(role_b.use())
    assert settings(default) is None
    assert [key_id for key_id, _ in secrets(default).values()] == [role_b.newest()[0]]


def test_with_the_endpoint_httpfs_has_no_keys_until_the_next_use(kernel, role_a, default):
    kernel.use(role_a.use(serve=True))
    load(default, duckdb_extension_httpfs)
    assert not settings(default)
    assert secrets(default) == {}
    kernel.use(role_a.use(serve=True))
    assert [key_id for key_id, _ in secrets(default).values()] == [role_a.newest()[0]]


def test_the_users_own_keys_come_back_at_the_release(kernel, role_a, default, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    kernel.use(role_a.use())
    load(default, duckdb_extension_httpfs)
    kernel.use(role_a.use())
    kernel.release()
    assert os.environ["AWS_ACCESS_KEY_ID"] == "AKIAOWN"
    assert settings(default) == "AKIAOWN"


def test_renewed_keys_are_put_in_all_connections_of_the_role(kernel, role_a, role_b, default):
    load(default, duckdb_extension_httpfs)
    role_a.lifetime = 60
    role = kernel.use(role_a.use()).use.role
    with with_secret() as connection:
        kernel.use(role_b.use())
        renew(role, role_a)
        assert secrets(connection)["s"] == (role_a.newest()[0], False)
        assert [key_id for key_id, _ in secrets(default).values()] == [role_b.newest()[0]]


def test_without_httpfs_the_error_says_what_to_load_and_shows_no_key(role_a):
    with duckdb.connect() as connection:
        connection.execute("SET autoload_known_extensions = false")
        with pytest.raises(CredentialsError, match=r": load its httpfs extension first, LOAD httpfs\.$") as raised:
            create_secret(connection, role_a.credentials())
    assert not any(secret in str(raised.value) for secret in role_a.newest())
