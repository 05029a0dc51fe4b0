"""Daft's SQL takes no configuration: it never reads S3 while a role is in use."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import pytest

from sso_magic.errors import CredentialsError
from sso_magic.kernel.libraries.daft_config import DaftBinding

PATH = "s3://bucket/key.parquet"


@pytest.fixture
def daft(kernel):
    """A module with Daft's two ways to run SQL, which answer with the statement."""
    module = ModuleType("daft")

    def sql(statement, **bindings):
        return statement

    module.sql, module.Session = sql, type("Session", (), {"sql": lambda self, statement: statement})
    module.io = module.functions = SimpleNamespace()
    module.context = None  # is asked for by other functions only
    binding = DaftBinding(kernel)
    binding.install(module)
    yield module
    binding.uninstall()
    assert module.sql is sql


@pytest.mark.parametrize("run", [lambda daft: daft.sql, lambda daft: daft.Session().sql], ids=["daft", "Session"])
def test_a_statement_that_reads_s3_is_refused_while_a_role_is_in_use(kernel, role_a, daft, run):
    statement = f"SELECT * FROM read_parquet('{PATH}')"
    assert run(daft)(statement) == statement
    kernel.use(role_a.use())
    with pytest.raises(CredentialsError) as caught:
        run(daft)(statement)
    assert str(caught.value) == (
        "Daft's SQL would read S3 with the first keys that it found, not with those of dev (111111111111) / ReadOnly. "
        "Read with daft.read_parquet, for example, and name that DataFrame in the statement."
    )
    for other in ("SELECT * FROM df", f"SELECT * FROM read_parquet('{PATH}', key_id := 'AKIAOWN')"):
        assert run(daft)(other) == other
    kernel.release()
    assert run(daft)(statement) == statement
