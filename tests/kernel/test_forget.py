"""Caches of libraries that a switch empties: what is made or called afterwards uses the new role."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import PurePosixPath
from types import ModuleType, SimpleNamespace

import boto3
import psutil
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from sso_magic.kernel.libraries import forget


def newest_key_id(role) -> str:
    return role.newest()[0]


def test_a_new_parallel_call_runs_in_workers_of_the_new_role(kernel, role_a, role_b, until):
    from joblib import Parallel, delayed

    def in_workers() -> set[str | None]:
        return set(Parallel(2)(delayed(os.getenv)("AWS_ACCESS_KEY_ID") for _ in range(4)))

    kernel.use(role_a.use())
    assert in_workers() == {newest_key_id(role_a)}
    workers = [child for child in psutil.Process().children() if "popen_loky" in " ".join(child.cmdline())]
    assert workers
    kernel.use(role_b.use())
    assert in_workers() == {newest_key_id(role_b)}
    until(lambda: not any(worker.is_running() for worker in workers))
    kernel.release()
    assert in_workers() == {None}


def test_after_a_renewal_a_new_parallel_call_has_the_new_keys(kernel, role_a, until):
    from joblib import Parallel, delayed
    from joblib.externals.loky import reusable_executor

    role_a.lifetime = 1
    use = role_a.use()
    role_a.lifetime = 3600
    role_a.in_the_way.clear()
    kernel.use(use)
    before = Parallel(2)(delayed(os.getenv)("AWS_ACCESS_KEY_ID") for _ in range(2))
    role_a.in_the_way.set()
    until(lambda: role_a.is_in_environment() and reusable_executor._executor is None)
    after = Parallel(2)(delayed(os.getenv)("AWS_ACCESS_KEY_ID") for _ in range(2))
    assert set(before) == {role_a.issued[0].access_key_id.reveal()}
    assert set(after) == {newest_key_id(role_a)}


def test_a_parallel_call_under_way_finishes_in_the_workers_it_began_with(kernel, role_a, role_b):
    from joblib import Parallel, delayed

    kernel.use(role_a.use())
    calls = Parallel(2, return_as="generator", pre_dispatch=2, batch_size=1)(
        delayed(os.getenv)("AWS_ACCESS_KEY_ID") for _ in range(8)
    )
    found = [next(calls)]
    kernel.use(role_b.use())
    found += list(calls)
    assert found == [newest_key_id(role_a)] * 8


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork server")
def test_a_new_process_of_a_fork_server_has_the_new_roles_environment(kernel, role_a, role_b, until):
    context = multiprocessing.get_context("forkserver")

    def in_a_process() -> str | None:
        with context.Pool(1) as pool:
            return pool.apply(os.getenv, ("AWS_ACCESS_KEY_ID",))

    import multiprocessing.forkserver as module

    module.set_forkserver_preload([])  # not this test's modules
    kernel.use(role_a.use())
    assert in_a_process() == newest_key_id(role_a)
    server = psutil.Process(module._forkserver._forkserver_pid)
    kernel.use(role_b.use())
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
    assert in_a_process() == newest_key_id(role_b)
    kernel.release()
    assert in_a_process() is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork server")
def test_a_process_that_a_fork_server_started_before_goes_on_and_reports_how_it_ended(kernel, role_a, role_b):
    context = multiprocessing.get_context("forkserver")
    kernel.use(role_a.use())
    ours, its = context.Pipe()
    child = context.Process(target=_end_with_the_number, args=(its,))
    child.start()
    kernel.use(role_b.use())
    ours.send(7)
    child.join(30)
    assert child.exitcode == 7


def _end_with_the_number(connection) -> None:
    sys.exit(connection.recv())


@pytest.mark.parametrize("protocol", ["blockcache", "filecache", "simplecache", "dir"])
def test_fsspec_wraps_a_new_filesystem_after_a_switch(kernel, role_a, role_b, protocol, tmp_path):
    import fsspec

    def s3() -> object:
        if protocol == "dir":
            return fsspec.filesystem("dir", path="bucket", target_protocol="s3", target_options={}).fs
        return fsspec.filesystem(protocol, target_protocol="s3", cache_storage=str(tmp_path)).fs

    kernel.use(role_a.use())
    of_a = s3()
    assert s3() is of_a
    kernel.use(role_b.use())
    of_b = s3()
    assert of_b is not of_a
    kernel.release()
    assert s3() is not of_b


def test_fsspec_keeps_filesystems_that_cannot_hold_a_role(kernel, role_a):
    import fsspec

    memory, local = fsspec.filesystem("memory"), fsspec.filesystem("file")
    kernel.use(role_a.use())
    assert fsspec.filesystem("memory") is memory
    assert fsspec.filesystem("file") is local


def test_every_function_cache_of_a_listed_module_is_emptied(kernel, role_a, role_b, monkeypatch):
    module = made_up("anthropic.lib.aws._auth", "import functools\n@functools.lru_cache\ndef f(): return object()\n")
    monkeypatch.setitem(sys.modules, "anthropic.lib.aws._auth", module)
    kernel.use(role_a.use())
    of_a = module.f()
    assert module.f() is of_a
    kernel.use(role_b.use())
    of_b = module.f()
    assert of_b is not of_a
    kernel.release()
    assert module.f() is not of_b


@pytest.mark.parametrize("shared", [True, False])
def test_litellm_forgets_credentials_kept_for_all_or_for_each_instance(kernel, role_a, monkeypatch, shared):
    emptied = []
    cache = SimpleNamespace(in_memory_cache=SimpleNamespace(flush_cache=lambda: emptied.append(1)))
    module = made_up("litellm.llms.bedrock.base_aws_llm", "class BaseAWSLLM: pass")
    caller = made_up("litellm.main", "")
    if shared:
        module.BaseAWSLLM._shared_iam_cache = cache
    else:
        caller.bedrock = module.BaseAWSLLM()
        caller.bedrock.iam_cache = cache
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, caller.__name__, caller)
    kernel.use(role_a.use())
    assert emptied == [1]
    kernel.release()
    assert emptied == [1, 1]


def test_powertools_forgets_its_providers_and_their_values(kernel, role_a, monkeypatch):
    module = made_up("aws_lambda_powertools.utilities.parameters.constants", "DEFAULT_PROVIDERS = {}")
    kept = module.DEFAULT_PROVIDERS
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for switch in (lambda: kernel.use(role_a.use()), kernel.release):
        kept["ssm"] = object()
        switch()
        assert kept == {}


def test_redshift_connector_forgets_passwords(kernel, role_a, monkeypatch):
    module = made_up("redshift_connector.iam_helper", "class IamHelper: credentials_cache = {}")
    kept = module.IamHelper.credentials_cache
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for switch in (lambda: kernel.use(role_a.use()), kernel.release):
        kept["cluster"] = {"DbPassword": "secret"}
        switch()
        assert kept == {}


@pytest.fixture(params=[str, PurePosixPath], ids=["from Python 3.12 on", "before Python 3.12"])
def s3path(request, kernel, monkeypatch):
    """The part of s3path that finds the resource of a path."""
    module = made_up(
        "s3path.accessor",
        "import boto3, functools\n"
        "class _Map:\n"
        "    resources = None\n"
        "    default_resource = property(lambda self: boto3.resource('s3'))\n"
        "    @functools.lru_cache\n"
        "    def get_configuration(self, path):\n"
        "        self.resources = self.resources or {path: self.default_resource}\n"
        "        return self.resources[path]\n"
        "configuration_map = _Map()\n",
    )
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    known = module.configuration_map

    def resource():
        return known.get_configuration(request.param("/"))

    def register(resource):
        known.resources = {request.param("/"): resource}
        known.get_configuration.cache_clear()

    yield SimpleNamespace(resource=resource, register=register)
    kernel.release()  # before boto3's default session is put back


def key_id_of(resource):
    return resource.meta.client._request_signer._credentials.access_key


def test_s3path_gets_a_new_resource_at_each_switch(kernel, role_a, role_b, own_keys, s3path):
    assert key_id_of(s3path.resource()) == own_keys[0]
    for role in (role_a, role_b):
        kernel.use(role.use())
        assert key_id_of(s3path.resource()) == newest_key_id(role)
    kernel.release()
    assert key_id_of(s3path.resource()) == own_keys[0]


def test_s3path_keeps_a_resource_of_another_session(kernel, role_a, own_keys, s3path):
    own = boto3.Session(aws_access_key_id="AKIAMINE", aws_secret_access_key="x").resource("s3")
    same = boto3.Session().resource("s3")
    unsigned = boto3.resource("s3", config=Config(signature_version=UNSIGNED))
    for resource in (own, same, unsigned):
        s3path.register(resource)
        kernel.use(role_a.use())
        assert s3path.resource() is resource
        kernel.release()
        assert s3path.resource() is resource


def test_a_cache_that_cannot_be_emptied_is_named_at_the_switch_and_the_switch_goes_on(
    kernel, role_a, role_b, monkeypatch
):
    module = made_up("litellm.llms.bedrock.base_aws_llm", "")  # another release: no such class
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kernel.use(role_a.use())
    layer = kernel.use(role_b.use())
    assert role_b.is_in_environment()
    assert "litellm could not be switched" in layer.holders
    assert "BaseAWSLLM" in layer.holders


def test_no_row_imports_a_module(clean_environment):
    code = (
        "import sys; from sso_magic.kernel.libraries import forget; before = set(sys.modules)\n"
        "list(forget.imported_rows()); sys.exit(bool(set(sys.modules) - before))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert all(isinstance(name, str) and callable(row) for name, row in forget.FORGET.items())


def made_up(name: str, code: str) -> ModuleType:
    module = ModuleType(name)
    exec(code, module.__dict__)
    return module
