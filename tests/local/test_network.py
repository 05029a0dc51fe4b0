"""Where it listens and under which names: loopback alone, unless the caller says more."""

from __future__ import annotations

import socket

import boto3
import psutil
import pytest

from sso_magic.__main__ import main
from sso_magic.local import LocalIdentityCenter, Network
from sso_magic.local.errors import KnobError

COMPOSE = Network(host="0.0.0.0", public_url="http://identity-center:8317/", allowed_hosts=("Other",))


def addresses(port):
    processes = [psutil.Process(), *psutil.Process().children()]
    found = [at for process in processes for at in process.net_connections("inet") if at.status == "LISTEN"]
    return {at.laddr.ip for at in found if at.laddr.port == port}


def test_it_prints_the_public_urls_and_listens_where_it_is_told():
    with LocalIdentityCenter(network=COMPOSE) as center:
        center.wait_until_ready()
        aws = center._aws._port
        assert center.environment() == {
            "AWS_ENDPOINT_URL_SSO": "http://identity-center:8317",
            "AWS_ENDPOINT_URL_SSO_OIDC": "http://identity-center:8317",
            "AWS_ENDPOINT_URL": f"http://identity-center:{aws}",
        }
        assert center.control_url == "http://identity-center:8317/control"
        assert center.start_url == f"https://d-{center._port:010}.awsapps.com/start"
        assert addresses(center._port) == addresses(aws) == {"0.0.0.0"}


def test_a_public_url_of_aws_is_its_own():
    network = Network(public_url="https://sso.example", public_aws_url="https://aws.example:444")
    with LocalIdentityCenter(network=network) as center:
        assert (center.url, center.aws_url) == ("https://sso.example", "https://aws.example:444")


def test_both_servers_answer_to_the_names_that_are_allowed_and_to_no_other(wire_to):
    with LocalIdentityCenter(network=COMPOSE) as center:
        center.wait_until_ready()
        wire, aws = wire_to(f"http://127.0.0.1:{center._port}"), wire_to(f"http://127.0.0.1:{center._aws._port}")
        for host in ("identity-center:8317", "IDENTITY-CENTER", "other:1", "localhost", "127.0.0.1"):
            assert wire.call("GET", "/start", headers={"Host": host}).status == 200, host
            assert "AccessDenied" in aws.call("GET", "/", headers={"Host": host}).text, host
        assert "AccessDenied" in aws.call("GET", "/", headers={"Host": "bucket.identity-center:8318"}).text
        said = "This server answers to 127.0.0.1, ::1, identity-center, localhost, other only. "
        said += "Allow more names by --allow-host."
        for host in ("evil.example", "identity-center.evil.example", "x.identity-center", "0.0.0.0", "1.127.0.0.1"):
            answer = wire.call("GET", "/start", headers={"Host": host})
            assert (answer.status, answer.text) == (403, said), host
        assert aws.call("GET", "/", headers={"Host": "1.127.0.0.1"}).status == 403
        assert "--allow-host" in aws.call("GET", "/", headers={"Host": "bucket.evil.example"}).text


def test_a_form_of_its_own_page_is_taken_under_the_public_name_alone(wire_to):
    network = Network(public_url="https://sso.example")
    with LocalIdentityCenter(network=network, aws=False) as center:
        wire = wire_to(f"http://127.0.0.1:{center._port}")
        for origin, refused in (
            ("https://sso.example", False),
            ("http://sso.example", False),
            ("https://evil.example", True),
            ("https://127.0.0.1", True),
        ):
            answer = wire.form("/user", {}, Host="sso.example", Origin=origin)
            assert ("another site" in answer.text) is refused, origin


def test_a_client_signs_in_under_the_public_name(wire_to):
    with LocalIdentityCenter(network=COMPOSE, aws=False) as center:
        wire = wire_to(f"http://127.0.0.1:{center._port}")
        client = wire.register()
        for url in (center.start_url, center.portal_url, f"http://127.0.0.1:{center._port}/start"):
            started = wire.start_device(client, url)
        assert started["verificationUri"] == "http://identity-center:8317/start/#/device"
        wrong = wire.post("/device_authorization", **client, startUrl="http://127.0.0.1:8317/start")
        assert wrong.json["error"] == "invalid_request"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_it_listens_on_ipv6_loopback():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    with LocalIdentityCenter(network=Network(host="::1")) as center:
        assert center.url.startswith("http://[::1]:")
        sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=center.url)
        assert len(sso.list_accounts(accessToken=center.access_token())["accountList"]) == 14
        center.wait_until_ready()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"host": "somewhere"}, "host: an IP address is expected, such as 0.0.0.0, not 'somewhere'."),
        ({"host": ""}, "host: an IP address is expected, such as 0.0.0.0, not ''."),
        ({"public_url": "identity-center"}, "public_url: a URL without a path is expected, such as http://identity-c"),
        ({"public_url": "ftp://x"}, "public_url: a URL without a path is expected"),
        ({"public_url": "http://x/start"}, "public_url: a URL without a path is expected"),
        ({"public_url": "http://u@x"}, "public_url: a URL without a path is expected"),
        ({"public_url": "http://x:99999"}, "public_url: a URL without a path is expected"),
        ({"public_aws_url": "http://"}, "public_aws_url: a URL without a path is expected"),
        ({"allowed_hosts": ("*",)}, "allowed_hosts: a host name is expected, such as identity-center, not '*'."),
        ({"allowed_hosts": ("x:1",)}, "allowed_hosts: a host name is expected"),
    ],
)
def test_what_cannot_be_one_is_said(fields, message):
    with pytest.raises(KnobError) as caught:
        Network(**fields)
    assert str(caught.value).startswith(message)


def test_the_command_refuses_it_in_one_line(capsys):
    assert main(["local", "--host", "everywhere"]) == 1
    assert capsys.readouterr().err == (
        "sso-magic: host: an IP address is expected, such as 0.0.0.0, not 'everywhere'.\n"
    )


def test_the_command_says_who_can_reach_it():
    from sso_magic.local.cli import _as_text

    with LocalIdentityCenter(network=COMPOSE, aws=False) as center:
        assert "\nListens on 0.0.0.0: whatever reaches it can sign in as anybody.\n" in _as_text(center)
    with LocalIdentityCenter(aws=False) as center:
        assert "Listens on" not in _as_text(center)
