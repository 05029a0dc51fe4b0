"""Rows of `OWNED` for libraries that the tests do not install, on modules of the same shape."""

from __future__ import annotations

from types import ModuleType

import pytest

from sso_magic.kernel.libraries.owned import OWNED, OwnedBinding
from sso_magic.kernel.libraries.owner import role_of_the_owner


@pytest.fixture
def library(kernel):
    """Return a function that makes a module with hooks, of a row's module and the code in it."""
    bindings = []

    def make(name: str, code: str) -> tuple[ModuleType, OwnedBinding]:
        module = ModuleType(name)
        module.role_of_the_owner = role_of_the_owner
        exec(code, vars(module))
        bindings.append(OwnedBinding(kernel, OWNED[name]))
        bindings[-1].install(module)
        return module, bindings[-1]

    yield make
    for binding in bindings:
        binding.uninstall()


def test_a_pynamodb_connection_that_was_not_used_under_a_makes_its_client_as_a(kernel, role_a, role_b, library):
    module, binding = library(
        "pynamodb.connection.base",
        "class Connection:\n    def dispatch(self, operation, arguments):\n        return role_of_the_owner()",
    )
    kernel.use(role_a.use())
    a, connection = kernel.current.role, module.Connection()
    kernel.use(role_b.use())
    assert connection.dispatch("ListTables", {}) is a
    assert module.Connection().dispatch("ListTables", {}) is kernel.current.role
    assert (a, "PynamoDB connection") in list(binding.holders(kernel.current.role))


def test_a_filesystem_of_tiledb_is_named_which_reads_the_environment_at_each_request(kernel, role_a, role_b, library):
    module, binding = library("tiledb.vfs", "class VFS:\n    pass")
    kernel.use(role_a.use())
    a, filesystem = kernel.current.role, module.VFS()
    kernel.use(role_b.use())
    assert list(binding.holders(kernel.current.role)) == [(a, "TileDB filesystem")]
    del filesystem
    assert list(binding.holders(kernel.current.role)) == []
