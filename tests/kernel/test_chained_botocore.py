"""The roles of chained profiles are assumed as botocore assumes them: the same host, region and parameters."""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import botocore.awsrequest
import botocore.httpsession
import botocore.loaders
import botocore.session
import botocore.tokens
import pytest
from botocore.exceptions import BotoCoreError, NoRegionError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sso_magic.common.secret import Secret
from sso_magic.config.files import load_shared_config
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.errors import ConfigError, CredentialsError, RoleNotAssigned
from sso_magic.kernel import chained
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin.sessions import find_session

from .conftest import FakeRole

BASE = """\
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile base]
sso_session = corp
sso_account_id = 220947583614
sso_role_name = ReadOnly
"""
SERVICES = "[services v]\nsts =\n  endpoint_url = https://vpce-1.sts.ap-southeast-2.vpce.amazonaws.com\n"
ROLE = "arn:aws:iam::999988887777:role/x"
EXPIRES = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
ANSWER = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAANSWER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>{EXPIRES}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>A:x</AssumedRoleId>
<Arn>arn:aws:sts::999988887777:assumed-role/x/x</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"""
REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>"""
LOADER = botocore.loaders.create_loader()
SOURCE = Credentials(
    "220947583614",
    None,
    "ReadOnly",
    Secret("ASIASOURCE"),
    Secret("secret"),
    Secret("token"),
    datetime.now(timezone.utc) + timedelta(hours=1),
)


@pytest.fixture
def wire(monkeypatch, clean_environment):
    """What STS is asked; the portal, where botocore asks it, gives the source's keys."""
    seen = SimpleNamespace(asked=[], status=200, body=ANSWER)

    def send(_session, request):
        host = urlsplit(request.url).netloc
        body, status = seen.body, seen.status
        if "/federation/credentials" in request.url:
            keys = {"accessKeyId": "ASIASOURCE", "secretAccessKey": "secret", "sessionToken": "token"}
            body, status = json.dumps({"roleCredentials": keys | {"expiration": 4102444800000}}), 200
        else:
            text = request.body.decode() if isinstance(request.body, bytes) else request.body
            scope = re.search(r"Credential=(\w+)/\d+/([\w-]+)/", str(request.headers["Authorization"]))
            seen.asked.append((host, scope[1], scope[2], without_default_name(dict(parse_qsl(text)))))
        raw = SimpleNamespace(stream=lambda: iter([body.encode()]))
        response = botocore.awsrequest.AWSResponse(request.url, status, {}, raw)
        response._content = body.encode()
        return response

    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", send)
    monkeypatch.setattr(botocore.session, "create_loader", lambda _=None: LOADER)  # reads the models once
    directory = clean_environment / ".aws" / "sso" / "cache"
    directory.mkdir(parents=True)
    monkeypatch.setattr(botocore.tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(directory))  # HOME at the import
    token = {"accessToken": "t", "expiresAt": "2099-01-01T00:00:00Z", "startUrl": "x", "region": "eu-west-1"}
    (directory / f"{hashlib.sha1(b'corp').hexdigest()}.json").write_text(json.dumps(token))
    return seen


def without_default_name(asked: dict[str, str]) -> dict[str, str]:
    """The parameters, without a role session's name that nobody chose: botocore's has the time in it."""
    if re.fullmatch(r"sso_magic|botocore-session-\d+", asked["RoleSessionName"]):
        del asked["RoleSessionName"]
    return asked


def write(text: str) -> None:
    Path(os.environ["HOME"], ".aws", "config").write_text(BASE + text)


def ours(wire, name: str = "top", ask=None):
    wire.asked.clear()
    config = load_shared_config()
    has_base = chained.root(name, config) is not None
    keys = chained.assume(name, config, (lambda: SOURCE) if has_base else None, ask)
    assert keys.access_key_id.reveal() == "ASIAANSWER"
    return list(wire.asked)


def theirs(wire, name: str = "top"):
    wire.asked.clear()
    session = botocore.session.Session(profile=name)
    session.get_credentials().get_frozen_credentials()
    return list(wire.asked)


LINK = st.fixed_dictionaries(
    {},
    optional={
        "region": st.sampled_from(["ap-southeast-2", "us-gov-west-1", "cn-north-1", "us-east-1"]),
        "services": st.just("v"),
        "endpoint_url": st.just("https://all.example"),
        "ignore_configured_endpoint_urls": st.sampled_from(["true", "yes"]),
        "sts_regional_endpoints": st.sampled_from(["legacy", "regional"]),
        "use_fips_endpoint": st.sampled_from(["true", "1"]),
        "use_dualstack_endpoint": st.just("true"),
        "duration_seconds": st.sampled_from(["900", "3600", "43200"]),
        "external_id": st.sampled_from(["partner", "a b"]),
        "role_session_name": st.just("night-run"),
    },
)
VARIABLES = st.fixed_dictionaries(
    {},
    optional={
        "AWS_DEFAULT_REGION": st.sampled_from(["eu-central-1", "us-west-2"]),
        "AWS_REGION": st.just("sa-east-1"),
        "AWS_STS_REGIONAL_ENDPOINTS": st.just("legacy"),
        "AWS_ENDPOINT_URL_STS": st.just("https://sts.example"),
        "AWS_USE_FIPS_ENDPOINT": st.just("true"),
        "AWS_PROFILE": st.just("base"),
    },
)


def section(name: str, keys: dict[str, str]) -> str:
    return f"[profile {name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, phases=[Phase.generate])
@given(links=st.lists(LINK, min_size=1, max_size=3), variables=VARIABLES, in_use=st.booleans())
def test_sts_is_asked_what_botocore_asks_it(wire, links, variables, in_use):
    names = ["top", "middle", "low"][: len(links)]
    text = SERVICES
    for name, keys, source in zip(names, links, [*names[1:], "base"], strict=True):
        text += section(name, {"role_arn": f"{ROLE}-{name}", "source_profile": source} | keys)
    write(text)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            expected = theirs(wire)
        except NoRegionError:  # botocore cannot sign for an endpoint without a region; this package takes us-east-1
            ours(wire)
            return
        except BotoCoreError:  # an endpoint that STS does not have in the region, say
            expected = None
        if in_use:  # a role in use changes nothing
            KERNEL.use(FakeRole("111111111111", "dev").use(region="ca-central-1"))
        try:
            if expected is not None:
                assert len(expected) == len(links)
                assert ours(wire) == expected
            else:
                with pytest.raises(CredentialsError):
                    ours(wire)
        finally:
            KERNEL.shutdown()


@pytest.mark.parametrize("in_use", [False, True])
def test_a_credential_source_is_the_environment_without_a_role(wire, kernel, role_a, own_keys, in_use):
    write(section("top", {"role_arn": ROLE, "credential_source": "Environment", "region": "eu-west-1"}))
    expected = theirs(wire)
    assert expected[0][1] == "AKIAOWN"
    if in_use:
        kernel.use(role_a.use())
    assert ours(wire) == expected


def test_a_web_identity_may_be_the_source(wire, tmp_path):
    (tmp_path / "token").write_text("jwt")
    identity = {"role_arn": ROLE, "web_identity_token_file": str(tmp_path / "token"), "region": "eu-west-1"}
    write(section("web", identity) + section("top", {"role_arn": ROLE, "source_profile": "web"}))
    assert chained.root("top", load_shared_config()) is None


def test_mfa_is_asked_for_and_sent(wire):
    mfa = {"role_arn": ROLE, "source_profile": "base", "region": "eu-west-1", "mfa_serial": "arn:aws:iam::1:mfa/me"}
    write(section("top", mfa))
    questions = []
    asked = ours(wire, ask=lambda question: questions.append(question) or "123456")
    assert questions == ["Enter MFA code for arn:aws:iam::1:mfa/me: "]
    assert (asked[0][3]["SerialNumber"], asked[0][3]["TokenCode"]) == ("arn:aws:iam::1:mfa/me", "123456")
    assert ours(wire, ask=lambda _: " 123 456\t")[0][3]["TokenCode"] == "123456"


def _ctrl_d(_question):
    raise EOFError


@pytest.mark.parametrize("ask", [lambda _: "", lambda _: "  ", _ctrl_d])
def test_without_an_mfa_code_nothing_is_sent(wire, ask):
    mfa = {"role_arn": ROLE, "source_profile": "base", "region": "eu-west-1", "mfa_serial": "arn:aws:iam::1:mfa/me"}
    write(section("top", mfa))
    with pytest.raises(CredentialsError) as caught:
        ours(wire, ask=ask)
    assert str(caught.value) == "No MFA code was entered. Run %sso_use top again."
    assert wire.asked == []


def test_where_nobody_can_be_asked_for_mfa_nothing_is_sent(wire):
    write(
        section("top", {"role_arn": ROLE, "source_profile": "middle"})
        + section("middle", {"role_arn": ROLE, "source_profile": "base", "mfa_serial": "m"})
    )
    with pytest.raises(CredentialsError) as error:
        ours(wire)
    assert str(error.value) == (
        "Profile middle asks for MFA (mfa_serial), and no one can enter the code here. Run %sso_use top in a "
        "notebook or a terminal."
    )
    assert wire.asked == []


@pytest.mark.parametrize(
    ("keys", "code", "text", "kind", "told"),
    [
        (
            {"duration_seconds": "43200"},
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ConfigError,
            "STS refuses duration_seconds = 43200 of profile middle: ",
        ),
        (
            {},
            "AccessDenied",
            "User: x is not authorized",
            RoleNotAssigned,
            "STS does not let the source of",
        ),
        (
            {"mfa_serial": "arn:aws:iam::1:mfa/me"},
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
            CredentialsError,
            "STS refuses the MFA code for profile middle: ",
        ),
        (
            {},
            "RegionDisabledException",
            "not activated",
            ConfigError,
            "STS is not activated in the region",
        ),
        (
            {},
            "ExpiredToken",
            "expired",
            CredentialsError,
            f"STS refuses to assume {ROLE}-middle",
        ),
    ],
)
def test_a_refusal_names_the_profile_and_the_key(wire, keys, code, text, kind, told):
    middle = {"role_arn": f"{ROLE}-middle", "source_profile": "base", "region": "eu-west-1"}
    write(section("top", {"role_arn": ROLE, "source_profile": "middle"}) + section("middle", middle | keys))
    wire.status, wire.body = 403, REFUSAL.format(code=code, text=text)
    with pytest.raises(kind) as error:
        ours(wire, ask=lambda _: "123456")
    assert str(error.value).startswith(told)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("variable", ["AWS_PROFILE", None])
def test_a_chained_profile_belongs_to_the_session_at_its_end(clean_environment, monkeypatch, variable):
    (clean_environment / ".aws").mkdir()
    write(
        "[sso-session other]\nsso_start_url = https://o.awsapps.com/start\nsso_region = eu-west-1\n"
        + section("top", {"role_arn": ROLE, "source_profile": "middle"})
        + section("middle", {"role_arn": ROLE, "source_profile": "base"})
    )
    if variable:
        monkeypatch.setenv(variable, "top")
    assert find_session(None if variable else "top").name == "corp"
