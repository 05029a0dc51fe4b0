"""Signature Version 4 against AWS's own examples and botocore's signer."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sso_magic.local.sigv4 import Signature

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def environ(uri, headers, method="GET", body=b""):
    """The WSGI environment of a request."""
    made = {
        "REQUEST_METHOD": method,
        "RAW_URI": uri,
        "QUERY_STRING": uri.partition("?")[2],
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)) if body else "",
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        made[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return made


EXAMPLES = {
    "the suite's get-vanilla": environ(
        "/",
        {
            "Host": "example.amazonaws.com",
            "X-Amz-Date": "20150830T123600Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        },
    ),
    "the reference's ListUsers": environ(
        "/?Action=ListUsers&Version=2010-05-08",
        {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Host": "iam.amazonaws.com",
            "X-Amz-Date": "20150830T123600Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        },
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_awss_examples_fit_and_with_another_secret_do_not(name):
    signature = Signature.of(EXAMPLES[name])
    assert signature.access_key_id == "AKIDEXAMPLE"
    assert signature.fits(EXAMPLES[name], SECRET)
    assert not signature.fits(EXAMPLES[name], SECRET[:-1])


def signed_by_botocore(path, method="GET", body=b""):
    url = f"http://127.0.0.1:5000{path}"
    request = AWSRequest(method, url, {"X-Amz-Meta-Text": "two   words "}, body)
    S3SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, "token"), "s3", "eu-west-1").add_auth(request)
    headers = dict(request.headers.items())
    return path, {**headers, "Host": urlsplit(url).netloc}


@pytest.mark.parametrize(
    "path",
    [
        "/bucket/key",
        "/bucket/a%20b%2Bc%3Dd/%C3%BC~.txt",
        "/bucket?list-type=2&prefix=a%20b%2F&delimiter=%2F",
        "/bucket?acl",
        "/bucket?x=1&x=0",
    ],
)
def test_what_botocore_signs_fits(path):
    found = environ(*signed_by_botocore(path))
    signature = Signature.of(found)
    assert (signature.token, signature.service) == ("token", "s3")
    assert signature.fits(found, SECRET)


def test_a_space_in_a_query_may_be_sent_as_a_plus_sign():
    _, headers = signed_by_botocore("/bucket?prefix=a%20b")
    found = environ("/bucket?prefix=a+b", headers)
    assert Signature.of(found).fits(found, SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"REQUEST_METHOD": "DELETE"},
        {"RAW_URI": "/other"},
        {"RAW_URI": "/bucket?acl"},
        {"HTTP_X_AMZ_META_TEXT": "other"},
        {"HTTP_HOST": "127.0.0.1:5001"},
        {"HTTP_X_AMZ_DATE": "20150830T123600Z"},
        {"HTTP_X_AMZ_SECURITY_TOKEN": "other"},
        {"HTTP_X_AMZ_CONTENT_SHA256": "0" * 64},
    ],
)
def test_nothing_that_is_signed_can_be_changed(change):
    found = {**environ(*signed_by_botocore("/bucket")), **change}
    assert not Signature.of(found).fits(found, SECRET)


def test_the_body_of_a_query_is_signed_and_can_still_be_read():
    body = b"Action=GetCallerIdentity"
    from botocore.auth import SigV4Auth

    request = AWSRequest("POST", "http://127.0.0.1/", {}, body)
    SigV4Auth(Credentials("AKIDEXAMPLE", SECRET), "sts", "eu-west-1").add_auth(request)
    headers = {**dict(request.headers.items()), "Host": "127.0.0.1"}
    found = environ("/", headers, "POST", body)
    assert Signature.of(found).fits(found, SECRET)
    assert found["wsgi.input"].read() == body
    other = environ("/", headers, "POST", body.replace(b"Get", b"Set"))
    assert not Signature.of(other).fits(other, SECRET)


@pytest.mark.parametrize(
    "authorization",
    ["", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e", "Bearer x", "AWS4-HMAC-SHA256 Signature=x"],
)
def test_what_is_no_signature_is_none(authorization):
    assert Signature.of(environ("/", {"Authorization": authorization})) is None


def test_a_presigned_url_whose_time_cannot_be_read_is_none():
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Signature=x&X-Amz-Expires=60"
    assert Signature.of(environ(f"/?{query}&X-Amz-Date=now", {})) is None
    assert Signature.of(environ(f"/?{query}&X-Amz-Date=20150830T123600Z", {})).expires_at == 1440938220
