"""%sso_doctor names a CA file that is set for other programs."""

from __future__ import annotations

import pytest
import trustme

from sso_magic.doctor.report import examine


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return str(path)


def test_a_ca_file_that_is_not_read_is_named_with_the_setting_that_is(signed_in, monkeypatch, bundle):
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    [found] = [finding for finding in examine().findings if finding.text.startswith("SSL_CERT_FILE")]
    assert found.text == "SSL_CERT_FILE is set, which the AWS tools and this package do not read."
    assert found.fix == "If AWS is behind that CA: AWS_CA_BUNDLE=$SSL_CERT_FILE"


def test_it_is_no_news_beside_aws_ca_bundle(signed_in, monkeypatch, bundle):
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    assert not [finding for finding in examine().findings if finding.text.startswith("SSL_CERT_FILE")]
