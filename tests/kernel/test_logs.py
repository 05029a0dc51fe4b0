"""botocore's debug log while a role is in use: whole, but for the keys."""

from __future__ import annotations

import logging

import boto3

from sso_magic.center.identity_center import IdentityCenter
from sso_magic.kernel.libraries import logs


def test_a_request_is_logged_without_the_keys_it_is_signed_with(signed_in, kernel, caplog):
    caplog.set_level(logging.DEBUG)
    with IdentityCenter("corp").role("payments-dev", "ReadOnly").use(region="eu-west-1") as layer:
        keys = layer.use.credentials
        boto3.client("sts").get_caller_identity()
        url = boto3.client("s3").generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        logging.getLogger("botocore.endpoint").debug("GET %s", url)
    assert keys.access_key_id.reveal() in url
    for key in (keys.access_key_id, keys.secret_access_key, keys.session_token):
        assert key.reveal() not in caplog.text
    assert "x-amz-security-token:***" in caplog.text
    assert "Credential=***" in caplog.text
    assert "AWSAccessKeyId=***&" in caplog.text
    assert "x-amz-security-token=***&" in caplog.text
    assert "CanonicalRequest:\nPOST\n/\n" in caplog.text
    assert "x-amz-date:20" in caplog.text


def test_an_answer_of_sts_is_logged_without_the_keys_in_it(caplog):
    logs.install()
    caplog.set_level(logging.DEBUG)
    body = b"<Credentials><AccessKeyId>ASIAX</AccessKeyId><SessionToken>planted</SessionToken><Expiration>2026"
    logging.getLogger("botocore.parsers").debug("Response body:\n%s", body)
    assert "<AccessKeyId>***</AccessKeyId><SessionToken>***</SessionToken><Expiration>2026" in caplog.text
    logs.uninstall()


def test_the_log_is_left_alone_when_the_extension_is_gone(signed_in, kernel):
    with IdentityCenter("corp").role("payments-dev", "ReadOnly").use():
        assert logs._FILTER in logging.getLogger("botocore.auth").filters
    kernel.shutdown()
    assert logs._FILTER not in logging.getLogger("botocore.auth").filters
