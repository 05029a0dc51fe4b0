"""Credentials that are passed as None or empty, as wrappers pass them, are credentials that are not passed."""

from __future__ import annotations

import pytest

KEYS = ("access_key", "secret_key", "session_token")


@pytest.fixture(autouse=True)
def region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def settings_of(filesystem) -> dict[str, object]:
    from pyarrow._s3fs import S3FileSystem

    return S3FileSystem.__reduce__(filesystem)[1][0]


@pytest.mark.parametrize(
    "settings",
    [
        dict.fromkeys(KEYS),
        dict.fromkeys(KEYS, ""),
        {"access_key": None},
        {"secret_key": None, "session_token": ""},
        {"anonymous": False},
        {"anonymous": None, "role_arn": None, "session_name": None, "external_id": None},
        {"role_arn": "", **dict.fromkeys(KEYS)},
    ],
)
@pytest.mark.parametrize("serve", [False, True], ids=["keys", "endpoint"])
def test_pyarrow_gets_the_roles_keys(kernel, role_a, role_b, settings, serve):
    import pyarrow.fs

    kernel.use(role_a.use(serve=serve))
    made = pyarrow.fs.S3FileSystem(region="eu-west-1", **settings)
    assert (settings_of(made)["access_key"] or None) == (None if serve else role_a.newest()[0])
    assert settings_of(made)["region"] == "eu-west-1"
    assert "pyarrow filesystem" in kernel.use(role_b.use()).holders


def test_pyarrow_gets_them_for_a_class_of_ones_own_too(kernel, role_a):
    import pyarrow.fs

    kernel.use(role_a.use())

    class Mine(pyarrow.fs.S3FileSystem):
        def __init__(self, **settings):
            super().__init__(region="eu-west-1", **settings)

    for made in (Mine(session_token=None), Mine(access_key=None, secret_key=None), Mine(anonymous=False)):
        assert type(made) is Mine
        assert settings_of(made)["access_key"] == role_a.newest()[0]


def test_pyarrow_keeps_credentials_that_are_named(kernel, role_a):
    import pyarrow.fs

    kernel.use(role_a.use())
    for made in (
        pyarrow.fs.S3FileSystem(access_key="AKIAOWN", secret_key="x", role_arn=None, region="eu-west-1"),
        pyarrow.fs.S3FileSystem(access_key="AKIAOWN", secret_key="x", session_token=None, anonymous=False, region="x"),
    ):
        assert settings_of(made)["access_key"] == "AKIAOWN"


@pytest.mark.parametrize(
    ("arguments", "settings", "error"),
    [
        ((), {"access_key": "AKIAOWN"}, ValueError),
        ((), {"secret_key": "x"}, ValueError),
        ((), {"session_token": "x"}, ValueError),
        (("AKIAOWN", "x"), {}, TypeError),
        ((None,), {"access_key": None}, TypeError),
        ((), {"nonsense": 1}, TypeError),
    ],
)
def test_pyarrow_says_what_it_always_says_of_arguments_that_do_not_fit(kernel, role_a, arguments, settings, error):
    import pyarrow.fs

    with pytest.raises(error) as without:
        pyarrow.fs.S3FileSystem(*arguments, region="eu-west-1", **settings)
    kernel.use(role_a.use())
    with pytest.raises(error) as with_role:
        pyarrow.fs.S3FileSystem(*arguments, region="eu-west-1", **settings)
    assert str(with_role.value) == str(without.value)


S3FS = [
    {"key": None, "secret": None, "token": None},
    {"key": "", "secret": "", "token": ""},
    {"client_kwargs": {"aws_access_key_id": "", "aws_secret_access_key": ""}},
    {"anon": None},
    {"profile": None},
    {"session": None},
    {"username": None, "password": None},
    {"client_kwargs": None},
    {"client_kwargs": dict.fromkeys(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"))},
]


@pytest.mark.parametrize("settings", S3FS)
def test_s3fs_gets_the_roles_keys(kernel, role_a, role_b, settings):
    import fsspec.asyn
    import s3fs

    kernel.use(role_a.use())
    made = s3fs.S3FileSystem(skip_instance_cache=True, **settings)
    assert kernel.use(role_b.use()).holders == "1 s3fs filesystem still uses dev (111111111111) / ReadOnly."
    made.connect()
    keys = fsspec.asyn.sync(made.loop, made._s3._request_signer._credentials.get_frozen_credentials)
    assert keys.access_key == role_a.newest()[0]


def test_boto3_gets_the_roles_keys(kernel, role_a, role_b):
    import boto3

    none = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"))
    kernel.use(role_a.use())
    clients = [
        boto3.client("sts", **none),
        boto3.Session(**none, profile_name=None).client("sts", **none),
        boto3.resource("s3", **none).meta.client,
    ]
    kernel.use(role_b.use())
    for client in clients:
        assert client._request_signer._credentials.access_key == role_a.newest()[0]
