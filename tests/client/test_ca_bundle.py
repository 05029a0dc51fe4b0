"""A CA bundle that cannot be used is refused when a client is made: the message names the path and the setting."""

from __future__ import annotations

import os
import socket

import pytest
import trustme

from sso_magic import errors
from sso_magic.portal import SSO

BEGIN, END = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
NO_HASH = (
    "the directory {} has no certificate under a name that OpenSSL looks for (HASH.0). Run openssl rehash {}, or name "
    "a file; boto3 and the AWS CLI read files only."
)
SOURCES = ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle of profile 'default'", "code"]


@pytest.fixture(scope="module")
def certificate() -> str:
    return trustme.CA().cert_pem.bytes().decode()


@pytest.fixture
def place(tmp_path, certificate):
    """A directory with one of each kind."""
    (tmp_path / "good.pem").write_text(certificate)
    (tmp_path / "two words.pem").write_text(certificate)
    (tmp_path / "damaged.pem").write_text(f"{BEGIN}MIIBdamaged\n{END}")
    (tmp_path / "cut.pem").write_text(certificate * 2 + certificate[:200])
    (tmp_path / "one of two.pem").write_text(certificate + f"{BEGIN}AAAA\n{END}")
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")
    (tmp_path / "ca.der").write_bytes(bytes(range(256)))
    (tmp_path / "empty.pem").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "ca.pem").write_text(certificate)
    (tmp_path / "hashed").mkdir()
    (tmp_path / "hashed" / "0a775a30.0").write_text(certificate)
    return tmp_path


def client(source: str, value: str, directory) -> SSO:
    """A client whose CA bundle is set there."""
    config = directory / "config"
    config.write_text(f"[default]\nca_bundle = {value}\n" if source.startswith("ca_bundle") else "")
    environ = {"AWS_CONFIG_FILE": str(config), "HOME": str(directory)}
    if source.isupper():
        environ[source] = value
    return SSO(region="eu-west-1", environ=environ, ca_bundle=value if source == "code" else None)


def refusal(source: str, value: str, directory) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        client(source, value, directory)
    text = str(caught.value)
    assert text.startswith(f"ca_bundle from {source}: ")
    assert text.isprintable()  # one line
    return text.removeprefix(f"ca_bundle from {source}: ")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.pem", "there is nothing at {}; name a file of CA certificates."),
        ("damaged.pem", "a certificate in {} is damaged. Replace the file, or name another one."),
        ("cut.pem", "a certificate in {} is damaged. Replace the file, or name another one."),
        ("one of two.pem", "a certificate in {} is damaged. Replace the file, or name another one."),
        ("key.pem", "{} has no certificate in PEM format (-----BEGIN CERTIFICATE-----). Name a file that has."),
        ("ca.der", "{} has no certificate in PEM format (-----BEGIN CERTIFICATE-----). Name a file that has."),
        ("empty.pem", "{} has no certificate in PEM format (-----BEGIN CERTIFICATE-----). Name a file that has."),
        *[(name, NO_HASH) for name in ("empty", "names")],
    ],
)
def test_what_is_no_ca_bundle_is_named_with_its_setting(place, source, name, says):
    path = str(place / name)
    assert refusal(source, path, place) == says.replace("{}", path)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["good.pem", "two words.pem", "hashed"])
def test_what_is_one_is_used(place, source, name):
    with client(source, str(place / name), place) as sso:
        assert sso.config.ca_bundle == str(place / name)
        assert sso.config.sources["ca_bundle"] == source


@pytest.mark.parametrize("source", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "code"])  # a file's values are stripped
@pytest.mark.parametrize(("before", "after"), [("", " "), (" ", ""), ("", "\n"), ("", "\r"), ("\t", " ")])
def test_white_space_around_the_path_is_named(place, source, before, after):
    path = str(place / "good.pem")
    typed = f"{before}{path}{after}"
    assert refusal(source, typed, place) == f"there is nothing at {typed!r}; take out the white space around {path}."


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_around_the_path_are_named(place, source, quote):
    path = str(place / "good.pem")
    assert refusal(source, f"{quote}{path}{quote}", place) == (
        f"there is nothing at {quote}{path}{quote}; take out the quotes around {path}."
    )


@pytest.mark.parametrize("source", SOURCES)
def test_a_variable_in_the_path_is_named(place, source, monkeypatch):
    monkeypatch.setenv("CERTIFICATES", str(place))
    assert refusal(source, "$CERTIFICATES/good.pem", place) == (
        f"there is nothing at $CERTIFICATES/good.pem, because variables in it are not expanded; write {place}/good.pem."
    )


def test_a_relative_path_is_said_to_be_one(place, monkeypatch):
    monkeypatch.chdir(place / "empty")
    assert refusal("AWS_CA_BUNDLE", "good.pem", place) == (
        "there is nothing at good.pem in the working directory; name a file of CA certificates."
    )


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX") or os.name == "nt", reason="these files are of POSIX")
def test_a_file_that_would_never_end_is_not_read(place):
    os.mkfifo(place / "pipe")
    for path in (str(place / "pipe"), os.devnull):
        assert refusal("AWS_CA_BUNDLE", path, place) == (
            f"{path} is neither a file nor a directory. Name a file of CA certificates."
        )


def test_a_file_that_was_replaced_is_loaded_again(place, certificate):
    path = place / "damaged.pem"
    refusal("AWS_CA_BUNDLE", str(path), place)
    path.write_text(certificate)
    with client("AWS_CA_BUNDLE", str(path), place) as sso:
        assert sso.config.ca_bundle == str(path)
