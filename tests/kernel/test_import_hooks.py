"""A library that is imported only after a role is in use: the import works, and what it makes is that role's.

Each case is a process of its own, since a library can be imported first only once.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

SETUP = """
import os, sys
os.environ.update(AWS_DEFAULT_REGION="eu-west-1", AWS_EC2_METADATA_DISABLED="true")
from datetime import datetime, timedelta, timezone
from sso_magic.credentials.role_credentials import Credentials as RoleKeys
from sso_magic.kernel.kernel_role import KERNEL, Use
from sso_magic.common.secret import Secret

def use(name, number):
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    keys = RoleKeys(number * 12, name, "R", Secret("ASIA" + name), Secret("s"), Secret("t"), soon)
    return KERNEL.use(Use(keys, "eu-west-1", "corp", lambda: keys, serve=SERVE))
"""

CHECK = """
def who():
    import boto3, polars as pl, pyarrow.fs, s3fs
    from fsspec.asyn import sync
    from polars.io.cloud.credential_provider import _builder
    made = [boto3.client("sts")._request_signer._credentials, boto3.Session().get_credentials()]
    found = [keys.get_frozen_credentials().access_key for keys in made]
    filesystem = s3fs.S3FileSystem(skip_instance_cache=True)
    filesystem.connect()
    found.append(sync(filesystem.loop, filesystem._s3._request_signer._credentials.get_frozen_credentials).access_key)
    if not SERVE:
        found.append(pyarrow.fs.S3FileSystem().__reduce__()[1][0]["access_key"])
    found.append(_builder.DEFAULT_CREDENTIAL_PROVIDER()[0]["aws_access_key_id"])
    return sorted(set(found))

print(who())
layer = use("B", "2")
print(who())
print("could not be switched" in (layer.holders or ""), flush=True)
os._exit(0)
"""

FIRST_IMPORTS = [
    "from botocore.credentials import Credentials",
    "import botocore",
    "import botocore.session",
    "import botocore.client",
    "import botocore.signers",
    "import botocore.tokens",
    "from botocore.session import Session",
    "import boto3",
    "import boto3.session",
    "from boto3 import Session",
    "from boto3.s3.transfer import TransferConfig",
    "import aiobotocore.session",
    "from aiobotocore.credentials import AioCredentials",
    "import aiobotocore.config",
    "import s3fs",
    "from s3fs.core import S3FileSystem",
    "import fsspec; fsspec.filesystem('s3')",
    "import pyarrow",
    "import pyarrow.fs",
    "from pyarrow.fs import S3FileSystem",
    "import pyarrow.dataset",
    "import pyarrow._s3fs",
    "import polars",
    "from polars.io.cloud import CredentialProviderAWS",
    "import deltalake",
    "import pandas",
    "import awswrangler",
    "def call():\n    from botocore.credentials import Credentials\n    return Credentials('a', 'b')\ncall()",
    "import pyarrow.fs, polars, s3fs.core, boto3, botocore.session",
    "import polars, boto3, s3fs, pyarrow.fs",
    "import s3fs, polars, pyarrow.fs, boto3",
    (
        "import threading\n"
        "names = ['polars', 'boto3', 's3fs', 'pyarrow.fs', 'botocore.credentials', 'aiobotocore.session']\n"
        "threads = [threading.Thread(target=__import__, args=(name,)) for name in names]\n"
        "[thread.start() for thread in threads]\n[thread.join() for thread in threads]"
    ),
]


def run(code: str) -> list[str]:
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("first", FIRST_IMPORTS, ids=[text.splitlines()[0] for text in FIRST_IMPORTS])
def test_whatever_is_imported_first_is_bound(first):
    assert run(f"SERVE = False{SETUP}use('A', '1')\n{first}\n{CHECK}") == ["['ASIAA']", "['ASIAB']", "False"]


def test_it_is_bound_with_the_endpoint_too():
    code = f"SERVE = True{SETUP}use('A', '1')\nfrom botocore.credentials import Credentials\n{CHECK}"
    assert run(code) == ["['ASIAA']", "['ASIAB']", "False"]


BROKEN = {
    "botocore": ("botocore.credentials", "del module.EnvProvider"),
    "boto3": ("boto3", "del module.DEFAULT_SESSION"),
    "s3fs": ("s3fs.core", "module.S3FileSystem = None"),
    "pyarrow": ("pyarrow.fs", "del module.FileSystem"),
    "polars": ("polars.io.cloud.credential_provider._builder", "del module.DEFAULT_CREDENTIAL_PROVIDER"),
}

# A library as it may look one day: the statement runs when the module has been executed, before any hook.
OTHER_SHAPE = """
import importlib.machinery

execute = importlib.machinery.SourceFileLoader.exec_module

def exec_module(self, module):
    execute(self, module)
    if module.__name__ == {name!r}:
        {change}

importlib.machinery.SourceFileLoader.exec_module = exec_module
"""


@pytest.mark.parametrize("library", BROKEN)
def test_a_library_of_another_shape_can_be_imported_and_is_named_at_the_switch(library):
    name, change = BROKEN[library]
    code = (
        f"SERVE = False{SETUP}{OTHER_SHAPE.format(name=name, change=change)}use('A', '1')\n"
        f"import {name.partition('.')[0] if library == 'polars' else name}\nprint('imported')\n"
        "print(use('B', '2').holders)\nos._exit(0)"
    )
    imported, line = run(code)
    assert imported == "imported"
    assert line.startswith(f"{library} could not be switched (")


@pytest.mark.parametrize("error", ["BaseException", "GeneratorExit", "RecursionError", "StopIteration", "MemoryError"])
@pytest.mark.parametrize("step", ["_make", "_install", "_imported"])
def test_no_error_of_a_hook_surfaces_in_an_import(error, step):
    code = f"""SERVE = False{SETUP}
from sso_magic.kernel.libraries.bindings import Libraries
use('A', '1')
intact = Libraries.{step}
def fail(self, name, *rest):
    raise {error}("from the hook")
Libraries.{step} = fail
from botocore.credentials import Credentials
print(Credentials.__name__)
Libraries.{step} = intact
import boto3  # what could not be installed is installed with the next import
print(boto3.client("sts")._request_signer._credentials.access_key)
use('B', '2')
print(boto3.Session().client("sts")._request_signer._credentials.access_key)
os._exit(0)
"""
    assert run(code) == ["Credentials", "ASIAA", "ASIAB"]


def test_a_module_that_is_executed_again_is_bound_again():
    code = f"""SERVE = False{SETUP}
import boto3, importlib, botocore.credentials, s3fs.core
use('A', '1')
importlib.reload(botocore.credentials)
importlib.reload(s3fs.core)
print(botocore.credentials.EnvProvider().load().access_key)
made = s3fs.core.S3FileSystem()
del sys.modules["botocore.credentials"]
import botocore.credentials as again
print(again.EnvProvider().load().access_key)
print(use('B', '2').holders)
os._exit(0)
"""
    line = "1 s3fs filesystem still uses A (111111111111) / R."
    assert run(code) == ["ASIAA", "ASIAA", line]


def test_a_finder_that_asks_all_the_others_does_not_go_round_in_circles():
    code = f"""SERVE = False{SETUP}
import importlib.util
class Asking:
    def find_spec(self, name, path=None, target=None):
        for finder in sys.meta_path:
            if finder is not self:
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    return spec
use('A', '1')
sys.meta_path.insert(0, Asking())
from botocore.credentials import Credentials
import boto3
print(boto3.client("sts")._request_signer._credentials.access_key)
os._exit(0)
"""
    assert run(code) == ["ASIAA"]
