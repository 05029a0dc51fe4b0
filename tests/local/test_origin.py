"""What a page of another site makes a browser send is refused on every path of both servers."""

from __future__ import annotations

import pytest

from sso_magic.local.origin import refusal

STRANGERS = [
    "evil.example", "127.0.0.1.evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.2", "0.0.0.0",
    "[::1", "",
]  # fmt: skip
MALFORMED = ["127.0.0.1@evil.example", "evil.example@127.0.0.1", "127.0.0.1/evil.example"]  # tornado hangs up on them
CROSS_SITE = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:1"},
    {"Origin": "https://{host}"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
]
AWS_PATHS = ["/", "/bucket", "/bucket/key?X-Amz-Signature=x", "/?Action=GetCallerIdentity", "/moto-api/", "/latest/x"]


def paths_of(center) -> list[str]:
    """Every route of the listener and of its pages, and paths that are none."""
    listener = center._listener
    pages = {path for _, path in listener._fallback._routes}
    return sorted({*listener._routes, *pages, "/static/local.css", "/nowhere", "/start/", "//token"})


@pytest.mark.parametrize("host", STRANGERS)
def test_every_path_answers_under_loopback_names_only(local, wire, host):
    paths = paths_of(local)
    assert len(paths) > 15
    for path in paths:
        for method in ("GET", "POST", "HEAD", "OPTIONS", "DELETE"):
            answer = wire.call(method, path, headers={"Host": host, "x-amz-sso_bearer_token": local.access_token()})
            assert answer.status in {400, 403}, (method, path)
    assert not local.state.registrations or all(one.name != "evil" for one in local.state.registrations.values())


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_every_path_refuses_what_another_site_posts(local, wire, headers):
    host = f"127.0.0.1:{wire.connection.port}"
    sent = {name: value.format(host=host) for name, value in headers.items()}
    before = len(local.state.registrations)
    for path in paths_of(local):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            answer = wire.call(method, path, body='{"clientName": "evil"}', headers=sent)
            assert answer.status == 403, (method, path)
            assert b"another site" in answer.body
    assert len(local.state.registrations) == before


@pytest.mark.parametrize("kind", ["text/plain", "Text/Plain; charset=utf-8", "application/x-www-form-urlencoded"])
def test_a_body_that_any_page_can_post_is_no_json(local, wire, kind):
    before = len(local.state.registrations)
    for path in ("/client/register", "/device_authorization", "/token"):
        body = '{"clientName": "evil", "clientType": "public", "scopes": []}'
        answer = wire.call("POST", path, body=body, headers={"Content-Type": kind})
        assert (answer.status, answer.error) == (400, "InvalidRequestException")
    assert len(local.state.registrations) == before


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://{host}"}, {"Origin": "http://{host}", "Sec-Fetch-Site": "same-origin"}]
)
def test_what_the_servers_own_pages_and_clients_post_is_taken(local, wire, headers):
    sent = {name: value.format(host=f"127.0.0.1:{wire.connection.port}") for name, value in headers.items()}
    asked = {"clientName": "a client", "clientType": "public", "scopes": ["sso:account:access"]}
    assert wire.call("POST", "/client/register", body=asked, headers=sent).status == 200


def test_a_link_from_another_site_opens_a_page(wire):
    for site in ("cross-site", "same-site", "none"):
        assert wire.call("GET", "/start", headers={"Sec-Fetch-Site": site}).status == 200


def test_the_aws_accounts_answer_under_loopback_names_only(local_identity_center, wire_to):
    aws = wire_to(local_identity_center.aws_url)
    for host in STRANGERS + MALFORMED:
        for path in AWS_PATHS:
            for method in ("GET", "POST", "OPTIONS"):
                answer = aws.call(method, path, headers={"Host": host})
                assert answer.status in {400, 403}, (host, path)
                assert b"<Code>" not in answer.body
                assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_the_aws_accounts_refuse_what_another_site_posts_although_it_is_signed(local_identity_center, headers, wire_to):
    aws = wire_to(local_identity_center.aws_url)
    host = f"127.0.0.1:{aws.connection.port}"
    sent = {name: value.format(host=host) for name, value in headers.items()}
    for path in AWS_PATHS:
        answer = aws.call("POST", path, body="Action=GetCallerIdentity", headers=sent)
        assert (answer.status, b"another site" in answer.body) == (403, True)


def test_buckets_as_names_below_localhost_are_the_servers_own():
    assert refusal("GET", {"Host": "bucket.localhost:4566"}, subdomains=True) is None
    assert refusal("GET", {"Host": "bucket.localhost:4566"}) is not None
    assert refusal("GET", {"Host": "localhost.evil.example"}, subdomains=True) is not None
